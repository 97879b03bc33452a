//! The events that told of an order.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::OrderId;
use kassa_store::event_log::LoggedEvent;
use kassa_store::{EventLog, Orders};
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;
use crate::auth::Admin;
use crate::extract::PathParameter;
use crate::orders::order_not_found;
use crate::problem::Problem;

/// The events of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderEvents)]
pub(crate) struct OrderEventsBody {
    /// The order.
    order_id: String,
    /// Its events, oldest first.
    events: Vec<EventBody>,
}

/// An event that was published, or is about to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderEvent, example = json!({
    "sequence": 1, "id": "evt_1f0c-1", "type": "order.confirmed", "at": "2026-11-21T08:15:00Z", "published": true
}))]
pub(crate) struct EventBody {
    /// Counts the events of the order from 1, without gaps.
    sequence: u32,
    /// Its identifier: consumers drop what they have seen under it.
    id: String,
    /// What happened.
    #[serde(rename = "type")]
    kind: String,
    /// When it was first about to be published (RFC 3339).
    #[schema(format = "date-time")]
    at: String,
    /// Whether EventBridge has taken it; if not, it is about to be published.
    published: bool,
}

/// Reads the events that told other systems of an order.
#[utoipa::path(
    get, path = "/api/orders/{id}/events", tag = "orders", security(("access_token" = ["admin"])),
    params((
        "id" = String, Path, description = "The order.", pattern = "^ord_[a-z0-9_-]{1,64}$", example = "ord_1f0c"
    )),
    responses((status = OK, description = "Its events, oldest first.", body = OrderEventsBody)),
)]
pub(crate) async fn get_order_events(
    _: Admin,
    State(orders): State<Orders>,
    State(log): State<EventLog>,
    PathParameter(id): PathParameter<OrderId>,
) -> Result<JsonBody<OrderEventsBody>, Problem> {
    if orders.caller(&id).await?.is_none() {
        return Err(order_not_found(&id));
    }
    let events = log.of_order(&id).await?.into_iter().map(EventBody::from).collect();
    Ok(JsonBody(OrderEventsBody { order_id: id.into(), events }))
}

impl From<LoggedEvent> for EventBody {
    fn from(event: LoggedEvent) -> Self {
        let LoggedEvent { sequence, event_id, kind, at, published, .. } = event;
        Self { sequence, id: event_id.into(), kind, at: rfc3339(at), published }
    }
}
