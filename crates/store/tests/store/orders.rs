//! Orders, their payments, and their history.

mod failures;

use kassa_domain::{
    Caller, Currency, EmailAddress, Fingerprint, IdempotencyKey, IllegalTransition, Money, OrderId, OrderStatus,
    PaymentId, PricedLine, PricedOrder, ProductId, Quantity, RefundId,
};
use kassa_store::orders::{
    CapturedPayment, OrderError, OrderIdentity, OrderView, PaymentStatus, PlaceResult, RefundedCharge,
};
use serde_json::json;

use crate::support::{Books, unique};

const EMAIL: &str = "ada@example.com";

pub(crate) fn euros(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

pub(crate) fn identity() -> OrderIdentity {
    let email: EmailAddress = EMAIL.parse().unwrap();
    let caller = Caller::guest(&email);
    let key: IdempotencyKey = unique().parse().unwrap();
    OrderIdentity {
        order_id: OrderId::derive(&caller, &key),
        caller,
        email,
        fingerprint: Fingerprint::of("two cups"),
        request_id: "req-1".to_owned(),
    }
}

fn priced(pieces: i64, unit_price: i64) -> PricedOrder {
    let line = |product: &str, name: &str, pieces: i64| PricedLine {
        product_id: product.parse::<ProductId>().unwrap(),
        name: name.to_owned(),
        quantity: Quantity::new(pieces).unwrap(),
        unit_price: euros(unit_price),
        total: euros(unit_price * pieces),
    };
    let lines = vec![line("prod_b", "Tasse »Milano«; 'klein' :name \\ \"x\"", pieces), line("prod_a", "Saucer", 1)];
    PricedOrder { lines, total: euros(unit_price * (pieces + 1)) }
}

pub(crate) fn order() -> PricedOrder {
    priced(2, 1250)
}

pub(crate) fn payment(identity: &OrderIdentity) -> CapturedPayment {
    CapturedPayment {
        payment_id: PaymentId::of(&identity.order_id),
        payment_intent: format!("pi_{}", identity.order_id),
        amount: order().total,
    }
}

pub(crate) fn refunded(identity: &OrderIdentity) -> RefundedCharge {
    RefundedCharge {
        payment: payment(identity),
        refund_id: RefundId::of_undo(&identity.order_id),
        reference: "re_1".to_owned(),
        unsettled: false,
    }
}

/// Answers as the database hands them out, which orders keys and puts blanks between.
pub(crate) const CONFIRMED: &str = r#"{"kind": "confirmed"}"#;
pub(crate) const CANCELLED: &str = r#"{"kind": "declined"}"#;
pub(crate) const LATER: &str = r#"{"kind": "later"}"#;

impl Books {
    pub(crate) async fn placed(&self) -> OrderIdentity {
        let identity = identity();
        self.orders.place(&identity, &order()).await.unwrap();
        identity
    }

    pub(crate) async fn confirmed(&self) -> OrderIdentity {
        let identity = self.placed().await;
        self.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap();
        identity
    }

    pub(crate) async fn cancelled(&self) -> OrderIdentity {
        let identity = self.placed().await;
        self.orders.cancel(&identity, "payment_declined", None, CANCELLED).await.unwrap();
        identity
    }

    pub(crate) async fn view(&self, identity: &OrderIdentity) -> OrderView {
        self.orders.find(&identity.order_id).await.unwrap().unwrap()
    }

    pub(crate) async fn events(&self, identity: &OrderIdentity) -> Vec<(u32, String)> {
        let timeline = self.orders.timeline(&identity.order_id).await.unwrap();
        timeline.into_iter().map(|entry| (entry.sequence, entry.event)).collect()
    }

    /// Brings an order to a status that nothing here leads to.
    pub(crate) async fn force(&self, identity: &OrderIdentity, status: OrderStatus) {
        self.sql(&format!("UPDATE orders SET status = '{status}' WHERE order_id = '{}'", identity.order_id)).await;
    }

    /// Everything that is stored about an order.
    pub(crate) async fn everything(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in ["orders", "order_items", "payments", "refunds", "shipments", "order_history"] {
            all.extend(self.sql(&format!("SELECT '{table}', * FROM {table} ORDER BY 2, 3")).await);
        }
        all
    }
}

pub(crate) fn events(events: &[(u32, &str)]) -> Vec<(u32, String)> {
    events.iter().map(|(sequence, event)| (*sequence, (*event).to_owned())).collect()
}

#[tokio::test]
async fn a_placed_order_is_found_with_its_snapshot() {
    let books = Books::open().await;
    let identity = identity();

    let result = books.orders.place(&identity, &order()).await.unwrap();

    assert_eq!(result, PlaceResult::Pending(order()));
    let found = books.view(&identity).await;
    assert_eq!(found.status, OrderStatus::Pending);
    assert_eq!(found.order, order());
    assert_eq!((found.caller, found.email), (identity.caller.clone(), identity.email.clone()));
    assert_eq!((found.fingerprint, found.request_id), (identity.fingerprint.clone(), identity.request_id.clone()));
    assert_eq!((found.payment, found.refunds), (None, vec![]));
    assert_eq!((found.answer_json, found.failure_reason, found.version), (None, None, 1));
    let age = time::OffsetDateTime::now_utc() - found.created_at;
    assert!(age.abs() < time::Duration::minutes(5), "{age}");
}

#[tokio::test]
async fn an_unknown_order_is_not_found() {
    let books = Books::open().await;
    let order_id = identity().order_id;
    assert_eq!(books.orders.find(&order_id).await.unwrap(), None);
    assert_eq!(books.orders.timeline(&order_id).await.unwrap(), []);
}

#[tokio::test]
async fn placing_again_returns_what_was_stored_first() {
    let books = Books::open().await;
    let identity = books.placed().await;
    let before = books.everything().await;

    // The price has changed in between.
    let result = books.orders.place(&identity, &priced(2, 9999)).await.unwrap();

    assert_eq!(result, PlaceResult::Pending(order()));
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn placing_at_once_writes_once() {
    let books = Books::open().await;
    let identity = identity();
    let order = order();

    let all = futures::future::join_all((0..10).map(|_| books.orders.place(&identity, &order))).await;

    for result in all {
        assert_eq!(result.unwrap(), PlaceResult::Pending(order.clone()));
    }
    assert_eq!(books.events(&identity).await, events(&[(1, "order.placed")]));
}

#[tokio::test]
async fn placing_a_decided_order_returns_the_answer_of_then() {
    let books = Books::open().await;
    for (identity, answer) in [(books.confirmed().await, CONFIRMED), (books.cancelled().await, CANCELLED)] {
        let before = books.everything().await;

        let result = books.orders.place(&identity, &order()).await.unwrap();

        assert_eq!(result, PlaceResult::Decided { answer_json: answer.to_owned() });
        assert_eq!(books.everything().await, before);
    }
}

#[tokio::test]
async fn placing_an_undecided_order_for_something_else_is_refused() {
    let books = Books::open().await;
    let identity = books.placed().await;

    let other = OrderIdentity { fingerprint: Fingerprint::of("three cups"), ..identity };
    let error = books.orders.place(&other, &priced(3, 1250)).await.unwrap_err();

    assert!(matches!(error, OrderError::OtherRequest { .. }), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_placed_order_may_be_large() {
    let books = Books::open().await;
    let identity = identity();
    let lines: Vec<_> = (0..99)
        .map(|number| PricedLine {
            product_id: format!("prod_{number}").parse().unwrap(),
            name: "雪".repeat(200),
            quantity: Quantity::new(999).unwrap(),
            unit_price: euros(1_000_000_000),
            total: euros(999_000_000_000),
        })
        .collect();
    let order = PricedOrder { lines, total: euros(98_901_000_000_000) };

    books.orders.place(&identity, &order).await.unwrap();

    assert_eq!(books.orders.place(&identity, &order).await.unwrap(), PlaceResult::Pending(order.clone()));
    assert_eq!(books.view(&identity).await.order, order);
}

#[tokio::test]
async fn a_confirmed_order_has_its_payment() {
    let books = Books::open().await;
    let identity = books.confirmed().await;

    let found = books.view(&identity).await;

    assert_eq!((found.status, found.version), (OrderStatus::Confirmed, 2));
    assert_eq!(found.answer_json.as_deref(), Some(CONFIRMED));
    let payment = found.payment.unwrap();
    assert_eq!(payment.payment_id, PaymentId::of(&identity.order_id));
    assert_eq!(payment.payment_intent, format!("pi_{}", identity.order_id));
    assert_eq!(payment.status, PaymentStatus::Captured);
    assert_eq!((payment.captured, payment.refunded), (order().total, euros(0)));
    assert!(found.updated_at >= found.created_at);
}

#[tokio::test]
async fn confirming_twice_confirms_once() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    let before = books.everything().await;

    books.orders.confirm(&identity.order_id, &payment(&identity), LATER).await.unwrap();

    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn confirming_at_once_confirms_once() {
    let books = Books::open().await;
    let identity = books.placed().await;
    let payment = payment(&identity);

    let all =
        futures::future::join_all((0..10).map(|_| books.orders.confirm(&identity.order_id, &payment, CONFIRMED))).await;

    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(books.events(&identity).await, events(&[(1, "order.placed"), (2, "order.confirmed")]));
}

#[tokio::test]
async fn an_order_that_went_on_counts_as_confirmed() {
    let books = Books::open().await;
    for status in [OrderStatus::Shipped, OrderStatus::Delivered] {
        let identity = books.confirmed().await;
        books.force(&identity, status).await;

        books.orders.confirm(&identity.order_id, &payment(&identity), LATER).await.unwrap();

        assert_eq!(books.view(&identity).await.status, status);
    }
}

#[tokio::test]
async fn every_undecided_order_can_be_confirmed() {
    let books = Books::open().await;
    for status in [OrderStatus::AwaitingPayment, OrderStatus::PaymentFailed] {
        let identity = books.placed().await;
        books.force(&identity, status).await;

        books.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap();

        assert_eq!(books.view(&identity).await.status, OrderStatus::Confirmed);
    }
}

#[tokio::test]
async fn a_cancelled_order_cannot_be_confirmed() {
    let books = Books::open().await;
    let identity = books.cancelled().await;
    let before = books.everything().await;

    let error = books.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap_err();

    let expected = IllegalTransition { from: OrderStatus::Cancelled, to: OrderStatus::Confirmed };
    assert!(matches!(error, OrderError::IllegalTransition { transition, .. } if transition == expected));
    assert!(!error.is_retryable());
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn an_unknown_order_cannot_be_confirmed() {
    let books = Books::open().await;
    let identity = identity();

    let error = books.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap_err();

    assert!(matches!(error, OrderError::UnknownOrder(order_id) if order_id == identity.order_id));
    assert!(books.everything().await.is_empty());
}

#[tokio::test]
async fn a_capture_of_another_amount_or_currency_confirms_nothing() {
    let books = Books::open().await;
    let identity = books.placed().await;
    let before = books.everything().await;
    let total = order().total;

    for captured in [euros(total.amount - 1), euros(total.amount + 1), Money::new(total.amount, Currency::USD)] {
        let payment = CapturedPayment { amount: captured, ..payment(&identity) };
        let error = books.orders.confirm(&identity.order_id, &payment, CONFIRMED).await.unwrap_err();
        assert!(
            matches!(error, OrderError::AmountMismatch { total: t, captured: c, .. } if (t, c) == (total, captured)),
            "{error}"
        );
        assert!(!error.is_retryable());
    }
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn a_confirmed_order_is_not_confirmed_with_another_payment() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    let before = books.everything().await;

    let other_intent = CapturedPayment { payment_intent: "pi_other".to_owned(), ..payment(&identity) };
    let other_amount = CapturedPayment { amount: euros(1), ..payment(&identity) };
    for payment in [other_intent, other_amount] {
        let error = books.orders.confirm(&identity.order_id, &payment, CONFIRMED).await.unwrap_err();
        assert!(matches!(error, OrderError::OtherPayment { .. }), "{error}");
    }
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn one_payment_intent_pays_one_order() {
    let books = Books::open().await;
    let paid = books.confirmed().await;
    let other = books.placed().await;
    let before = books.everything().await;

    let payment = CapturedPayment { payment_intent: payment(&paid).payment_intent, ..payment(&other) };
    let error = books.orders.confirm(&other.order_id, &payment, CONFIRMED).await.unwrap_err();

    assert!(!error.is_retryable());
    assert!(error.to_string().contains("23505: constraint payments_one_per_intent"), "{error}");
    assert_eq!(books.everything().await, before);
}

#[tokio::test]
async fn the_timeline_tells_what_happened_without_gaps_and_without_names() {
    let books = Books::open().await;
    let identity = books.confirmed().await;
    books.orders.cancel(&identity, "changed_mind", Some(&refunded(&identity)), CANCELLED).await.unwrap();

    let timeline = books.orders.timeline(&identity.order_id).await.unwrap();

    let total = json!({ "amount": 3750, "currency": "EUR" });
    let payment_id = PaymentId::of(&identity.order_id);
    let told: Vec<_> =
        timeline.iter().map(|entry| (entry.sequence, entry.status, entry.event.as_str(), &entry.detail)).collect();
    assert_eq!(
        told,
        [
            (1, OrderStatus::Pending, "order.placed", &json!({ "total": total, "lines": 2 })),
            (
                2,
                OrderStatus::Confirmed,
                "order.confirmed",
                &json!({
                    "payment_id": payment_id,
                    "payment_intent": format!("pi_{}", identity.order_id),
                    "captured": total,
                })
            ),
            (
                3,
                OrderStatus::Cancelled,
                "order.cancelled",
                &json!({
                    "reason": "changed_mind",
                    "refund": {
                        "refund_id": RefundId::of_undo(&identity.order_id),
                        "payment_id": payment_id,
                        "amount": total,
                    },
                })
            ),
        ]
    );
    assert!(timeline.is_sorted_by_key(|entry| entry.at));
    assert_eq!(timeline[2].at, books.view(&identity).await.updated_at);
    assert!(!format!("{timeline:?}").contains(EMAIL));
}

#[tokio::test]
async fn every_change_is_one_statement() {
    let books = Books::open().await;
    let identity = identity();

    let before = books.data_api.stats();
    books.orders.place(&identity, &order()).await.unwrap();
    assert_eq!(books.statements() - before.statements, 1);
    books.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap();
    assert_eq!(books.statements() - before.statements, 2);
    books.orders.cancel(&identity, "changed_mind", Some(&refunded(&identity)), CANCELLED).await.unwrap();
    assert_eq!(books.statements() - before.statements, 3);

    let after = books.data_api.stats();
    assert_eq!(after.execute_calls - before.execute_calls, 3);
    assert_eq!(after.begin_calls, before.begin_calls);
}
