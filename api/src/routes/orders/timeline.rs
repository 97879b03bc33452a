//! What happened to an order.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::Money;
use kassa_store::Orders;
use kassa_store::orders::HistoryEntry;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::rfc3339;
use crate::orders::OrderAccess;
use crate::problem::Problem;
use crate::wire::{MoneyBody, OrderStatusBody};

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
    "sequence": 2, "status": "CONFIRMED", "event": "order.confirmed",
    "detail": {"payment_id": "pay_1f0c", "captured": {"amount": 2500, "currency": "EUR"}},
    "at": "2026-01-01T12:00:00Z"
}))]
pub(crate) struct EntryBody {
    /// Counts the entries of the order from 1, without gaps.
    sequence: u32,
    /// Where the order went.
    status: OrderStatusBody,
    /// What happened:
    ///
    /// | event | what happened | detail |
    /// |---|---|---|
    /// | `order.placed` | written with its prices | `total`, `lines` |
    /// | `order.awaiting_payment` | the customer is asked to pay | `expires_at` |
    /// | `order.payment_failed` | a card was declined, and another one may be used | `code`, `expires_at` |
    /// | `order.confirmed` | paid | `payment_id`, `captured` |
    /// | `order.cancelled` | ended without a sale, or taken back | `reason`, `refund` |
    /// | `order.shipped` | on its way | `carrier`, `tracking_number` |
    /// | `order.delivered` | with the customer | |
    /// | `order.refund_requested` | money is about to go back | `refund_id`, `amount`, `reason` |
    /// | `order.refunded` | money went back | `refund_id`, `amount` |
    /// | `order.refund_failed` | the money could not go back | `refund_id`, `amount` |
    event: String,
    /// More about it.
    detail: DetailBody,
    /// When (RFC 3339).
    #[schema(format = "date-time")]
    at: String,
}

/// What there is to say about an entry; which members there are depends on what happened.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = TimelineDetail)]
pub(crate) struct DetailBody {
    /// What the order costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    total: Option<MoneyBody>,
    /// How many different products were bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    lines: Option<u32>,
    /// The payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    payment_id: Option<String>,
    /// What was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    captured: Option<MoneyBody>,
    /// Why, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    reason: Option<String>,
    /// Why the card was declined, in Stripe's terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    code: Option<String>,
    /// Until when the customer could pay (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    expires_at: Option<String>,
    /// The refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    refund_id: Option<String>,
    /// How much the refund gives back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    amount: Option<MoneyBody>,
    /// The refund that ended the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    refund: Option<TimelineRefundBody>,
    /// Who carries the parcel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    carrier: Option<String>,
    /// Under which number the carrier knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    tracking_number: Option<String>,
}

/// A refund that ended an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineRefund)]
pub(crate) struct TimelineRefundBody {
    /// Its identifier.
    refund_id: String,
    /// The payment that it gives back.
    payment_id: String,
    /// How much of it.
    amount: MoneyBody,
}

/// A detail as the history keeps it. What is not named here is of no interest to customers.
#[derive(Debug, Deserialize)]
struct Detail {
    total: Option<Money>,
    lines: Option<u32>,
    payment_id: Option<String>,
    captured: Option<Money>,
    reason: Option<String>,
    code: Option<String>,
    expires_at: Option<i64>,
    refund_id: Option<String>,
    amount: Option<Money>,
    refund: Option<GivenBack>,
    carrier: Option<String>,
    tracking_number: Option<String>,
}

#[derive(Debug, Deserialize)]
struct GivenBack {
    refund_id: String,
    payment_id: String,
    amount: Money,
}

/// Reads what happened to an order.
#[utoipa::path(
    get, path = "/api/orders/{id}/timeline", tag = "orders",
    params(OrderAccess), security((), ("access_token" = [])),
    responses((status = OK, description = "What happened, oldest first.", body = TimelineBody)),
)]
pub(crate) async fn get_timeline(
    State(orders): State<Orders>,
    access: OrderAccess,
) -> Result<JsonBody<TimelineBody>, Problem> {
    access.check(&orders).await?;
    let entries = orders.timeline(&access.id).await?.into_iter().map(EntryBody::try_from).collect::<Result<_, _>>();
    let entries = entries.map_err(|error| Problem::internal(&error))?;
    Ok(JsonBody(TimelineBody { order_id: access.id.into(), entries }))
}

impl TryFrom<HistoryEntry> for EntryBody {
    type Error = serde_json::Error;

    fn try_from(entry: HistoryEntry) -> Result<Self, Self::Error> {
        Ok(Self {
            sequence: entry.sequence,
            status: entry.status.into(),
            event: entry.event,
            detail: serde_json::from_value::<Detail>(entry.detail)?.into(),
            at: rfc3339(entry.at),
        })
    }
}

impl From<Detail> for DetailBody {
    fn from(detail: Detail) -> Self {
        Self {
            total: detail.total.map(MoneyBody::from),
            lines: detail.lines,
            payment_id: detail.payment_id,
            captured: detail.captured.map(MoneyBody::from),
            reason: detail.reason,
            code: detail.code,
            expires_at: detail.expires_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()).map(rfc3339),
            refund_id: detail.refund_id,
            amount: detail.amount.map(MoneyBody::from),
            refund: detail.refund.map(|refund| TimelineRefundBody {
                refund_id: refund.refund_id,
                payment_id: refund.payment_id,
                amount: refund.amount.into(),
            }),
            carrier: detail.carrier,
            tracking_number: detail.tracking_number,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_show_what_customers_may_know() {
        let stored = json!({
            "payment_id": "pay_1", "payment_intent": "pi_1", "captured": {"amount": 1, "currency": "EUR"}, "refund": null,
        });
        let detail: Detail = serde_json::from_value(stored).expect("a detail");
        let shown = serde_json::to_value(DetailBody::from(detail)).expect("serializes");
        assert_eq!(shown, json!({"payment_id": "pay_1", "captured": {"amount": 1, "currency": "EUR"}}));
    }
}
