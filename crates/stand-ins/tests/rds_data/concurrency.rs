//! Many callers at once.

use aws_sdk_rdsdata::types::Field;
use futures::future::join_all;
use kassa_stand_ins::rds_data::Limits;

use crate::harness::Stand;

#[tokio::test]
async fn concurrent_updates_of_one_row_all_count() {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE counter (n int)").await;
    stand.run("INSERT INTO counter VALUES (0)").await;
    let answers = join_all((0..64).map(|_| stand.run("UPDATE counter SET n = n + 1"))).await;
    assert!(answers.iter().all(|answer| answer.number_of_records_updated() == 1));
    assert_eq!(stand.value("SELECT n FROM counter").await, Field::LongValue(64));
}

#[tokio::test]
async fn any_number_of_calls_shares_a_few_connections() {
    let stand = Stand::with_limits(Limits { connections: 4, ..Limits::default() }).await;
    join_all((0..40).map(|_| stand.run("SELECT pg_sleep(0.01)"))).await;
    let sessions = stand.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").await;
    let sessions = sessions.as_long_value().copied().unwrap();
    assert!((2..=4).contains(&sessions), "{sessions} sessions");
}

#[tokio::test]
async fn calls_of_one_transaction_run_one_after_the_other() {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE log (n int)").await;
    let transaction = stand.begin().await;
    let inserts = (0..10).map(|_| stand.statement("INSERT INTO log VALUES (1)").transaction_id(&transaction).send());
    assert!(join_all(inserts).await.iter().all(Result::is_ok));
    stand.commit(&transaction).await.unwrap();
    assert_eq!(stand.value("SELECT count(*) FROM log").await, Field::LongValue(10));
}
