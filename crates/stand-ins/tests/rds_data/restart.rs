//! PostgreSQL goes away and comes back.

use aws_sdk_rdsdata::types::Field;
use kassa_stand_ins::rds_data::Limits;

use crate::harness::{OwnPostgres, Stand, eventually, failure};

#[tokio::test]
async fn calls_fail_while_postgresql_is_down_and_work_again_afterwards() {
    let mut postgres = OwnPostgres::start().await;
    let stand = Stand::in_front_of(&postgres.server, Limits::default()).await;
    stand.run("CREATE TABLE t (n int)").await;
    let transaction = stand.begin().await;
    stand.statement("INSERT INTO t VALUES (1)").transaction_id(&transaction).send().await.unwrap();

    postgres.server.stop().await.unwrap();

    let down = stand.failure("SELECT 1").await;
    assert_eq!((down.status, down.code.as_str()), (504, "DatabaseUnavailableException"));
    let lost = failure(stand.statement("SELECT 1").transaction_id(&transaction)).await;
    assert_eq!(lost.code, "DatabaseUnavailableException");

    postgres.server.start_again().await.unwrap();

    eventually("calls work again", async || stand.statement("SELECT 1").send().await.is_ok()).await;
    assert_eq!(stand.value("SELECT count(*) FROM t").await, Field::LongValue(0));
    assert_eq!(stand.commit(&transaction).await.unwrap_err().code, "TransactionNotFoundException");
    postgres.server.stop().await.unwrap();
}
