//! Orders that wait to be paid.

use futures::future::join_all;
use kassa_domain::OrderStatus;
use kassa_store::orders::{DeclinedCard, OrderError};

use crate::orders::{CONFIRMED, events, payment};
use crate::support::Books;

fn declined(attempt: u32) -> DeclinedCard {
    DeclinedCard { attempt, code: "card_declined".to_owned(), expires_at: 1_790_000_000 }
}

#[tokio::test]
async fn an_order_whose_card_is_declined_waits_and_can_be_paid() {
    let books = Books::open().await;
    let identity = books.placed().await;

    books.orders.payment_failed(&identity.order_id, &declined(1)).await.unwrap();
    assert_eq!(books.view(&identity).await.status, OrderStatus::PaymentFailed);
    books.orders.await_payment(&identity.order_id, 2, 1_790_000_000).await.unwrap();
    assert_eq!(books.view(&identity).await.status, OrderStatus::AwaitingPayment);
    books.orders.payment_failed(&identity.order_id, &declined(2)).await.unwrap();
    books.orders.payment_failed(&identity.order_id, &declined(3)).await.unwrap();
    books.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap();

    let all = [
        (1, "order.placed"),
        (2, "order.payment_failed"),
        (3, "order.awaiting_payment"),
        (4, "order.payment_failed"),
        (5, "order.payment_failed"),
        (6, "order.confirmed"),
    ];
    assert_eq!(books.events(&identity).await, events(&all));
    let timeline = books.orders.timeline(&identity.order_id).await.unwrap();
    assert_eq!((&timeline[3].detail["attempt"], &timeline[3].detail["code"]), (&2.into(), &"card_declined".into()));
}

#[tokio::test]
async fn a_decline_that_is_told_twice_or_at_once_is_told_once() {
    let books = Books::open().await;
    let identity = books.placed().await;
    let card = declined(1);

    let all = join_all((0..10).map(|_| books.orders.payment_failed(&identity.order_id, &card))).await;

    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let expected = [(1, "order.placed"), (2, "order.payment_failed")];
    assert_eq!(books.events(&identity).await, events(&expected));
}

#[tokio::test]
async fn what_is_said_about_an_earlier_card_comes_too_late() {
    let books = Books::open().await;
    let identity = books.placed().await;
    books.orders.payment_failed(&identity.order_id, &declined(2)).await.unwrap();
    let before = books.everything().await;

    books.orders.payment_failed(&identity.order_id, &declined(1)).await.unwrap();
    books.orders.await_payment(&identity.order_id, 1, 1_790_000_000).await.unwrap();
    books.orders.await_payment(&identity.order_id, 2, 1_790_000_000).await.unwrap();

    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn a_decided_order_waits_for_nothing() {
    let books = Books::open().await;
    for identity in [books.confirmed().await, books.cancelled().await] {
        let before = books.everything().await;

        let failed = books.orders.payment_failed(&identity.order_id, &declined(1)).await.unwrap_err();
        let awaited = books.orders.await_payment(&identity.order_id, 1, 0).await.unwrap_err();

        for error in [failed, awaited] {
            assert!(matches!(error, OrderError::IllegalTransition { .. }) && !error.is_retryable(), "{error}");
        }
        assert_eq!(books.everything().await, before);
    }
}
