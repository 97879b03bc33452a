//! Each server starts, does what the product needs of it, and survives being killed and started again.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use kassa_devstack::dynamodb::DynamoDb;
use kassa_devstack::http::client;
use kassa_devstack::ministack::{self, Ministack};
use kassa_devstack::ports::{self, Ports};
use kassa_devstack::postgres::{self, Postgres};
use kassa_devstack::progress::Silent;
use kassa_devstack::temporal::{self, Temporal, TemporalPorts};
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::tools::{self, Tools};
use kassa_devstack::{wait, workspace};
use serde_json::json;
use tokio_postgres::NoTls;

async fn tools() -> Tools {
    tools::prepare(&workspace::tools_folder(), &Silent).await.unwrap()
}

fn folder() -> TemporaryFolder {
    TemporaryFolder::create(&workspace::temporary_folder()).unwrap()
}

#[tokio::test]
async fn preparing_the_tools_again_finds_the_same_ones() {
    let first = tools().await;
    assert!(first.postgres.join("initdb").is_file());
    assert!(first.temporal.is_file());
    assert_eq!(tools().await, first);
}

#[tokio::test]
async fn the_installed_postgres_runs_where_only_the_owner_may_enter() {
    let folder = folder();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    // With nothing but Python on the path, PostgreSQL is installed even where the machine has one.
    let python = tools::search_path().into_iter().map(|path| path.join("python3")).find(|path| path.is_file());
    let path = folder.path().join("bin");
    std::fs::create_dir(&path).unwrap();
    std::os::unix::fs::symlink(python.unwrap(), path.join("python3")).unwrap();
    let tools = tools::prepare_with(&workspace::tools_folder(), &[path], &Silent).await.unwrap();
    let port = ports::free(&workspace::reservations_folder()).unwrap();
    let options = postgres::Options {
        programs: tools.postgres,
        data: folder.path().join("data"),
        listen: port.address(),
        durable: false,
        log: folder.path().join("postgres.log"),
    };

    let mut server = Postgres::start(options).await.unwrap();

    server.create_database("shop").await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn postgres_keeps_what_was_committed_when_it_is_killed() {
    let folder = folder();
    let port = ports::free(&workspace::reservations_folder()).unwrap();
    let options = postgres::Options {
        programs: tools().await.postgres,
        data: folder.path().join("data"),
        listen: port.address(),
        durable: true,
        log: folder.path().join("postgres.log"),
    };
    let mut server = Postgres::start(options).await.unwrap();
    server.create_database("shop").await.unwrap();
    server.create_database("shop").await.unwrap();
    let connect = async |server: &Postgres| {
        let (client, connection) = tokio_postgres::connect(&server.connection_string("shop"), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    connect(&server).await.batch_execute("CREATE TABLE t (n int); INSERT INTO t VALUES (7)").await.unwrap();

    server.kill().await.unwrap();
    server.start_again().await.unwrap();

    let row = connect(&server).await.query_one("SELECT n FROM t", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 7);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn temporal_serves_its_ui_and_comes_back_on_the_same_port() {
    let folder = folder();
    let ports = Ports::free(&workspace::reservations_folder()).unwrap();
    let options = temporal::Options {
        program: tools().await.temporal,
        database: Some(folder.path().join("temporal.sqlite")),
        ports: TemporalPorts {
            front_end: ports.temporal.number(),
            ui: ports.temporal_ui.number(),
            http: ports.temporal_http.number(),
            metrics: ports.temporal_metrics.number(),
        },
        ui: true,
        codec_endpoint: Some("http://127.0.0.1:9/api/codec".to_owned()),
        log: folder.path().join("temporal.log"),
    };
    let mut server = Temporal::start(options).await.unwrap();
    let ui = client().get(server.ui_url()).send().await.unwrap();
    assert!(ui.status().is_success());
    let settings = client().get(format!("{}/api/v1/settings", server.ui_url())).send().await.unwrap();
    assert!(
        settings.text().await.unwrap().contains("http://127.0.0.1:9/api/codec"),
        "browsers learn who opens payloads"
    );

    server.kill().await.unwrap();
    server.start_again().await.unwrap();
    server.stop().await.unwrap();
    server.start_again().await.unwrap();

    assert!(tokio::net::TcpStream::connect(server.address()).await.is_ok());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn events_and_mails_can_be_read_more_than_once() {
    let folder = folder();
    let port = ports::free(&workspace::reservations_folder()).unwrap();
    let options = ministack::Options {
        python: tools().await.ministack_python,
        port: port.number(),
        folder: folder.path().to_owned(),
        persistent: false,
        sender: String::from("shop@example.com"),
        log: folder.path().join("aws.log"),
    };
    let mut server = Ministack::start(options).await.unwrap();
    assert!(server.mails().await.unwrap().is_empty());
    assert!(server.events().await.unwrap().is_empty());

    let credentials =
        aws_sdk_sesv2::config::Credentials::new(ministack::ACCESS_KEY_ID, ministack::SECRET_ACCESS_KEY, None, None, "");
    let ses = aws_sdk_sesv2::Client::from_conf(
        aws_sdk_sesv2::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_sesv2::config::Region::new(ministack::REGION))
            .credentials_provider(credentials.clone())
            .endpoint_url(server.endpoint())
            .build(),
    );
    let text = |data: &str| aws_sdk_sesv2::types::Content::builder().data(data).build().unwrap();
    let message = aws_sdk_sesv2::types::Message::builder()
        .subject(text("Thank you"))
        .body(aws_sdk_sesv2::types::Body::builder().text(text("It is on its way.")).build())
        .build();
    ses.send_email()
        .from_email_address("Kassa <shop@example.com>")
        .destination(aws_sdk_sesv2::types::Destination::builder().to_addresses("buyer@example.com").build())
        .content(aws_sdk_sesv2::types::EmailContent::builder().simple(message).build())
        .send()
        .await
        .unwrap();

    let events = aws_sdk_eventbridge::Client::from_conf(
        aws_sdk_eventbridge::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_eventbridge::config::Region::new(ministack::REGION))
            .credentials_provider(credentials)
            .endpoint_url(server.endpoint())
            .build(),
    );
    let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
        .event_bus_name(ministack::EVENT_BUS)
        .source("kassa.orders")
        .detail_type("order.confirmed")
        .detail(json!({ "sequence": 1 }).to_string())
        .build();
    events.put_events().entries(entry).send().await.unwrap();

    for _ in 0..2 {
        let mails = server.mails().await.unwrap();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].to, ["buyer@example.com"]);
        assert_eq!(mails[0].body_text.as_deref(), Some("It is on its way."));
        let events = wait::until(Duration::from_secs(5), async || {
            let events = server.events().await.unwrap();
            (!events.is_empty()).then_some(events)
        });
        let events = events.await.unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].detail_type, "order.confirmed");
        assert_eq!(events[0].detail["sequence"], 1);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn dynamodb_keeps_its_tables_in_a_file() {
    let folder = folder();
    let port = ports::free(&workspace::reservations_folder()).unwrap();
    let file = folder.path().join("dynamodb.sqlite");
    let client = || {
        aws_sdk_dynamodb::Client::from_conf(
            aws_sdk_dynamodb::Config::builder()
                .behavior_version_latest()
                .region(aws_sdk_dynamodb::config::Region::new(ministack::REGION))
                .credentials_provider(aws_sdk_dynamodb::config::Credentials::new("a", "b", None, None, ""))
                .endpoint_url(format!("http://{}", port.address()))
                .build(),
        )
    };
    let server = DynamoDb::start(port.address(), Some(&file)).await.unwrap();
    let key = aws_sdk_dynamodb::types::KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(aws_sdk_dynamodb::types::KeyType::Hash)
        .build()
        .unwrap();
    let attribute = aws_sdk_dynamodb::types::AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(aws_sdk_dynamodb::types::ScalarAttributeType::S)
        .build()
        .unwrap();
    client()
        .create_table()
        .table_name("things")
        .key_schema(key)
        .attribute_definitions(attribute)
        .billing_mode(aws_sdk_dynamodb::types::BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    server.stop().await;

    let server = DynamoDb::start(port.address(), Some(&file)).await.unwrap();
    assert_eq!(client().list_tables().send().await.unwrap().table_names(), ["things"]);
    server.stop().await;
}
