//! Sending an order on its way.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::{Fulfilment, Label, OrderId, OrderStatus, Parcel};
use kassa_store::Orders;
use kassa_store::orders::OrderView;
use kassa_workflows::fulfilment::{self, ANSWER_UPDATE_ID, FulfilOrder, FulfilOrderInput, FulfilmentAnswer};
use kassa_workflows::search_attributes::CUSTOMER_ID;
use serde::Deserialize;
use utoipa::ToSchema;

use super::OrderBody;
use crate::auth::Admin;
use crate::extract::{Json, PathParameter};
use crate::orders::order_not_found;
use crate::problem::{Problem, ProblemCode};
use crate::wire::{Choice, OrderStatusBody};
use crate::workflows::{Start, Workflows};

/// Where an order goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "SHIPPED", "carrier": "DHL", "tracking_number": "00340434161094000000"}))]
pub(crate) struct PutStatus {
    /// SHIPPED once the parcel is with the carrier, DELIVERED once it is with the customer.
    #[schema(value_type = NextStatus)]
    status: Choice<NextStatus>,
    /// Who carries the parcel; only with SHIPPED.
    #[serde(default, deserialize_with = "label")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    carrier: Option<Label>,
    /// Under which number the carrier knows it; only with SHIPPED.
    #[serde(default, deserialize_with = "label")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    tracking_number: Option<Label>,
}

/// Where an order may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = NextOrderStatus)]
pub(crate) enum NextStatus {
    /// On its way to the customer.
    Shipped,
    /// With the customer.
    Delivered,
}

fn label<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Label>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| Label::try_from(text).map_err(serde::de::Error::custom)).transpose()
}

impl PutStatus {
    fn step(self) -> Result<Fulfilment, Problem> {
        let Self { status: Choice(status), carrier, tracking_number } = self;
        match status {
            NextStatus::Shipped => Ok(Fulfilment::Ship { parcel: Parcel { carrier, tracking_number } }),
            NextStatus::Delivered if carrier.is_some() => Err(Problem::field("carrier", ONLY_SHIPPED)),
            NextStatus::Delivered if tracking_number.is_some() => Err(Problem::field("tracking_number", ONLY_SHIPPED)),
            NextStatus::Delivered => Ok(Fulfilment::Deliver),
        }
    }
}

const ONLY_SHIPPED: &str = "only an order that becomes SHIPPED has it: leave it out";

/// Ships an order, or marks it as delivered.
///
/// Only along the way from CONFIRMED to SHIPPED to DELIVERED. The customer is told by mail that the order is on its way.
/// Sent again, the request changes nothing and is answered the same.
#[utoipa::path(
    put, path = "/api/orders/{id}/status", tag = "orders", security(("access_token" = ["admin"])),
    params((
        "id" = String, Path, description = "The order.", pattern = "^ord_[a-z0-9_-]{1,64}$", example = "ord_1f0c"
    )),
    request_body = PutStatus,
    responses((status = OK, description = "The order as it is now.", body = OrderBody)),
)]
pub(crate) async fn put_order_status(
    _: Admin,
    State(orders): State<Orders>,
    State(workflows): State<Workflows>,
    PathParameter(id): PathParameter<OrderId>,
    Json(request): Json<PutStatus>,
) -> Result<JsonBody<OrderBody>, Problem> {
    let step = request.step()?;
    let find = async || orders.find(&id).await?.ok_or_else(|| order_not_found(&id));
    let mut order = find().await?;
    if order.status.can_become(step.status()) {
        let input =
            FulfilOrderInput { order_id: id.clone(), step: step.clone(), policy: workflows.config().policy.clone() };
        let start = start(&order, step.status());
        let (FulfilmentAnswer::Done | FulfilmentAnswer::Refused) =
            workflows.ask(FulfilOrder::run, input, FulfilOrder::answer, (), start).await?;
        // What became of it the row tells, whoever has changed it.
        order = find().await?;
    }
    if has_taken(&order, &step) { Ok(JsonBody(order.into())) } else { Err(refused(&order, &step)) }
}

fn start(order: &OrderView, status: OrderStatus) -> Start {
    Start {
        workflow_id: fulfilment::workflow_id(&order.order_id, status, order.version),
        update_id: ANSWER_UPDATE_ID.to_owned(),
        summary: format!("{} becomes {status}", order.order_id),
        details: None,
        search_attributes: vec![CUSTOMER_ID.value_set(order.caller.as_str().to_owned())],
    }
}

/// Whether the order has taken this very step, now or before.
fn has_taken(order: &OrderView, step: &Fulfilment) -> bool {
    let Some(shipment) = &order.shipment else { return false };
    match step {
        Fulfilment::Ship { parcel } => {
            (&shipment.carrier, &shipment.tracking_number) == (&parcel.carrier, &parcel.tracking_number)
        }
        Fulfilment::Deliver => shipment.delivered_at.is_some(),
    }
}

fn refused(order: &OrderView, step: &Fulfilment) -> Problem {
    let to = step.status();
    let what = match (order.status, &order.shipment, step) {
        (status, Some(_), Fulfilment::Ship { .. }) => {
            format!("The order is {status}: it was shipped with another carrier or tracking number.")
        }
        (status, ..) => format!("The order is {status} and does not become {to}."),
    };
    // What this address does, as far as the order may go there.
    let allowed: Vec<_> = [OrderStatus::Shipped, OrderStatus::Delivered]
        .into_iter()
        .filter(|next| order.status.can_become(*next))
        .collect();
    let next = match allowed.as_slice() {
        [] => "It cannot be shipped or delivered any more, or not yet.".to_owned(),
        allowed => {
            format!("It can become {}.", allowed.iter().map(|next| next.as_str()).collect::<Vec<_>>().join(", "))
        }
    };
    Problem::new(ProblemCode::IllegalTransition, format!("{what} {next}"))
        .order(&order.order_id)
        .allowed(allowed.into_iter().map(OrderStatusBody::from).collect())
}
