//! Faults that tests inject, and what is counted.

use std::time::{Duration, Instant};

use aws_sdk_rdsdata::config::retry::RetryConfig;
use aws_sdk_rdsdata::types::Field;
use kassa_stand_ins::rds_data::{Fault, FaultError, Stats};
use serde_json::{Value, json};

use crate::harness::{RESOURCE, SECRET, Stand, client};

async fn table() -> Stand {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE orders (n int)").await;
    stand
}

const INSERT: &str = "INSERT INTO orders VALUES (1)";

async fn count(stand: &Stand) -> Field {
    stand.value("SELECT count(*) FROM orders").await
}

#[tokio::test]
async fn a_call_can_fail_before_its_effect() {
    let stand = table().await;
    let fault = stand.server.faults().inject(Fault::fail_before("INSERT INTO orders"));
    let failure = stand.failure(INSERT).await;
    assert_eq!((failure.status, failure.code.as_str()), (504, "DatabaseUnavailableException"));
    assert_eq!(count(&stand).await, Field::LongValue(0));
    assert_eq!(stand.server.faults().fired(fault), 1);
    stand.run(INSERT).await;
    assert_eq!(stand.server.faults().fired(fault), 1);
}

#[tokio::test]
async fn a_call_can_fail_after_its_effect() {
    let stand = table().await;
    let error = FaultError::Database { sql_state: "08006".into(), message: "connection failure".into() };
    stand.server.faults().inject(Fault::fail_after("INSERT INTO orders").with_error(error));
    let failure = stand.failure(INSERT).await;
    assert_eq!(failure.message, "ERROR: connection failure; SQLState: 08006");
    assert_eq!(count(&stand).await, Field::LongValue(1));
}

#[tokio::test]
async fn a_call_can_be_slow() {
    let stand = table().await;
    stand.server.faults().inject(Fault::delay("orders", Duration::from_millis(400)));
    let began = Instant::now();
    stand.run(INSERT).await;
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(count(&stand).await, Field::LongValue(1));
}

#[tokio::test]
async fn the_sdk_retries_what_it_retries_with_the_real_service() {
    let stand = table().await;
    let client = client(&stand.server, RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)));
    let call = || client.execute_statement().resource_arn(RESOURCE).secret_arn(SECRET).sql(INSERT).send();
    for error in [FaultError::DatabaseUnavailable, FaultError::InternalServerError, FaultError::ServiceUnavailable] {
        let fault = stand.server.faults().inject(Fault::fail_before("INSERT").times(2).with_error(error));
        call().await.unwrap();
        assert_eq!(stand.server.faults().fired(fault), 2);
    }
    stand.server.faults().inject(Fault::fail_before("INSERT").with_error(FaultError::DatabaseResuming));
    let error = call().await.unwrap_err().into_service_error();
    assert!(error.is_database_resuming_exception(), "{error:?}");
}

#[tokio::test]
async fn ends_of_transactions_can_fail() {
    let stand = table().await;
    stand.server.faults().inject(Fault::fail_after("COMMIT"));
    let transaction = stand.begin().await;
    stand.statement(INSERT).transaction_id(&transaction).send().await.unwrap();
    assert_eq!(stand.commit(&transaction).await.unwrap_err().status, 504);
    assert_eq!(count(&stand).await, Field::LongValue(1));
    assert_eq!(stand.commit(&transaction).await.unwrap_err().code, "TransactionNotFoundException");
}

#[tokio::test]
async fn another_process_can_inject_faults() {
    let stand = table().await;
    let http = reqwest::Client::new();
    let faults = stand.url("/_control/faults");
    let body = json!({ "sqlContains": "orders", "effect": { "kind": "failBefore" }, "times": 2 });
    let created: Value = http.post(&faults).json(&body).send().await.unwrap().json().await.unwrap();
    stand.failure(INSERT).await;

    let listed: Value = http.get(&faults).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed[0]["id"], created["id"]);
    assert_eq!((&listed[0]["fired"], &listed[0]["times"]), (&json!(1), &json!(2)));

    assert_eq!(http.delete(&faults).send().await.unwrap().status(), 204);
    stand.run(INSERT).await;
    let unknown = http.post(&faults).json(&json!({ "sqlContains": "orders", "effect": { "kind": "explode" } }));
    assert_eq!(unknown.send().await.unwrap().status(), 422);
}

#[tokio::test]
async fn calls_and_statements_are_counted() {
    let stand = table().await;
    let before = stand.server.stats();
    stand.run(INSERT).await;
    stand.failure("SELECT :missing").await;
    let transaction = stand.begin().await;
    stand.commit(&transaction).await.unwrap();
    let after = stand.server.stats();
    assert_eq!(after.execute_calls - before.execute_calls, 2);
    assert_eq!(after.statements - before.statements, 1);
    assert_eq!((after.begin_calls, after.commit_calls, after.rollback_calls), (1, 1, 0));

    let over_http: Stats = reqwest::get(stand.url("/_control/stats")).await.unwrap().json().await.unwrap();
    assert_eq!(over_http, after);
}
