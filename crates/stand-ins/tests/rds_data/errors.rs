//! The shapes of errors.

use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementError;
use kassa_stand_ins::rds_data::{Config, Limits, StartError, start};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{RESOURCE, SECRET, Stand, failure};

const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20261130/eu-central-1/rds-data/aws4_request, \
                      SignedHeaders=host;x-amz-date, Signature=00";

/// Sends a body as it is, and returns status, error type and message.
async fn raw(
    stand: &Stand,
    authorization: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> (StatusCode, String, String) {
    let mut request = reqwest::Client::new().post(stand.url("/Execute")).body(body);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let error = header("x-amzn-errortype");
    assert_eq!(header("content-type"), "application/json");
    assert!(!header("x-amzn-requestid").is_empty());
    let body: Value = response.json().await.unwrap();
    (status, error, body["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_constraint_violation_carries_its_sqlstate() {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE parent (id int PRIMARY KEY, n int CHECK (n > 0))").await;
    stand.run("CREATE TABLE child (id int NOT NULL REFERENCES parent)").await;
    stand.run("INSERT INTO parent VALUES (1, 1)").await;
    for (sql, message) in [
        (
            "INSERT INTO parent VALUES (1, 1)",
            r#"ERROR: duplicate key value violates unique constraint "parent_pkey"; SQLState: 23505"#,
        ),
        (
            "INSERT INTO parent VALUES (2, 0)",
            r#"ERROR: new row for relation "parent" violates check constraint "parent_n_check"; SQLState: 23514"#,
        ),
        (
            "INSERT INTO child VALUES (9)",
            r#"ERROR: insert or update on table "child" violates foreign key constraint "child_id_fkey"; SQLState: 23503"#,
        ),
        (
            "INSERT INTO child VALUES (NULL)",
            r#"ERROR: null value in column "id" of relation "child" violates not-null constraint; SQLState: 23502"#,
        ),
    ] {
        let error = stand.statement(sql).send().await.unwrap_err().into_service_error();
        assert!(matches!(error, ExecuteStatementError::DatabaseErrorException(_)), "{error:?}");
        let failure = stand.failure(sql).await;
        assert_eq!((failure.status, failure.message.as_str()), (400, message));
    }
}

#[tokio::test]
async fn a_mistake_in_the_statement_carries_its_position() {
    let stand = Stand::new().await;
    let syntax = stand.failure("SELEC 1").await;
    assert_eq!(syntax.message, r#"ERROR: syntax error at or near "SELEC"; Position: 1; SQLState: 42601"#);
    let unknown = stand.failure("SELECT * FROM nowhere").await;
    assert!(unknown.message.ends_with("; Position: 15; SQLState: 42P01"), "{unknown:?}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_a_database_error() {
    let stand = Stand::new().await;
    let failure = failure(stand.statement("SELECT 1").database("nowhere")).await;
    assert_eq!(failure.code, "DatabaseErrorException");
    assert_eq!(failure.message, r#"ERROR: database "nowhere" does not exist; SQLState: 3D000"#);
}

#[tokio::test]
async fn one_call_takes_one_statement() {
    let stand = Stand::new().await;
    let two = stand.failure("SELECT 1; SELECT 2").await;
    assert_eq!((two.status, two.code.as_str()), (400, "ValidationException"));
    assert_eq!(two.message, "Multistatements aren't supported");
    let none = stand.failure(" -- nothing").await;
    assert_eq!(none.code, "BadRequestException");
    let positional = stand.failure("SELECT $1").await;
    assert_eq!(positional.message, "ERROR: there is no parameter $1; SQLState: 42P02");
    stand.run("SELECT 1;").await;
}

#[tokio::test]
async fn cluster_and_secret_must_be_named() {
    let stand = Stand::new().await;
    for (resource, secret) in [("", SECRET), (RESOURCE, "")] {
        let call = stand.client.execute_statement().resource_arn(resource).secret_arn(secret).sql("SELECT 1");
        let failure = failure(call).await;
        assert_eq!((failure.status, failure.code.as_str()), (400, "ValidationException"));
    }
    let schema = failure(stand.statement("SELECT 1").schema("public")).await;
    assert_eq!(schema.code, "ValidationException");
}

#[tokio::test]
async fn an_unsigned_call_is_denied() {
    let stand = Stand::new().await;
    let body = json!({ "resourceArn": RESOURCE, "secretArn": SECRET, "sql": "SELECT 1" }).to_string();
    for authorization in [None, Some("Bearer token"), Some("AWS4-HMAC-SHA256 Credential=only")] {
        let (status, error, _) = raw(&stand, authorization, body.clone()).await;
        assert_eq!((status.as_u16(), error.as_str()), (403, "AccessDeniedException"));
    }
    assert_eq!(stand.server.stats().statements, 0);
}

#[tokio::test]
async fn a_body_that_is_not_a_request_is_refused() {
    let stand = Stand::new().await;
    for body in [
        "",
        "{",
        r#"{"sql": 1}"#,
        r#"{"sql": "SELECT :x", "parameters": [{"name": "x", "value": {"longValue": "1"}}]}"#,
    ] {
        let (status, error, _) = raw(&stand, Some(SIGNED), body).await;
        assert_eq!((status.as_u16(), error.as_str()), (400, "SerializationException"), "{body}");
    }
    let response = reqwest::get(stand.url("/Nothing")).await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["x-amzn-errortype"], "UnknownOperationException");
}

#[tokio::test]
async fn a_request_of_more_than_4_mib_is_refused() {
    let stand = Stand::new().await;
    let body = json!({
        "resourceArn": RESOURCE,
        "secretArn": SECRET,
        "sql": "SELECT :x",
        "parameters": [{ "name": "x", "value": { "stringValue": "x".repeat(4 * 1024 * 1024) } }],
    });
    let (status, error, _) = raw(&stand, Some(SIGNED), body.to_string()).await;
    assert_eq!((status.as_u16(), error.as_str()), (413, "RequestEntityTooLargeException"));
}

#[tokio::test]
async fn an_sql_text_of_more_than_64_ki_characters_is_refused() {
    let stand = Stand::new().await;
    let sql = |length: usize| format!("SELECT 1{}", " ".repeat(length - 8));
    stand.run(&sql(65_536)).await;
    assert_eq!(stand.failure(&sql(65_537)).await.code, "ValidationException");
}

#[tokio::test]
async fn a_taken_port_is_reported() {
    let stand = Stand::new().await;
    let config =
        Config { listen: stand.server.addr(), postgres: tokio_postgres::Config::new(), limits: Limits::default() };
    let Err(StartError::Listen { address, .. }) = start(config).await else { panic!("started on a taken port") };
    assert_eq!(address, stand.server.addr());
}
