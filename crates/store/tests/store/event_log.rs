//! The log of events.

use kassa_domain::{EventId, OrderId};
use kassa_store::EventLog;
use kassa_store::event_log::{LoggedEvent, RecordEventError};
use time::macros::datetime;

use crate::support::{Meddling, Shop, unique};

fn event(order_id: &OrderId, sequence: u32, kind: &str) -> LoggedEvent {
    LoggedEvent {
        order_id: order_id.clone(),
        sequence,
        event_id: EventId::of(order_id, sequence),
        kind: kind.to_owned(),
        at: datetime!(2026-03-01 12:00:00.123456789 UTC),
        published: false,
    }
}

fn order() -> OrderId {
    format!("ord_{}", unique()).parse().unwrap()
}

#[tokio::test]
async fn events_are_listed_by_their_numbers() {
    let shop = Shop::open().await;
    let log = EventLog::new(shop.dynamodb.clone());
    let order = order();
    let events: Vec<_> = (1..=12).map(|number| event(&order, number, "order.refunded")).collect();
    for event in events.iter().rev() {
        log.record(event).await.unwrap();
    }

    assert_eq!(log.of_order(&order).await.unwrap(), events);
    assert_eq!(log.of_order(&self::order()).await.unwrap(), []);
}

#[tokio::test]
async fn an_event_that_is_recorded_again_stays_as_it_was() {
    let shop = Shop::open().await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    let log = EventLog::new(dynamodb);
    let first = event(&order(), 1, "order.confirmed");
    gateway.meddle("PutItem", 1, &Meddling::LoseAnswer);
    log.record(&first).await.unwrap();

    log.record(&LoggedEvent { at: datetime!(2027-01-01 0:00 UTC), ..first.clone() }).await.unwrap();

    assert_eq!(log.of_order(&first.order_id).await.unwrap(), [first]);
}

#[tokio::test]
async fn an_event_is_published_once_that_is_recorded() {
    let shop = Shop::open().await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    let log = EventLog::new(dynamodb);
    let event = event(&order(), 1, "order.confirmed");
    log.record(&event).await.unwrap();
    assert_eq!(log.of_order(&event.order_id).await.unwrap(), std::slice::from_ref(&event));

    gateway.meddle("UpdateItem", 1, &Meddling::LoseAnswer);
    log.published(&event.order_id, 1).await.unwrap();
    log.published(&event.order_id, 1).await.unwrap();
    // Whoever is late to publish it does not make it unpublished.
    log.record(&event).await.unwrap();

    assert_eq!(log.of_order(&event.order_id).await.unwrap(), [LoggedEvent { published: true, ..event }]);
}

#[tokio::test]
async fn only_what_was_recorded_is_published() {
    let shop = Shop::open().await;
    let log = EventLog::new(shop.dynamodb.clone());
    let order = order();

    log.published(&order, 1).await.unwrap_err();

    assert_eq!(log.of_order(&order).await.unwrap(), []);
}

#[tokio::test]
async fn two_events_do_not_share_a_number() {
    let shop = Shop::open().await;
    let log = EventLog::new(shop.dynamodb.clone());
    let first = event(&order(), 1, "order.confirmed");
    log.record(&first).await.unwrap();

    let error = log.record(&event(&first.order_id, 1, "order.cancelled")).await.unwrap_err();

    assert!(matches!(error, RecordEventError::OtherEvent { .. }), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(log.of_order(&first.order_id).await.unwrap(), [first]);
}
