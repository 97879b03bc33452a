//! Limits of time and size.

use std::time::Duration;

use aws_sdk_rdsdata::operation::batch_execute_statement::builders::BatchExecuteStatementFluentBuilder;
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementError;
use aws_sdk_rdsdata::types::Field;
use kassa_stand_ins::rds_data::Limits;

use crate::harness::{Failure, RESOURCE, SECRET, Stand, eventually, failure, named};

#[test]
fn the_default_limits_are_those_of_the_service() {
    let limits = Limits::default();
    assert_eq!(limits.statement_timeout, Duration::from_secs(45));
    assert_eq!(limits.transaction_idle, Duration::from_mins(3));
    assert_eq!(limits.transaction_age, Duration::from_hours(24));
    assert_eq!((limits.row_bytes, limits.response_bytes), (65_536, 1_048_576));
}

/// Blocks until the lock is free, which [`hold`] takes.
const BLOCKED: &str = "INSERT INTO t SELECT 1 FROM (SELECT pg_advisory_xact_lock(1)) held";

/// A stand with a short time-out.
async fn hasty() -> Stand {
    let limits = Limits { statement_timeout: Duration::from_millis(1500), ..Limits::default() };
    prepared(Stand::with_limits(limits).await).await
}

async fn prepared(stand: Stand) -> Stand {
    stand.run("CREATE TABLE t (n int)").await;
    stand
}

/// A transaction that holds the lock.
async fn hold(stand: &Stand) -> String {
    let transaction = stand.begin().await;
    stand.statement("SELECT pg_advisory_xact_lock(1)").transaction_id(&transaction).send().await.unwrap();
    transaction
}

/// How many statements wait for the lock.
async fn waiting(stand: &Stand) -> Field {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    stand.value(sql).await
}

async fn inserted(stand: &Stand) -> Field {
    stand.value("SELECT count(*) FROM t").await
}

#[tokio::test]
async fn a_slow_statement_is_cancelled() {
    let stand = hasty().await;
    let lock = hold(&stand).await;
    let error = stand.statement(BLOCKED).send().await.unwrap_err().into_service_error();
    let ExecuteStatementError::StatementTimeoutException(timeout) = &error else { panic!("{error:?}") };
    assert!(timeout.db_connection_id() > 0);
    assert_eq!(error.meta().message(), Some("Request timed out"));
    assert_eq!(waiting(&stand).await, Field::LongValue(0));
    stand.rollback(&lock).await.unwrap();
    assert_eq!(inserted(&stand).await, Field::LongValue(0));
}

#[tokio::test]
async fn a_slow_statement_goes_on_if_asked_to() {
    let stand = hasty().await;
    let lock = hold(&stand).await;
    let failure = failure(stand.statement(BLOCKED).continue_after_timeout(true)).await;
    assert_eq!((failure.status, failure.code.as_str()), (400, "StatementTimeoutException"));
    assert_eq!(waiting(&stand).await, Field::LongValue(1));
    stand.rollback(&lock).await.unwrap();
    eventually("the statement took effect", async || inserted(&stand).await == Field::LongValue(1)).await;
}

#[tokio::test]
async fn a_time_out_ends_the_transaction() {
    let stand = hasty().await;
    let lock = hold(&stand).await;
    let transaction = stand.begin().await;
    stand.statement("INSERT INTO t VALUES (1)").transaction_id(&transaction).send().await.unwrap();
    let timeout = failure(stand.statement(BLOCKED).transaction_id(&transaction)).await;
    assert_eq!(timeout.code, "StatementTimeoutException");
    assert_eq!(stand.commit(&transaction).await.unwrap_err().code, "TransactionNotFoundException");
    stand.rollback(&lock).await.unwrap();
    assert_eq!(inserted(&stand).await, Field::LongValue(0));
}

/// Inserts as many rows as there are locks, for each of which it waits.
fn batch(stand: &Stand, locks: &[i64]) -> BatchExecuteStatementFluentBuilder {
    let call = stand
        .client
        .batch_execute_statement()
        .resource_arn(RESOURCE)
        .secret_arn(SECRET)
        .sql("INSERT INTO t SELECT 1 FROM (SELECT pg_advisory_xact_lock(:lock)) held");
    let sets = locks.iter().map(|lock| vec![named("lock", Field::LongValue(*lock))]);
    call.set_parameter_sets(Some(sets.collect()))
}

#[tokio::test]
async fn a_slow_batch_is_cancelled_as_a_whole() {
    let stand = hasty().await;
    let lock = hold(&stand).await;
    let error = batch(&stand, &[0, 1]).send().await.unwrap_err();
    assert_eq!(Failure::of(&error).code, "StatementTimeoutException");
    stand.rollback(&lock).await.unwrap();
    assert_eq!(inserted(&stand).await, Field::LongValue(0));
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_call() {
    let stand = prepared(Stand::new().await).await;
    let lock = hold(&stand).await;
    let statement = tokio::spawn(stand.statement(BLOCKED).send());
    let batch = tokio::spawn(batch(&stand, &[1]).send());
    eventually("both calls run", async || waiting(&stand).await == Field::LongValue(2)).await;
    statement.abort();
    batch.abort();
    assert!(statement.await.is_err() && batch.await.is_err(), "the calls came back");
    stand.rollback(&lock).await.unwrap();
    eventually("both calls took effect", async || inserted(&stand).await == Field::LongValue(2)).await;
}

#[tokio::test]
async fn a_call_that_gets_no_connection_in_time_is_turned_away() {
    let limits = Limits { connections: 1, statement_timeout: Duration::from_millis(1500), ..Limits::default() };
    let stand = prepared(Stand::with_limits(limits).await).await;
    let transaction = stand.begin().await;
    let failure = stand.failure("SELECT 1").await;
    assert_eq!((failure.status, failure.code.as_str()), (503, "ServiceUnavailableError"));
    stand.rollback(&transaction).await.unwrap();
    stand.run("SELECT 1").await;
}

#[tokio::test]
async fn a_row_may_have_64_kib() {
    let stand = Stand::new().await;
    stand.run("SELECT repeat('x', 65000)").await;
    let failure = stand.failure("SELECT repeat('x', 66000)").await;
    assert_eq!((failure.status, failure.code.as_str()), (400, "UnsupportedResultException"));
    assert_eq!(failure.message, "Packet for query is too large");
}

#[tokio::test]
async fn a_result_may_have_1_mib() {
    let stand = Stand::new().await;
    stand.run("SELECT repeat('x', 10000) FROM generate_series(1, 100)").await;
    let failure = stand.failure("SELECT repeat('x', 10000) FROM generate_series(1, 110)").await;
    assert_eq!((failure.status, failure.code.as_str()), (400, "UnsupportedResultException"));
    assert_eq!(failure.message, "Database returned more than the allowed response size limit");
    stand.run("SELECT 1").await;
}
