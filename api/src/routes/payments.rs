//! What was paid for orders, and giving it back.

pub(crate) mod refund;
pub(crate) mod valve;

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::PaymentId;
use kassa_store::Orders;
use kassa_store::orders::OrderView;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::PathParameter;
use crate::orders::{OrderAccess, OrderCredentials};
use crate::problem::{Problem, ProblemCode};
use crate::routes::orders::{PaymentBody, RefundBody, rfc3339};

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("get_payment", &[ProblemCode::PaymentNotFound, ProblemCode::TemporarilyUnavailable]),
    ("list_payments", &[ProblemCode::OrderNotFound, ProblemCode::TemporarilyUnavailable]),
    ("get_payment_valve", &[ProblemCode::TemporarilyUnavailable]),
    ("put_payment_valve", &[ProblemCode::TemporarilyUnavailable]),
    (
        "create_refund",
        &[
            ProblemCode::PaymentNotFound,
            ProblemCode::RefundExceedsCaptured,
            ProblemCode::RefundFailed,
            ProblemCode::IdempotencyKeyReused,
            ProblemCode::TemporarilyUnavailable,
        ],
    ),
];

/// A payment with everything that was given back of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentWithRefunds, example = json!({
    "id": "pay_1f0c", "order_id": "ord_1f0c", "status": "PARTIALLY_REFUNDED",
    "captured": {"amount": 2500, "currency": "EUR"}, "refunded": {"amount": 500, "currency": "EUR"},
    "refund_pending": {"amount": 0, "currency": "EUR"}, "created_at": "2026-01-01T12:00:00Z",
    "refunds": [{
        "id": "ref_1f0c", "status": "SUCCEEDED", "amount": {"amount": 500, "currency": "EUR"},
        "reason": "goodwill", "created_at": "2026-01-02T12:00:00Z"
    }]
}))]
pub(crate) struct PaymentWithRefundsBody {
    #[serde(flatten)]
    payment: PaymentBody,
    /// The order that it is for.
    order_id: String,
    /// What was given back, oldest first.
    refunds: Vec<RefundBody>,
    /// When it was recorded (RFC 3339).
    #[schema(format = "date-time")]
    created_at: String,
}

/// The payments of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payments)]
pub(crate) struct PaymentsBody {
    /// The payments; an order has one, once it is paid.
    items: Vec<PaymentWithRefundsBody>,
}

/// Reads a payment.
#[utoipa::path(
    get, path = "/api/payments/{id}", tag = "payments", security((), ("access_token" = [])),
    params(
        ("id" = String, Path, description = "The payment.", pattern = "^pay_[a-z0-9_-]{1,64}$", example = "pay_1f0c"),
        OrderCredentials,
    ),
    responses((status = OK, description = "The payment.", body = PaymentWithRefundsBody)),
)]
pub(crate) async fn get_payment(
    State(orders): State<Orders>,
    PathParameter(id): PathParameter<PaymentId>,
    credentials: OrderCredentials,
) -> Result<JsonBody<PaymentWithRefundsBody>, Problem> {
    let order = orders.of_payment(&id).await?;
    let order = order.filter(|order| credentials.admit(&order.order_id, &order.caller));
    order.and_then(with_refunds).map(JsonBody).ok_or_else(|| payment_not_found(&id))
}

/// Lists the payments of an order.
#[utoipa::path(
    get, path = "/api/orders/{id}/payments", tag = "payments", security((), ("access_token" = [])),
    params(OrderAccess),
    responses((status = OK, description = "Its payments.", body = PaymentsBody)),
)]
pub(crate) async fn list_payments(
    State(orders): State<Orders>,
    access: OrderAccess,
) -> Result<JsonBody<PaymentsBody>, Problem> {
    let order = access.order(&orders).await?;
    Ok(JsonBody(PaymentsBody { items: with_refunds(order).into_iter().collect() }))
}

fn with_refunds(order: OrderView) -> Option<PaymentWithRefundsBody> {
    let payment = order.payment?;
    Some(PaymentWithRefundsBody {
        order_id: order.order_id.into(),
        refunds: order.refunds.into_iter().map(RefundBody::from).collect(),
        created_at: rfc3339(payment.created_at),
        payment: payment.into(),
    })
}

/// The payment does not exist, or not for whoever asks: the answer is the same.
fn payment_not_found(id: &PaymentId) -> Problem {
    Problem::new(ProblemCode::PaymentNotFound, format!("There is no payment {id} that you may see."))
}
