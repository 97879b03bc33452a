//! Orders on their way to their customers, and the numbers of the events that tell of it.

use kassa_domain::{Fulfilment, IllegalTransition, Label, OrderStatus, Parcel};
use kassa_store::orders::{Fulfilled, OrderError};

use crate::orders::{CANCELLED, LATER, events, identity, payment, refunded};
use crate::support::Books;

fn label(text: &str) -> Label {
    Label::try_from(text.to_owned()).unwrap()
}

fn ship() -> Fulfilment {
    let (carrier, tracking_number) = (Some(label("DHL")), Some(label("00340434161094000000")));
    Fulfilment::Ship { parcel: Parcel { carrier, tracking_number } }
}

fn ship_without_a_number() -> Fulfilment {
    Fulfilment::Ship { parcel: Parcel::default() }
}

#[tokio::test]
async fn an_order_is_shipped_and_delivered_with_an_event_each() {
    let books = Books::open().await;
    let identity = books.confirmed().await;

    let shipped = books.orders.fulfil(&identity.order_id, &ship()).await.unwrap();
    let on_its_way = books.view(&identity).await;
    let delivered = books.orders.fulfil(&identity.order_id, &Fulfilment::Deliver).await.unwrap();

    let fulfilled =
        |event_sequence| Fulfilled { caller: identity.caller.clone(), email: identity.email.clone(), event_sequence };
    assert_eq!((shipped, delivered), (fulfilled(2), fulfilled(3)));
    let shipment = on_its_way.shipment.unwrap();
    assert_eq!((shipment.carrier, shipment.delivered_at), (Some(label("DHL")), None));
    assert_eq!(shipment.shipped_at, on_its_way.updated_at);
    let found = books.view(&identity).await;
    assert_eq!((found.status, found.version, found.events), (OrderStatus::Delivered, 4, 3));
    assert_eq!(found.shipment.unwrap().delivered_at, Some(found.updated_at));
    let expected = [(1, "order.placed"), (2, "order.confirmed"), (3, "order.shipped"), (4, "order.delivered")];
    assert_eq!(books.events(&identity).await, events(&expected));
    let timeline = books.orders.timeline(&identity.order_id).await.unwrap();
    assert_eq!(timeline[2].detail["carrier"], "DHL");
    assert_eq!(timeline.iter().map(|entry| entry.event_sequence).collect::<Vec<_>>(), [None, None, Some(2), Some(3)]);
}

#[tokio::test]
async fn a_step_taken_twice_is_taken_once_and_has_the_same_event() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    for step in [ship_without_a_number(), Fulfilment::Deliver] {
        let all = futures::future::join_all((0..10).map(|_| books.orders.fulfil(&identity.order_id, &step))).await;
        let first = all[0].as_ref().unwrap();
        assert!(all.iter().all(|result| result.as_ref().unwrap() == first), "{all:?}");
    }
    let before = books.everything().await;

    let shipped = books.orders.fulfil(&identity.order_id, &ship_without_a_number()).await.unwrap();
    let delivered = books.orders.fulfil(&identity.order_id, &Fulfilment::Deliver).await.unwrap();

    assert_eq!((shipped.event_sequence, delivered.event_sequence), (2, 3));
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn an_order_is_on_its_way_in_one_parcel() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    books.orders.fulfil(&identity.order_id, &ship()).await.unwrap();
    let before = books.everything().await;

    let error = books.orders.fulfil(&identity.order_id, &ship_without_a_number()).await.unwrap_err();

    assert!(matches!(error, OrderError::OtherParcel { .. }), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn steps_are_taken_along_the_graph_alone() {
    let books = Books::open().await;
    let cases = [
        (books.placed().await, ship(), OrderStatus::Pending),
        (books.placed().await, Fulfilment::Deliver, OrderStatus::Pending),
        (books.cancelled().await, ship(), OrderStatus::Cancelled),
        (books.confirmed().await, Fulfilment::Deliver, OrderStatus::Confirmed),
    ];
    let before = books.everything().await;
    for (identity, step, from) in cases {
        let error = books.orders.fulfil(&identity.order_id, &step).await.unwrap_err();
        let expected = IllegalTransition { from, to: step.status() };
        assert!(matches!(error, OrderError::IllegalTransition { transition, .. } if transition == expected));
        assert!(!error.is_retryable());
    }
    let unknown = identity().order_id;
    let error = books.orders.fulfil(&unknown, &ship()).await.unwrap_err();
    assert!(matches!(error, OrderError::UnknownOrder(order_id) if order_id == unknown));
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn a_checkout_has_one_event_however_it_ends() {
    let books = Books::open().await;
    for (identity, expected) in [(books.placed().await, 0), (books.confirmed().await, 1), (books.cancelled().await, 1)]
    {
        assert_eq!(books.view(&identity).await.events, expected);
    }
    // Confirmed, though nobody learnt of it, and then taken back.
    let identity = books.confirmed().await;
    books.orders.cancel(&identity, "step_failed", Some(&refunded(&identity)), CANCELLED).await.unwrap();
    assert_eq!(books.view(&identity).await.events, 1);
    // Taken back before it was ever placed.
    let identity = identity_of_nothing(&books).await;
    assert_eq!(books.view(&identity).await.events, 1);
}

async fn identity_of_nothing(books: &Books) -> kassa_store::orders::OrderIdentity {
    let identity = identity();
    books.orders.cancel(&identity, "step_failed", None, CANCELLED).await.unwrap();
    identity
}

#[tokio::test]
async fn a_late_confirmation_does_not_take_back_numbers() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    books.orders.fulfil(&identity.order_id, &ship()).await.unwrap();

    books.orders.confirm(&identity.order_id, &payment(&identity), LATER).await.unwrap();

    let found = books.view(&identity).await;
    assert_eq!((found.status, found.events), (OrderStatus::Shipped, 2));
}
