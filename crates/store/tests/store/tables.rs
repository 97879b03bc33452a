//! Creating tables, and telling whether a store is there.

use kassa_devstack::dynamodb::DynamoDb as Server;
use kassa_devstack::stack::sdk_config;
use kassa_store::config::{RDS_DATA_CALL, dynamodb_client};
use kassa_store::{Database, DynamoDb, DynamoDbConfig, RdsDataConfig, TableNames, tables};

use crate::support::{Books, Shop};

#[tokio::test]
async fn creating_tables_again_changes_nothing() {
    let shop = Shop::open().await;
    let product = shop.product(3).await;

    tables::create_missing(&shop.client, &shop.tables).await.unwrap();

    assert_eq!(shop.counters(&product).await, (3, 0, 0));
}

#[tokio::test]
async fn several_processes_create_tables_at_once() {
    let server = Server::start(([127, 0, 0, 1], 0).into(), None).await.unwrap();
    let config = DynamoDbConfig { endpoint: Some(server.endpoint()), ..DynamoDbConfig::default() };
    let client = dynamodb_client(&sdk_config().await, &config);
    let names = TableNames { prefix: "other-".to_owned() };

    let all = futures::future::join_all((0..4).map(|_| tables::create_missing(&client, &names))).await;

    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let mut found = client.list_tables().send().await.unwrap().table_names.unwrap();
    found.sort();
    assert_eq!(
        found,
        [
            "other-carts",
            "other-catalogue",
            "other-event-log",
            "other-notification-settings",
            "other-notifications",
            "other-payment-valve",
            "other-products",
            "other-rate-limits",
            "other-reservations",
            "other-stock-movements",
            "other-users"
        ]
    );
}

#[tokio::test]
async fn a_ping_tells_whether_the_tables_are_there() {
    let shop = Shop::open().await;
    shop.dynamodb.ping().await.unwrap();

    let elsewhere = DynamoDb::new(shop.client.clone(), TableNames { prefix: "elsewhere-".to_owned() });
    let error = elsewhere.ping().await.unwrap_err();

    assert!(!error.is_retryable());
    assert!(error.to_string().contains("ResourceNotFoundException"), "{error}");
}

#[tokio::test]
async fn a_ping_tells_whether_the_database_answers() {
    let books = Books::empty().await;
    books.database.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_worth_another_try() {
    // Nobody listens on the port of a listener that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = Some(kassa_devstack::http::loopback(port));
    let shared = sdk_config().await;

    let config = DynamoDbConfig { endpoint: endpoint.clone(), ..DynamoDbConfig::default() };
    let error = DynamoDb::connect(&shared, &config).ping().await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(error.to_string(), "DynamoDB did not answer");

    let config = RdsDataConfig {
        endpoint,
        resource_arn: "arn:aws:rds:::cluster:x".to_owned(),
        secret_arn: "arn:aws:secretsmanager:::secret:x".to_owned(),
        database: "x".to_owned(),
        call_timeout: RDS_DATA_CALL,
    };
    let error = Database::connect(&shared, &config).ping().await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(error.to_string(), "the RDS Data API did not answer");
}
