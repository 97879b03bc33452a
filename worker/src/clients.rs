//! Clients of the outside systems.

use std::time::Duration;

use anyhow::Context;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
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
use kassa_store::{Database, DynamoDb, EventLog, PaymentValve, Products, Reservations};
use kassa_stripe_client::PooledStripe;

use crate::{Activities, AnnounceConfig, Config};

/// Prepares the clients of all outside systems. Nothing is connected yet: connections are opened when they are needed.
pub async fn connect(config: &Config) -> anyhow::Result<Activities> {
    let aws = aws_config::defaults(BehaviorVersion::latest())
        // One attempt each, with an end: the engine tries again, and operators see it.
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(config.payment.stripe.request_timeout / 2)
                .build(),
        )
        .load()
        .await;
    connect_with(&aws, config)
}

/// The same with what AWS clients share from elsewhere than this process's environment.
pub fn connect_with(aws: &SdkConfig, config: &Config) -> anyhow::Result<Activities> {
    let dynamodb = DynamoDb::connect(aws, &config.store.dynamodb);
    let database = Database::connect(aws, &config.store.rds_data);
    let stripe = PooledStripe::new(&config.payment.stripe).context("the Stripe client cannot be set up")?;

    let gate = Gate::new(PaymentValve::new(dynamodb.clone()));
    let orders = kassa_store::Orders::new(database.clone());
    let reservations = Reservations::new(dynamodb.clone());
    let products = Products::new(dynamodb.clone());
    let log = EventLog::new(dynamodb.clone());
    Ok(Activities {
        reconciliation: Reconciliation::new(
            orders.clone(),
            reservations.clone(),
            products.clone(),
            log.clone(),
            stripe.clone(),
        ),
        recoveries: Recoveries::new(orders.clone(), reservations.clone(), log.clone(), stripe.clone()),
        late_money: LateMoney::new(stripe.clone(), gate.clone()),
        late_books: LateBooks::new(orders.clone()),
        late_stock: LateStock::new(reservations.clone()),
        orders: Orders::new(orders, products),
        inventory: Inventory::new(reservations),
        refunds: Refunds::new(kassa_store::Refunds::new(database)),
        payments: Payments::new(stripe.clone(), gate.clone()),
        awaited_payments: AwaitedPayments::new(stripe, gate.clone()),
        valve: Valve::new(gate),
        notifications: notifications(aws, &config.announce, dynamodb.clone()),
        events: events(aws, &config.announce, log),
        carts: Carts::new(kassa_store::Carts::new(dynamodb)),
    })
}

fn notifications(aws: &SdkConfig, config: &AnnounceConfig, dynamodb: DynamoDb) -> Notifications {
    let mut ses = aws_sdk_sesv2::config::Builder::from(aws);
    ses.set_endpoint_url(config.ses_endpoint.clone());
    let mut sns = aws_sdk_sns::config::Builder::from(aws);
    sns.set_endpoint_url(config.sns_endpoint.clone());
    Notifications::new(
        Mailer::new(aws_sdk_sesv2::Client::from_conf(ses.build()), config.mail_from.clone()),
        Texter::new(aws_sdk_sns::Client::from_conf(sns.build())),
        kassa_store::Notifications::new(dynamodb.clone()),
        kassa_store::UserSettings::new(dynamodb),
    )
}

fn events(aws: &SdkConfig, config: &AnnounceConfig, log: EventLog) -> Events {
    let mut bridge = aws_sdk_eventbridge::config::Builder::from(aws);
    bridge.set_endpoint_url(config.eventbridge_endpoint.clone());
    Events::new(aws_sdk_eventbridge::Client::from_conf(bridge.build()), config.event_bus.clone(), log)
}
