//! The worker offers every activity that a workflow may ask for, and every workflow that the API may start.

use std::collections::BTreeSet;
use std::fs;

use kassa_activities::carts::Carts;
use kassa_activities::events::Events;
use kassa_activities::inventory::Inventory;
use kassa_activities::late_payments::{LateBooks, LateMoney, LateStock};
use kassa_activities::notifications::{Mailer, Notifications, Texter};
use kassa_activities::orders::Orders;
use kassa_activities::payments::{AwaitedPayments, Payments};
use kassa_activities::reconciliation::Reconciliation;
use kassa_activities::recovery::Recoveries;
use kassa_activities::refunds::Refunds;
use kassa_activities::valve::{Gate, Valve};
use kassa_devstack::stack::sdk_config;
use kassa_store::config::RDS_DATA_CALL;
use kassa_store::{Database, DynamoDb, DynamoDbConfig, EventLog, PaymentValve, Products, RdsDataConfig, Reservations};
use kassa_stripe_client::{PooledStripe, SecretKey, StripeConfig};
use kassa_worker::{Activities, options};
use kassa_workflows::contracts::ACTIVITY_NAMES;
use temporalio_sdk::WorkerOptions;

use crate::sources::sources;

/// A worker as the product registers it. Its clients lead nowhere: nothing is called.
async fn worker() -> WorkerOptions {
    let nowhere = Some("http://127.0.0.1:9".to_owned());
    let shared = sdk_config().await;
    let arn = "arn:aws:rds:eu-central-1:000000000000:cluster:nowhere";
    let rds_data = RdsDataConfig {
        endpoint: nowhere.clone(),
        resource_arn: arn.to_owned(),
        secret_arn: arn.to_owned(),
        database: "nowhere".to_owned(),
        call_timeout: RDS_DATA_CALL,
    };
    let dynamodb = DynamoDb::connect(&shared, &DynamoDbConfig { endpoint: nowhere, ..DynamoDbConfig::default() });
    let database = Database::connect(&shared, &rds_data);
    let stripe = StripeConfig::new(SecretKey::new("sk_test_nowhere").unwrap());
    let gate = Gate::new(PaymentValve::new(dynamodb.clone()));
    let orders = kassa_store::Orders::new(database.clone());
    let reservations = Reservations::new(dynamodb.clone());
    let products = Products::new(dynamodb.clone());
    let log = EventLog::new(dynamodb.clone());
    let client = PooledStripe::new(&stripe).unwrap();
    let activities = Activities {
        recoveries: Recoveries::new(orders.clone(), reservations.clone(), log.clone(), client.clone()),
        reconciliation: Reconciliation::new(orders, reservations, products, log, client),
        orders: Orders::new(kassa_store::Orders::new(database.clone()), Products::new(dynamodb.clone())),
        inventory: Inventory::new(Reservations::new(dynamodb.clone())),
        late_money: LateMoney::new(PooledStripe::new(&stripe).unwrap(), gate.clone()),
        late_books: LateBooks::new(kassa_store::Orders::new(database.clone())),
        late_stock: LateStock::new(Reservations::new(dynamodb.clone())),
        refunds: Refunds::new(kassa_store::Refunds::new(database)),
        payments: Payments::new(PooledStripe::new(&stripe).unwrap(), gate.clone()),
        awaited_payments: AwaitedPayments::new(PooledStripe::new(&stripe).unwrap(), gate.clone()),
        valve: Valve::new(gate),
        notifications: Notifications::new(
            Mailer::new(aws_sdk_sesv2::Client::new(&shared), "shop@example.com".to_owned()),
            Texter::new(aws_sdk_sns::Client::new(&shared)),
            kassa_store::Notifications::new(dynamodb.clone()),
            kassa_store::UserSettings::new(dynamodb.clone()),
        ),
        events: Events::new(
            aws_sdk_eventbridge::Client::new(&shared),
            "nowhere".to_owned(),
            EventLog::new(dynamodb.clone()),
        ),
        carts: Carts::new(kassa_store::Carts::new(dynamodb)),
    };
    options("nowhere", activities).unwrap()
}

/// The texts in quotation marks. The registry shows its names in no other way than in its debug form.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names in all attributes that begin with `attribute`, such as `#[activity(name = `, in the workflows crate.
/// A name is a text, or a constant of the same file.
fn declared(attribute: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in sources("workflows/src") {
        let source = fs::read_to_string(&path).unwrap();
        for rest in source.split(attribute).skip(1) {
            let value = rest.split(')').next().unwrap();
            let name = match value.strip_prefix('"') {
                Some(text) => text.trim_end_matches('"'),
                None => constant(&source, value),
            };
            names.insert(name.to_owned());
        }
    }
    names
}

fn constant<'a>(source: &'a str, name: &str) -> &'a str {
    let declaration = format!("pub const {name}: &str = \"");
    let start = source.split(&declaration).nth(1).unwrap_or_else(|| panic!("there is no constant {name}"));
    start.split('"').next().unwrap()
}

#[test]
fn the_list_of_activities_is_complete() {
    let listed: BTreeSet<String> = ACTIVITY_NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(listed.len(), ACTIVITY_NAMES.len(), "a name is listed twice");
    assert_eq!(listed, declared("#[activity(name = "));
}

#[tokio::test]
async fn every_activity_is_registered_on_the_worker() {
    let registered = quoted(&format!("{:?}", worker().await.activities()));
    assert_eq!(registered, ACTIVITY_NAMES.iter().map(|name| (*name).to_owned()).collect());
}

#[tokio::test]
async fn every_workflow_is_registered_on_the_worker() {
    let workflows = worker().await.workflows();
    let registered = workflows.workflow_definitions().map(|definition| definition.workflow_type.clone()).collect();
    let declared = declared("#[run(name = ");
    assert!(declared.contains("checkout"), "{declared:?}");
    assert_eq!(declared, registered);
}
