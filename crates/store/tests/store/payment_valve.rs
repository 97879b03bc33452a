//! The valve before the payment provider, and the places of held orders.

use std::collections::BTreeSet;

use kassa_domain::OrderId;
use kassa_store::PaymentValve;
use kassa_store::payment_valve::{ChangeValve, MAX_RATE, Position, Valve};
use time::{Duration, OffsetDateTime};

use crate::support::{Shop, unique};

fn order() -> OrderId {
    format!("ord_{}", unique()).parse().unwrap()
}

fn change(position: Position) -> ChangeValve {
    ChangeValve { position, operator: "kim".to_owned(), reason: Some("Stripe is down".to_owned()) }
}

fn valve(shop: &Shop) -> PaymentValve {
    PaymentValve::new(shop.dynamodb.clone())
}

#[tokio::test]
async fn a_valve_that_nobody_has_touched_is_open() {
    let shop = Shop::open().await;
    let valve = valve(&shop);

    assert_eq!(valve.get().await.unwrap(), Valve::default());
    assert_eq!(valve.changes(10).await.unwrap(), []);
    assert_eq!(Valve::default().position, Position::Open { rate: MAX_RATE });
}

#[tokio::test]
async fn every_change_is_kept_with_its_operator() {
    let shop = Shop::open().await;
    let valve = valve(&shop);

    let closed = valve.change(&change(Position::Closed)).await.unwrap();
    let opened = valve.change(&ChangeValve { reason: None, ..change(Position::Open { rate: 5 }) }).await.unwrap();

    assert_eq!((closed.revision, opened.revision), (1, 2));
    assert_eq!(valve.get().await.unwrap(), opened);
    assert_eq!(valve.changes(10).await.unwrap(), [opened.clone(), closed]);
    assert_eq!(valve.changes(1).await.unwrap(), [opened]);
}

#[tokio::test]
async fn a_valve_that_stands_as_it_should_stays_untouched() {
    let shop = Shop::open().await;
    let valve = valve(&shop);
    let closed = valve.change(&change(Position::Closed)).await.unwrap();

    let again = ChangeValve { operator: "lee".to_owned(), reason: None, position: Position::Closed };

    assert_eq!(valve.change(&again).await.unwrap(), closed);
    assert_eq!(valve.changes(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn operators_at_once_are_taken_one_after_the_other() {
    let shop = Shop::open().await;
    let valve = valve(&shop);

    let changes = (1..=4).map(|rate| change(Position::Open { rate })).collect::<Vec<_>>();
    let all = futures::future::join_all(changes.iter().map(|change| valve.change(change))).await;

    let revisions: BTreeSet<_> = all.into_iter().map(|changed| changed.unwrap().revision).collect();
    assert_eq!(revisions, (1..=4).collect());
    assert_eq!(valve.changes(10).await.unwrap().len(), 4);
}

#[tokio::test]
async fn orders_that_ask_at_once_have_places_of_their_own_and_keep_them() {
    let shop = Shop::open().await;
    let valve = valve(&shop);
    let opened = valve.change(&change(Position::Open { rate: 5 })).await.unwrap();
    let orders: Vec<_> = (0..20).map(|_| order()).collect();

    let ask = || futures::future::join_all(orders.iter().map(|order| valve.admit(order, opened.changed_at)));
    let first: Vec<_> = ask().await.into_iter().map(|admitted| admitted.unwrap().1.unwrap()).collect();
    let again: Vec<_> = ask().await.into_iter().map(|admitted| admitted.unwrap().1.unwrap()).collect();

    assert_eq!(first, again, "an order that asks again has the place that it had");
    let places = valve.places(&opened).await.unwrap();
    assert_eq!(places.iter().map(|place| place.number).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    for pair in places.windows(2) {
        assert_eq!(pair[1].at - pair[0].at, Duration::milliseconds(200));
    }
    assert_eq!(valve.last_turn(&opened).await.unwrap(), Some(opened.changed_at + Duration::milliseconds(19 * 200)));
}

#[tokio::test]
async fn one_order_that_asks_twice_at_once_has_one_place() {
    let shop = Shop::open().await;
    let valve = valve(&shop);
    let opened = valve.change(&change(Position::Open { rate: 5 })).await.unwrap();
    let order = order();

    let asked = futures::future::join_all((0..8).map(|_| valve.admit(&order, opened.changed_at))).await;

    let places: BTreeSet<_> = asked.into_iter().map(|admitted| admitted.unwrap().1.unwrap().number).collect();
    assert_eq!(places.len(), 1, "{places:?}");
    assert_eq!(valve.places(&opened).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_comes_late_does_not_make_up_for_it() {
    let shop = Shop::open().await;
    let valve = valve(&shop);
    let opened = valve.change(&change(Position::Open { rate: 2 })).await.unwrap();
    let late = opened.changed_at + Duration::seconds(10);
    let place = async |now: OffsetDateTime| valve.admit(&order(), now).await.unwrap().1.unwrap();

    assert_eq!(place(opened.changed_at).await.number, 0);
    let (first, second) = (place(late).await, place(late).await);

    assert_eq!((first.number, first.at), (20, late));
    assert_eq!((second.number, second.at), (21, late + Duration::milliseconds(500)));
}

#[tokio::test]
async fn a_closed_valve_gives_no_places_and_another_opening_begins_anew() {
    let shop = Shop::open().await;
    let valve = valve(&shop);
    let order = order();
    let opened = valve.change(&change(Position::Open { rate: 1 })).await.unwrap();
    valve.admit(&crate::payment_valve::order(), opened.changed_at).await.unwrap();
    assert_eq!(valve.admit(&order, opened.changed_at).await.unwrap().1.unwrap().number, 1);

    let closed = valve.change(&change(Position::Closed)).await.unwrap();
    assert_eq!(valve.admit(&order, closed.changed_at).await.unwrap(), (closed.clone(), None));
    assert_eq!(valve.last_turn(&closed).await.unwrap(), None);

    let opened = valve.change(&change(Position::Open { rate: 1 })).await.unwrap();
    assert_eq!(valve.admit(&order, opened.changed_at).await.unwrap().1.unwrap().number, 0);
}
