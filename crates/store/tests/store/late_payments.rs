//! Payments that come after their order was cancelled.

use kassa_domain::RefundId;
use kassa_store::Refunds;
use kassa_store::orders::{LatePayment, LatePaymentBooked, PaymentStatus, RefundStatus, Revived};
use kassa_store::refunds::{RefundEnd, SettleResult};

use crate::orders::payment;
use crate::support::Books;

const INTENT: &str = "pi_late";

#[tokio::test]
async fn a_late_payment_is_booked_once_and_goes_back() {
    let books = Books::open().await;
    let identity = books.cancelled().await;
    let late = LatePayment {
        payment: payment(&identity),
        refunded: 0,
        refund_id: RefundId::of_late_payment(&identity.order_id, INTENT),
    };
    let book = || books.orders.book_late_payment(&identity.order_id, &late);

    for _ in 0..2 {
        assert_eq!(book().await.unwrap(), LatePaymentBooked::Booked);
    }

    let found = books.view(&identity).await;
    let booked = found.payment.unwrap();
    assert_eq!((booked.status, booked.refund_pending), (PaymentStatus::Captured, late.payment.amount));
    assert_eq!((found.refunds.len(), found.refunds[0].status), (1, RefundStatus::Pending));
    assert_eq!(found.version, 3);
    let settled = Refunds::new(books.database.clone())
        .settle(&late.refund_id, &RefundEnd::Succeeded { reference: "re_1".to_owned() })
        .await
        .unwrap();
    assert_eq!(settled, SettleResult::Settled { event_sequence: Some(2) });
    assert_eq!(book().await.unwrap(), LatePaymentBooked::Booked);
    let found = books.view(&identity).await;
    assert_eq!(found.payment.unwrap().status, PaymentStatus::Refunded);
}

#[tokio::test]
async fn only_a_cancelled_order_without_another_payment_is_paid_late() {
    let books = Books::open().await;
    for (identity, expected) in
        [(books.placed().await, LatePaymentBooked::Refused), (books.confirmed().await, LatePaymentBooked::Kept)]
    {
        let before = books.everything().await;
        let refund_id = RefundId::of_late_payment(&identity.order_id, INTENT);
        let late = LatePayment { payment: payment(&identity), refunded: 0, refund_id };
        assert_eq!(books.orders.book_late_payment(&identity.order_id, &late).await.unwrap(), expected);
        assert_eq!(books.everything().await, before);
    }
}

#[tokio::test]
async fn only_an_order_that_was_cancelled_for_this_reason_is_revived_and_once() {
    let books = Books::open().await;
    let identity = books.cancelled().await;
    let reason = books.view(&identity).await.failure_reason.expect("a reason");
    let revive = |reason: String| {
        let (orders, order_id, payment) = (books.orders.clone(), identity.order_id.clone(), payment(&identity));
        async move { orders.revive(&order_id, &reason, &payment).await.unwrap() }
    };
    let before = books.everything().await;
    assert_eq!(revive("another_reason".to_owned()).await, Revived::Refused);
    assert_eq!(books.everything().await, before);

    let first = revive(reason.clone()).await;
    assert!(matches!(first, Revived::Confirmed { .. }), "{first:?}");
    let after = books.everything().await;
    assert_eq!(revive(reason).await, first);
    assert_eq!(books.everything().await, after);
    let found = books.view(&identity).await;
    assert_eq!(found.status.as_str(), "CONFIRMED");
    assert_eq!(found.payment.unwrap().captured, payment(&identity).amount);
}
