//! Transactions over several calls.

use std::time::{Duration, Instant};

use aws_sdk_rdsdata::types::Field;
use kassa_stand_ins::rds_data::Limits;

use crate::harness::{Failure, Stand, eventually, failure, only_value, text};

async fn counter() -> Stand {
    counter_with(Limits::default()).await
}

async fn counter_with(limits: Limits) -> Stand {
    let stand = Stand::with_limits(limits).await;
    stand.run("CREATE TABLE counter (n int PRIMARY KEY)").await;
    stand.run("INSERT INTO counter VALUES (0)").await;
    stand
}

async fn run_in(stand: &Stand, transaction: &str, sql: &str) {
    stand.statement(sql).transaction_id(transaction).send().await.unwrap();
}

#[track_caller]
fn assert_not_found(transaction: &str, failure: &Failure) {
    assert_eq!((failure.status, failure.code.as_str()), (404, "TransactionNotFoundException"));
    assert_eq!(failure.message, format!("Transaction {transaction} is not found"));
}

#[tokio::test]
async fn changes_are_invisible_until_they_are_committed() {
    let stand = counter().await;
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "UPDATE counter SET n = 1").await;
    assert_eq!(stand.value("SELECT n FROM counter").await, Field::LongValue(0));
    let inside = stand.statement("SELECT n FROM counter").transaction_id(&transaction).send().await.unwrap();
    assert_eq!(only_value(&inside), Field::LongValue(1));

    assert_eq!(stand.commit(&transaction).await.unwrap(), "Transaction Committed");

    assert_eq!(stand.value("SELECT n FROM counter").await, Field::LongValue(1));
}

#[tokio::test]
async fn a_rollback_undoes_everything() {
    let stand = counter().await;
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "UPDATE counter SET n = 1").await;

    assert_eq!(stand.rollback(&transaction).await.unwrap(), "Rollback Complete");

    assert_eq!(stand.value("SELECT n FROM counter").await, Field::LongValue(0));
}

#[tokio::test]
async fn the_isolation_level_can_be_chosen() {
    let stand = counter().await;
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await;
    run_in(&stand, &transaction, "SELECT n FROM counter").await;
    stand.run("UPDATE counter SET n = 5").await;

    let inside = stand.statement("SELECT n FROM counter").transaction_id(&transaction).send().await.unwrap();
    assert_eq!(only_value(&inside), Field::LongValue(0));
    let conflict = failure(stand.statement("UPDATE counter SET n = n + 1").transaction_id(&transaction)).await;
    assert!(conflict.message.ends_with("; SQLState: 40001"), "{conflict:?}");
    stand.rollback(&transaction).await.unwrap();
}

#[tokio::test]
async fn an_ended_or_unknown_transaction_is_not_found() {
    let stand = counter().await;
    let committed = stand.begin().await;
    stand.commit(&committed).await.unwrap();
    let rolled_back = stand.begin().await;
    stand.rollback(&rolled_back).await.unwrap();
    for transaction in [committed.as_str(), rolled_back.as_str(), "no such id"] {
        assert_not_found(transaction, &stand.commit(transaction).await.unwrap_err());
        assert_not_found(transaction, &stand.rollback(transaction).await.unwrap_err());
        assert_not_found(transaction, &failure(stand.statement("SELECT 1").transaction_id(transaction)).await);
    }
}

#[tokio::test]
async fn a_failed_transaction_cannot_be_committed() {
    let stand = counter().await;
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "UPDATE counter SET n = 1").await;
    let first = failure(stand.statement("SELECT 1 / 0").transaction_id(&transaction)).await;
    assert_eq!(first.message, "ERROR: division by zero; SQLState: 22012");
    let second = failure(stand.statement("SELECT 1").transaction_id(&transaction)).await;
    assert!(second.message.ends_with("; SQLState: 25P02"), "{second:?}");

    let commit = stand.commit(&transaction).await.unwrap_err();

    assert_eq!(commit.code, "DatabaseErrorException");
    assert!(commit.message.ends_with("; SQLState: 25P02"), "{commit:?}");
    assert_eq!(stand.value("SELECT n FROM counter").await, Field::LongValue(0));
    assert_not_found(&transaction, &stand.rollback(&transaction).await.unwrap_err());
}

