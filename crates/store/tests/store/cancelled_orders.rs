//! Orders that are cancelled: before and after they were sold, with and without a refund, and at the same time as others.

use kassa_domain::{Currency, IllegalTransition, Money, OrderStatus, PricedOrder, RefundId};
use kassa_store::Refunds;
use kassa_store::orders::{CapturedPayment, OrderError, PaymentStatus, PlaceResult, RefundStatus, RefundedCharge};
use kassa_store::refunds::{RefundEnd, SettleResult};

use crate::orders::{CANCELLED, CONFIRMED, LATER, euros, events, identity, order, payment, refunded};
use crate::support::Books;

#[tokio::test]
async fn a_declined_order_is_cancelled_with_its_reason() {
    let books = Books::open().await;
    let identity = books.cancelled().await;

    let found = books.view(&identity).await;

    assert_eq!((found.status, found.version), (OrderStatus::Cancelled, 2));
    assert_eq!(found.failure_reason.as_deref(), Some("payment_declined"));
    assert_eq!(found.answer_json.as_deref(), Some(CANCELLED));
    assert_eq!((found.payment, found.refunds), (None, vec![]));
    assert_eq!(found.order, order());
}

#[tokio::test]
async fn cancelling_twice_cancels_once() {
    let books = Books::open().await;
    let identity = books.cancelled().await;
    let before = books.everything().await;

    books.orders.cancel(&identity, "another_reason", None, LATER).await.unwrap();

    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn cancelling_at_once_cancels_once() {
    let books = Books::open().await;
    let identity = books.placed().await;
    let refunded = refunded(&identity);

    let all = futures::future::join_all(
        (0..10).map(|_| books.orders.cancel(&identity, "step_failed", Some(&refunded), CANCELLED)),
    )
    .await;

    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(books.events(&identity).await, events(&[(1, "order.placed"), (2, "order.cancelled")]));
    assert_eq!(books.view(&identity).await.refunds.len(), 1);
}

#[tokio::test]
async fn a_charge_that_was_given_back_is_in_the_books() {
    let books = Books::open().await;
    // Whether confirming had been recorded or not.
    for identity in [books.placed().await, books.confirmed().await] {
        for _ in 0..2 {
            books.orders.cancel(&identity, "step_failed", Some(&refunded(&identity)), CANCELLED).await.unwrap();
        }

        let found = books.view(&identity).await;
        assert_eq!(found.status, OrderStatus::Cancelled);
        let payment = found.payment.unwrap();
        assert_eq!(payment.status, PaymentStatus::Refunded);
        assert_eq!((payment.captured, payment.refunded), (order().total, order().total));
        let [refund] = &found.refunds[..] else { panic!("one refund: {:?}", found.refunds) };
        assert_eq!(refund.refund_id, RefundId::of_undo(&identity.order_id));
        assert_eq!(refund.payment_id, payment.payment_id);
        assert_eq!((refund.amount, refund.reason.as_str()), (order().total, "step_failed"));
        assert_eq!(refund.reference.as_deref(), Some("re_1"));
    }
}

#[tokio::test]
async fn a_confirmed_order_is_not_cancelled_without_its_refund() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    let before = books.everything().await;

    let error = books.orders.cancel(&identity, "changed_mind", None, CANCELLED).await.unwrap_err();

    let expected = IllegalTransition { from: OrderStatus::Confirmed, to: OrderStatus::Cancelled };
    assert!(matches!(error, OrderError::IllegalTransition { transition, .. } if transition == expected));
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn a_confirmed_order_is_not_cancelled_with_the_refund_of_another_charge() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    let before = books.everything().await;

    let in_part = CapturedPayment { amount: euros(1), ..payment(&identity) };
    let other_intent = CapturedPayment { payment_intent: "pi_other".to_owned(), ..payment(&identity) };
    for payment in [in_part, other_intent] {
        let refunded = RefundedCharge { payment, ..refunded(&identity) };
        let error = books.orders.cancel(&identity, "step_failed", Some(&refunded), CANCELLED).await.unwrap_err();
        assert!(matches!(error, OrderError::OtherPayment { .. }), "{error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn a_refund_that_has_not_gone_through_is_pending_until_it_is_settled() {
    let books = Books::open().await;
    let settled = RefundEnd::Succeeded { reference: "re_1".to_owned() };
    let written_off = RefundEnd::WrittenOff { reference: "charged back".to_owned() };
    for (end, refunded_amount, payment_status, status) in [
        (settled, order().total, PaymentStatus::Refunded, RefundStatus::Succeeded),
        (written_off, euros(0), PaymentStatus::Captured, RefundStatus::WrittenOff),
    ] {
        for identity in [books.placed().await, books.confirmed().await] {
            let unsettled = RefundedCharge { unsettled: true, ..refunded(&identity) };
            for _ in 0..2 {
                books.orders.cancel(&identity, "step_failed", Some(&unsettled), CANCELLED).await.unwrap();
                let found = books.view(&identity).await;
                let paid = found.payment.unwrap();
                assert_eq!((paid.refunded, paid.refund_pending), (euros(0), order().total));
                assert_eq!(found.refunds[0].status, RefundStatus::Pending);
            }

            let result = Refunds::new(books.database.clone()).settle(&unsettled.refund_id, &end).await.unwrap();

            let announced = (status == RefundStatus::Succeeded).then_some(2);
            assert_eq!(result, SettleResult::Settled { event_sequence: announced });
            let found = books.view(&identity).await;
            let paid = found.payment.unwrap();
            assert_eq!((paid.refunded, paid.refund_pending, paid.status), (refunded_amount, euros(0), payment_status));
            assert_eq!((found.refunds[0].status, found.status), (status, OrderStatus::Cancelled));
        }
    }
}

#[tokio::test]
async fn a_refund_that_comes_after_the_cancellation_is_not_passed_over() {
    let books = Books::open().await;
    let identity = books.cancelled().await;

    let error = books.orders.cancel(&identity, "step_failed", Some(&refunded(&identity)), CANCELLED).await.unwrap_err();

    assert!(matches!(error, OrderError::OtherPayment { .. }), "{error}");
}

#[tokio::test]
async fn what_has_left_the_house_is_not_cancelled() {
    let books = Books::open().await;
    for status in [OrderStatus::Shipped, OrderStatus::Delivered] {
        for with_refund in [false, true] {
            let identity = books.confirmed().await;
            books.force(&identity, status).await;
            let refunded = with_refund.then(|| refunded(&identity));

            let error = books.orders.cancel(&identity, "late", refunded.as_ref(), CANCELLED).await.unwrap_err();

            let expected = IllegalTransition { from: status, to: OrderStatus::Cancelled };
            assert!(matches!(error, OrderError::IllegalTransition { transition, .. } if transition == expected));
        }
    }
}

#[tokio::test]
async fn an_order_cancelled_before_it_was_placed_stays_cancelled() {
    let books = Books::open().await;
    let identity = identity();
    for _ in 0..2 {
        books.orders.cancel(&identity, "step_failed", None, CANCELLED).await.unwrap();
    }

    let late = books.orders.place(&identity, &order()).await.unwrap();

    assert_eq!(late, PlaceResult::Decided { answer_json: CANCELLED.to_owned() });
    let found = books.view(&identity).await;
    assert_eq!((found.status, found.version), (OrderStatus::Cancelled, 1));
    assert_eq!(found.order, PricedOrder { lines: vec![], total: Money::new(0, Currency::XXX) });
    assert_eq!((found.caller, found.email), (identity.caller.clone(), identity.email.clone()));
    assert_eq!(books.events(&identity).await, events(&[(1, "order.cancelled")]));
}

#[tokio::test]
async fn place_and_cancel_at_once_end_cancelled() {
    let books = Books::open().await;
    let order = order();
    for _ in 0..20 {
        let identity = identity();
        let (placed, cancelled) = tokio::join!(
            books.orders.place(&identity, &order),
            books.orders.cancel(&identity, "step_failed", None, CANCELLED)
        );
        placed.unwrap();
        cancelled.unwrap();
        assert_eq!(books.view(&identity).await.status, OrderStatus::Cancelled);
    }
}

#[tokio::test]
async fn confirm_and_cancel_at_once_have_one_winner() {
    let books = Books::open().await;
    for _ in 0..20 {
        let identity = books.placed().await;
        let payment = payment(&identity);
        let (confirmed, cancelled) = tokio::join!(
            books.orders.confirm(&identity.order_id, &payment, CONFIRMED),
            books.orders.cancel(&identity, "step_failed", None, CANCELLED)
        );
        let found = books.view(&identity).await;
        match (confirmed, cancelled) {
            (Ok(()), Err(OrderError::IllegalTransition { .. })) => {
                assert_eq!((found.status, found.payment.is_some()), (OrderStatus::Confirmed, true));
            }
            (Err(OrderError::IllegalTransition { .. }), Ok(())) => {
                assert_eq!((found.status, found.payment), (OrderStatus::Cancelled, None));
            }
            other => panic!("both or neither won: {other:?}"),
        }
        assert_eq!(found.version, 2);
    }
}

#[tokio::test]
async fn confirm_and_a_cancellation_with_refund_at_once_end_refunded() {
    let books = Books::open().await;
    for _ in 0..20 {
        let identity = books.placed().await;
        let (payment, refunded) = (payment(&identity), refunded(&identity));
        let (confirmed, cancelled) = tokio::join!(
            books.orders.confirm(&identity.order_id, &payment, CONFIRMED),
            books.orders.cancel(&identity, "step_failed", Some(&refunded), CANCELLED)
        );
        cancelled.unwrap();
        let found = books.view(&identity).await;
        assert_eq!(found.status, OrderStatus::Cancelled);
        assert_eq!(found.payment.unwrap().status, PaymentStatus::Refunded);
        let expected = if confirmed.is_ok() { 3 } else { 2 };
        assert_eq!(books.events(&identity).await.len(), expected);
        assert_eq!(usize::try_from(found.version).unwrap(), expected);
    }
}
