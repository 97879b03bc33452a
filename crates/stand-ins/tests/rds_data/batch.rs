//! One statement over many sets of parameters.

use aws_sdk_rdsdata::operation::batch_execute_statement::builders::BatchExecuteStatementFluentBuilder;
use aws_sdk_rdsdata::types::Field;

use crate::harness::{Failure, RESOURCE, SECRET, Stand, named, text};

async fn table() -> Stand {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE t (id int PRIMARY KEY, name text)").await;
    stand
}

fn batch(stand: &Stand, rows: impl IntoIterator<Item = (i64, Field)>) -> BatchExecuteStatementFluentBuilder {
    let call = stand
        .client
        .batch_execute_statement()
        .resource_arn(RESOURCE)
        .secret_arn(SECRET)
        .sql("INSERT INTO t VALUES (:id, :name)");
    rows.into_iter().fold(call, |call, (id, name)| {
        call.parameter_sets(vec![named("id", Field::LongValue(id)), named("name", name)])
    })
}

#[tokio::test]
async fn every_set_is_run() {
    let stand = table().await;
    let before = stand.server.stats();
    let answer = batch(&stand, (0..1000).map(|id| (id, text("x")))).send().await.unwrap();
    assert_eq!(answer.update_results().len(), 1000);
    assert!(answer.update_results().iter().all(|result| result.generated_fields().is_empty()));
    assert_eq!(stand.server.stats().statements - before.statements, 1000);
    assert_eq!(stand.value("SELECT count(*) FROM t").await, Field::LongValue(1000));
}

#[tokio::test]
async fn a_set_may_have_null_where_another_has_a_value() {
    let stand = table().await;
    batch(&stand, [(1, Field::IsNull(true)), (2, text("b")), (3, Field::IsNull(true))]).send().await.unwrap();
    assert_eq!(stand.value("SELECT count(*) FROM t WHERE name IS NULL").await, Field::LongValue(2));
}

#[tokio::test]
async fn a_failing_set_takes_the_others_with_it() {
    let stand = table().await;
    let error = batch(&stand, [(1, text("a")), (2, text("b")), (1, text("c"))]).send().await.unwrap_err();
    let failure = Failure::of(&error);
    assert_eq!(failure.code, "DatabaseErrorException");
    assert!(failure.message.ends_with("; SQLState: 23505"), "{failure:?}");
    assert_eq!(stand.value("SELECT count(*) FROM t").await, Field::LongValue(0));
}

#[tokio::test]
async fn a_batch_can_belong_to_a_transaction() {
    let stand = table().await;
    let transaction = stand.begin().await;
    batch(&stand, [(1, text("a"))]).transaction_id(&transaction).send().await.unwrap();
    stand.rollback(&transaction).await.unwrap();
    assert_eq!(stand.value("SELECT count(*) FROM t").await, Field::LongValue(0));
}

#[tokio::test]
async fn without_sets_nothing_is_run() {
    let stand = table().await;
    let answer = stand
        .client
        .batch_execute_statement()
        .resource_arn(RESOURCE)
        .secret_arn(SECRET)
        .sql("INSERT INTO t VALUES (1, 'a')")
        .send()
        .await
        .unwrap();
    assert!(answer.update_results().is_empty());
    assert_eq!(stand.value("SELECT count(*) FROM t").await, Field::LongValue(0));
}
