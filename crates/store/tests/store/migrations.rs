//! Bringing the schema up to date.

use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_store::migrations::{self, MigrationError};

use crate::support::Books;

const TABLES: &str = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";

#[tokio::test]
async fn an_empty_database_gets_every_table() {
    let books = Books::empty().await;

    let applied = migrations::run(&books.database).await.unwrap();

    assert_eq!(applied, ["0001_orders", "0002_fulfilment", "0003_refunds", "0004_another_card"]);
    assert_eq!(
        books.sql(TABLES).await,
        ["order_history", "order_items", "orders", "payments", "refunds", "schema_migrations", "shipments"]
    );
    assert_eq!(
        books.sql("SELECT version, name FROM schema_migrations").await,
        ["1 0001_orders", "2 0002_fulfilment", "3 0003_refunds", "4 0004_another_card"]
    );
}

#[tokio::test]
async fn running_again_does_nothing() {
    let books = Books::open().await;
    let before = books.sql("SELECT * FROM schema_migrations").await;

    assert!(migrations::run(&books.database).await.unwrap().is_empty());

    assert_eq!(books.sql("SELECT * FROM schema_migrations").await, before);
}

#[tokio::test]
async fn of_several_at_once_one_applies_them() {
    let books = Books::empty().await;

    let all = futures::future::join_all((0..4).map(|_| migrations::run(&books.database))).await;

    let applied: Vec<_> = all.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(applied, ["0001_orders", "0002_fulfilment", "0003_refunds", "0004_another_card"]);
}

#[tokio::test]
async fn an_edited_migration_is_an_error() {
    let books = Books::open().await;
    books.sql("UPDATE schema_migrations SET checksum = 'another'").await;

    let error = migrations::run(&books.database).await.unwrap_err();

    assert!(matches!(&error, MigrationError::Changed { name } if name == "0001_orders"), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let books = Books::empty().await;
    // The last of its statements but one: everything before it is done by then.
    let fault = Fault::fail_before("CREATE TABLE order_history").with_error(FaultError::StatementTimeout);
    books.data_api.faults().inject(fault);

    let error = migrations::run(&books.database).await.unwrap_err();

    assert!(matches!(error, MigrationError::Failed { .. }), "{error}");
    assert!(error.is_retryable());
    assert!(books.sql(TABLES).await.is_empty());
    assert_eq!(migrations::run(&books.database).await.unwrap()[0], "0001_orders");
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_done() {
    let books = Books::empty().await;
    let fault = Fault::fail_after("COMMIT").with_error(FaultError::DatabaseResuming);
    books.data_api.faults().inject(fault);

    let error = migrations::run(&books.database).await.unwrap_err();

    assert!(error.is_retryable());
    assert!(!migrations::run(&books.database).await.unwrap().contains(&"0001_orders".to_owned()));
}
