//! The servers of a stack together.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use kassa_devstack::progress::Silent;
use kassa_devstack::stack::{self, PortChoice, State};
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::{Error, Stack, StackOptions, ports, workspace};
use kassa_store::{Database, DynamoDb};

/// Everything but the product itself.
fn servers() -> StackOptions {
    StackOptions { worker: false, api: false, ..StackOptions::temporary() }
}

fn folder() -> TemporaryFolder {
    TemporaryFolder::create(&workspace::temporary_folder()).unwrap()
}

#[tokio::test]
async fn two_stacks_run_side_by_side_with_their_tables_ready() {
    let (first, second) = tokio::try_join!(Stack::start(servers(), &Silent), Stack::start(servers(), &Silent)).unwrap();
    let shared = stack::sdk_config().await;
    for mut stack in [first, second] {
        stack.check().unwrap();
        let config = stack.store_config();
        DynamoDb::connect(&shared, &config.dynamodb).ping().await.unwrap();
        Database::connect(&shared, &config.rds_data).ping().await.unwrap();
        let folder = stack.folder().to_owned();
        assert!(folder.join("logs/postgres.log").is_file());
        stack.stop().await.unwrap();
        assert!(!folder.exists());
    }
}

#[tokio::test]
async fn a_server_that_ends_by_itself_is_named_with_its_log() {
    let mut stack = Stack::start(servers(), &Silent).await.unwrap();
    stack.temporal.process().kill().await.unwrap();
    let message = stack.check().unwrap_err().to_string();
    assert!(message.starts_with("The Temporal server ended with signal: 9"), "{message}");
    assert!(message.contains("temporal.log"), "{message}");
}

#[tokio::test]
async fn a_state_folder_serves_one_stack_at_a_time_and_survives_it() {
    let folder = folder();
    let state = folder.path().join("state");
    let options = || StackOptions { state: State::Persistent(state.clone()), ..servers() };
    let first = Stack::start(options(), &Silent).await.unwrap();

    let Err(Error::StateInUse { .. }) = Stack::start(options(), &Silent).await else {
        panic!("two stacks use one folder");
    };
    assert!(matches!(stack::reset(&state, ports::DEFAULT_BASE), Err(Error::StateInUse { .. })));

    first.stop().await.unwrap();
    let again = Stack::start(options(), &Silent).await.unwrap();
    again.stop().await.unwrap();
    stack::reset(&state, ports::DEFAULT_BASE).unwrap();
    assert!(!state.exists());
}

#[tokio::test]
async fn a_folder_with_other_files_is_neither_used_nor_emptied() {
    let folder = folder();
    let precious = folder.path().join("thesis.tex");
    std::fs::write(&precious, "chapter 1").unwrap();
    let options =
        StackOptions { state: State::Persistent(folder.path().to_owned()), ports: PortChoice::Free, ..servers() };
    assert!(matches!(Stack::start(options, &Silent).await, Err(Error::ForeignFolder { .. })));
    assert!(matches!(stack::reset(folder.path(), ports::DEFAULT_BASE), Err(Error::ForeignFolder { .. })));
    assert!(precious.is_file());
}
