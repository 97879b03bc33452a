//! Reading orders and what happened to them.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::PricedLine;
use kassa_store::Orders;
use kassa_store::orders::{HistoryEntry, OrderView, PaymentStatus, PaymentView, RefundView};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::orders::OrderAccess;
use crate::problem::{Problem, ProblemCode};
use crate::wire::{MoneyBody, OrderStatusBody};

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("get_order", &[ProblemCode::OrderNotFound, ProblemCode::TemporarilyUnavailable]),
    ("get_timeline", &[ProblemCode::OrderNotFound, ProblemCode::TemporarilyUnavailable]),
];

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderBody {
    /// Its identifier.
    id: String,
    /// Where it is.
    status: OrderStatusBody,
    /// What was bought, at the prices of that moment.
    items: Vec<ItemBody>,
    /// The sum of the items.
    total: MoneyBody,
    /// Why it was cancelled, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    failure_reason: Option<String>,
    /// What was captured, if something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    payment: Option<PaymentBody>,
    /// What was given back, oldest first.
    refunds: Vec<RefundBody>,
    /// When it was placed (RFC 3339).
    #[schema(format = "date-time")]
    created_at: String,
    /// When it changed last (RFC 3339).
    #[schema(format = "date-time")]
    updated_at: String,
}

/// A product that was bought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderItem)]
pub(crate) struct ItemBody {
    /// The product.
    product_id: String,
    /// Its name when the order was placed.
    name: String,
    /// How many pieces.
    quantity: u32,
    /// The price of one piece when the order was placed.
    unit_price: MoneyBody,
    /// The price of all of them.
    total: MoneyBody,
}

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentBody {
    /// Its identifier.
    id: String,
    /// Where it is.
    status: PaymentStatusBody,
    /// What was captured.
    captured: MoneyBody,
    /// What was given back of it.
    refunded: MoneyBody,
}

/// Where a payment is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentStatus)]
pub(crate) enum PaymentStatusBody {
    /// Captured; nothing given back.
    Captured,
    /// A part was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub(crate) struct RefundBody {
    /// Its identifier.
    id: String,
    /// How much.
    amount: MoneyBody,
    /// Why, as a stable code.
    reason: String,
    /// When (RFC 3339).
    #[schema(format = "date-time")]
    created_at: String,
}

/// What happened to an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(crate) struct TimelineBody {
    /// The order.
    order_id: String,
    /// What happened, oldest first.
    entries: Vec<EntryBody>,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEntry, example = json!({
    "sequence": 2, "status": "CONFIRMED", "event": "order.confirmed", "detail": {}, "at": "2026-01-01T12:00:00Z"
}))]
pub(crate) struct EntryBody {
    /// Counts the entries of the order from 1, without gaps.
    sequence: u32,
    /// Where the order went.
    status: OrderStatusBody,
    /// What happened.
    event: String,
    /// More about it.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// When (RFC 3339).
    #[schema(format = "date-time")]
    at: String,
}

/// Reads an order.
#[utoipa::path(
    get, path = "/orders/{id}", tag = "orders",
    params(OrderAccess), security((), ("access_token" = [])),
    responses((status = OK, description = "The order.", body = OrderBody)),
)]
pub(crate) async fn get_order(
    State(orders): State<Orders>,
    access: OrderAccess,
) -> Result<JsonBody<OrderBody>, Problem> {
    Ok(JsonBody(access.order(&orders).await?.into()))
}

/// Reads what happened to an order.
#[utoipa::path(
    get, path = "/orders/{id}/timeline", tag = "orders",
    params(OrderAccess), security((), ("access_token" = [])),
    responses((status = OK, description = "What happened, oldest first.", body = TimelineBody)),
)]
pub(crate) async fn get_timeline(
    State(orders): State<Orders>,
    access: OrderAccess,
) -> Result<JsonBody<TimelineBody>, Problem> {
    access.check(&orders).await?;
    let entries = orders.timeline(&access.id).await?.into_iter().map(EntryBody::from).collect();
    Ok(JsonBody(TimelineBody { order_id: access.id.into(), entries }))
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).expect("the years of orders have four digits")
}

impl From<OrderView> for OrderBody {
    fn from(order: OrderView) -> Self {
        Self {
            id: order.order_id.into(),
            status: order.status.into(),
            items: order.order.lines.into_iter().map(ItemBody::from).collect(),
            total: order.order.total.into(),
            failure_reason: order.failure_reason,
            payment: order.payment.map(PaymentBody::from),
            refunds: order.refunds.into_iter().map(RefundBody::from).collect(),
            created_at: rfc3339(order.created_at),
            updated_at: rfc3339(order.updated_at),
        }
    }
}

impl From<PricedLine> for ItemBody {
    fn from(line: PricedLine) -> Self {
        Self {
            product_id: line.product_id.into(),
            name: line.name,
            quantity: line.quantity.get(),
            unit_price: line.unit_price.into(),
            total: line.total.into(),
        }
    }
}

impl From<PaymentView> for PaymentBody {
    fn from(payment: PaymentView) -> Self {
        let status = match payment.status {
            PaymentStatus::Captured => PaymentStatusBody::Captured,
            PaymentStatus::PartiallyRefunded => PaymentStatusBody::PartiallyRefunded,
            PaymentStatus::Refunded => PaymentStatusBody::Refunded,
        };
        Self {
            id: payment.payment_id.into(),
            status,
            captured: payment.captured.into(),
            refunded: payment.refunded.into(),
        }
    }
}

impl From<RefundView> for RefundBody {
    fn from(refund: RefundView) -> Self {
        Self {
            id: refund.refund_id.into(),
            amount: refund.amount.into(),
            reason: refund.reason,
            created_at: rfc3339(refund.created_at),
        }
    }
}

impl From<HistoryEntry> for EntryBody {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            sequence: entry.sequence,
            status: entry.status.into(),
            event: entry.event,
            detail: entry.detail,
            at: rfc3339(entry.at),
        }
    }
}