#[tokio::test]
async fn a_savepoint_saves_a_failed_transaction() {
    let stand = counter().await;
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "UPDATE counter SET n = 1").await;
    run_in(&stand, &transaction, "SAVEPOINT here").await;
    failure(stand.statement("SELECT 1 / 0").transaction_id(&transaction)).await;
    run_in(&stand, &transaction, "ROLLBACK TO SAVEPOINT here").await;

    stand.commit(&transaction).await.unwrap();

    assert_eq!(stand.value("SELECT n FROM counter").await, Field::LongValue(1));
}

#[tokio::test]
async fn a_deferred_constraint_fails_the_commit() {
    let stand = counter().await;
    stand.run("CREATE TABLE child (n int REFERENCES counter DEFERRABLE INITIALLY DEFERRED)").await;
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "INSERT INTO child VALUES (7)").await;

    let commit = stand.commit(&transaction).await.unwrap_err();

    assert!(commit.message.ends_with("; SQLState: 23503"), "{commit:?}");
    assert_eq!(stand.value("SELECT count(*) FROM child").await, Field::LongValue(0));
}

#[tokio::test]
async fn an_idle_transaction_is_rolled_back() {
    let limits = Limits { transaction_idle: Duration::from_secs(1), ..Limits::default() };
    let stand = counter_with(limits).await;
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "UPDATE counter SET n = 1").await;

    eventually("the row lock is gone", async || {
        stand.statement("SELECT n FROM counter FOR UPDATE NOWAIT").send().await.is_ok()
    })
    .await;

    assert_eq!(stand.value("SELECT n FROM counter").await, Field::LongValue(0));
    assert_not_found(&transaction, &stand.commit(&transaction).await.unwrap_err());
}

#[tokio::test]
async fn a_transaction_in_use_outlives_the_idle_limit_but_not_its_greatest_age() {
    let limits = Limits {
        transaction_idle: Duration::from_secs(1),
        transaction_age: Duration::from_secs(3),
        ..Limits::default()
    };
    let stand = counter_with(limits).await;
    let began = Instant::now();
    let transaction = stand.begin().await;

    eventually("the transaction ended", async || {
        stand.statement("SELECT 1").transaction_id(&transaction).send().await.is_err()
    })
    .await;

    assert!(began.elapsed() >= Duration::from_secs(2), "ended after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_transaction_keeps_its_database() {
    let stand = counter().await;
    let transaction = stand.begin().await;
    let other = stand.statement("SELECT 1").transaction_id(&transaction).database("postgres");
    assert_eq!(failure(other).await.code, "BadRequestException");
    let same = stand.value("SELECT current_database()").await;
    let Field::StringValue(name) = same else { panic!("{same:?}") };
    let seen = stand.statement("SELECT current_database()").transaction_id(&transaction).database(&name);
    assert_eq!(only_value(&seen.send().await.unwrap()), text(&name));
    stand.rollback(&transaction).await.unwrap();
}

#[tokio::test]
async fn shutdown_rolls_open_transactions_back_and_leaves_no_connection() {
    let stand = counter().await;
    let database = stand.value("SELECT current_database()").await;
    let Field::StringValue(database) = database else { panic!("{database:?}") };
    let transaction = stand.begin().await;
    run_in(&stand, &transaction, "UPDATE counter SET n = 1").await;
    stand.server.shutdown().await;

    let other = Stand::new().await;
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'");
    eventually("PostgreSQL has closed its sessions", async || other.value(&sessions).await == Field::LongValue(0))
        .await;
    let left = other.statement("SELECT n FROM counter").database(&database).send().await.unwrap();
    assert_eq!(only_value(&left), Field::LongValue(0));
}
