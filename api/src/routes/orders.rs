//! Reading orders and what happened to them, listing them, and sending them on their way.

pub(crate) mod another_card;
pub(crate) mod diagnosis;
pub(crate) mod events;
pub(crate) mod list;
pub(crate) mod status;
pub(crate) mod timeline;

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::PricedLine;
use kassa_store::Orders;
use kassa_store::orders::{OrderView, PaymentStatus, PaymentView, RefundStatus, RefundView, ShipmentView};
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
    ("list_orders", &[ProblemCode::Forbidden, ProblemCode::TemporarilyUnavailable]),
    ("get_order_diagnosis", &[ProblemCode::OrderNotFound, ProblemCode::TemporarilyUnavailable]),
    ("get_order_events", &[ProblemCode::OrderNotFound, ProblemCode::TemporarilyUnavailable]),
    (
        "pay_order",
        &[
            ProblemCode::OrderNotFound,
            ProblemCode::NotAwaitingCard,
            ProblemCode::PaymentDeclined,
            ProblemCode::IdempotencyKeyReused,
            ProblemCode::OrderCancelled,
            ProblemCode::CheckoutFailed,
            ProblemCode::TemporarilyUnavailable,
        ],
    ),
    (
        "put_order_status",
        &[ProblemCode::OrderNotFound, ProblemCode::IllegalTransition, ProblemCode::TemporarilyUnavailable],
    ),
];

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order, example = json!({
    "id": "ord_1f0c", "customer_id": "usr_1f0c", "status": "CONFIRMED",
    "items": [{
        "product_id": "prod_tea", "name": "Green tea, 100 g", "quantity": 2,
        "unit_price": {"amount": 1250, "currency": "EUR"}, "total": {"amount": 2500, "currency": "EUR"}
    }],
    "total": {"amount": 2500, "currency": "EUR"},
    "payment": {
        "id": "pay_1f0c", "status": "CAPTURED", "captured": {"amount": 2500, "currency": "EUR"},
        "refunded": {"amount": 0, "currency": "EUR"}
    },
    "refunds": [], "created_at": "2026-11-21T08:15:00Z", "updated_at": "2026-11-21T08:15:01Z"
}))]
pub(crate) struct OrderBody {
    /// Its identifier.
    id: String,
    /// Whose it is: an account, or a guest by a hash of the address.
    customer_id: String,
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
    /// How it is on its way, once it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    shipment: Option<ShipmentBody>,
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

/// An order on its way, or at its customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shipment)]
pub(crate) struct ShipmentBody {
    /// Who carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    carrier: Option<String>,
    /// Under which number the carrier knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    tracking_number: Option<String>,
    /// When it was sent (RFC 3339).
    #[schema(format = "date-time")]
    shipped_at: String,
    /// When it arrived (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    delivered_at: Option<String>,
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
    /// What refunds that are not through yet are about to give back.
    refund_pending: MoneyBody,
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

/// Where a refund is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = RefundStatus)]
pub(crate) enum RefundStatusBody {
    /// On its way.
    Pending,
    /// The money went back.
    Succeeded,
    /// The payment provider did not make it.
    Failed,
    /// The shop gave it up.
    WrittenOff,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub(crate) struct RefundBody {
    /// Its identifier.
    id: String,
    /// Where it is.
    status: RefundStatusBody,
    /// How much.
    amount: MoneyBody,
    /// Why, as a stable code.
    reason: String,
    /// When (RFC 3339).
    #[schema(format = "date-time")]
    created_at: String,
}

/// Reads an order.
#[utoipa::path(
    get, path = "/api/orders/{id}", tag = "orders",
    params(OrderAccess), security((), ("access_token" = [])),
    responses((status = OK, description = "The order.", body = OrderBody)),
)]
pub(crate) async fn get_order(
    State(orders): State<Orders>,
    access: OrderAccess,
) -> Result<JsonBody<OrderBody>, Problem> {
    Ok(JsonBody(access.order(&orders).await?.into()))
}

pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).expect("the years of orders have four digits")
}

impl From<OrderView> for OrderBody {
    fn from(order: OrderView) -> Self {
        Self {
            id: order.order_id.into(),
            customer_id: order.caller.as_str().to_owned(),
            status: order.status.into(),
            items: order.order.lines.into_iter().map(ItemBody::from).collect(),
            total: order.order.total.into(),
            failure_reason: order.failure_reason,
            payment: order.payment.map(PaymentBody::from),
            refunds: order.refunds.into_iter().map(RefundBody::from).collect(),
            shipment: order.shipment.map(ShipmentBody::from),
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

impl From<ShipmentView> for ShipmentBody {
    fn from(shipment: ShipmentView) -> Self {
        Self {
            carrier: shipment.carrier.map(String::from),
            tracking_number: shipment.tracking_number.map(String::from),
            shipped_at: rfc3339(shipment.shipped_at),
            delivered_at: shipment.delivered_at.map(rfc3339),
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
            refund_pending: payment.refund_pending.into(),
        }
    }
}

impl From<RefundStatus> for RefundStatusBody {
    fn from(status: RefundStatus) -> Self {
        match status {
            RefundStatus::Pending => Self::Pending,
            RefundStatus::Succeeded => Self::Succeeded,
            RefundStatus::Failed => Self::Failed,
            RefundStatus::WrittenOff => Self::WrittenOff,
        }
    }
}

impl From<RefundView> for RefundBody {
    fn from(refund: RefundView) -> Self {
        Self {
            id: refund.refund_id.into(),
            status: refund.status.into(),
            amount: refund.amount.into(),
            reason: refund.reason,
            created_at: rfc3339(refund.created_at),
        }
    }
}
