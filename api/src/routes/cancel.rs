//! Cancelling an order.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use kassa_domain::OrderStatus;
use kassa_store::Orders;
use kassa_store::orders::OrderView;
use kassa_workflows::cancellation::{Cancellation, CancellationInput, CancellationOutcome, CancelledBy, workflow_id};
use kassa_workflows::search_attributes::CUSTOMER_ID;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::Json;
use crate::orders::OrderAccess;
use crate::problem::{Problem, ProblemCode};
use crate::routes::orders::OrderBody;
use crate::wire::Choice;
use crate::workflows::{Start, WorkflowError, Workflows};

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[(
    "cancel_order",
    &[ProblemCode::OrderNotFound, ProblemCode::NotCancellable, ProblemCode::TemporarilyUnavailable],
)];

/// How long a client waits before it asks again for an order that is not decided yet, in seconds.
const ASK_AGAIN: &str = "2";

/// Why an order is not wanted any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "changed_mind"}))]
pub(crate) struct CancelOrder {
    /// What made them want it.
    #[schema(value_type = Option<CancelReason>)]
    reason: Option<Choice<CancelReason>>,
}

/// What made somebody cancel an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CancelReason {
    /// It is not wanted any more.
    ChangedMind,
    /// It was never wanted.
    OrderedByMistake,
    /// It would come too late.
    TooSlow,
    /// It costs less elsewhere.
    FoundCheaper,
    /// The shop cannot send it.
    NotDeliverable,
    /// The shop does not trust it.
    Fraudulent,
    /// Something else.
    Other,
}

impl CancelReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ChangedMind => "changed_mind",
            Self::OrderedByMistake => "ordered_by_mistake",
            Self::TooSlow => "too_slow",
            Self::FoundCheaper => "found_cheaper",
            Self::NotDeliverable => "not_deliverable",
            Self::Fraudulent => "fraudulent",
            Self::Other => "other",
        }
    }
}

/// Cancels an order.
///
/// As long as it is not shipped. A checkout that still runs is stopped and taken back; a paid order is cancelled, and
/// everything that was not given back before is refunded, while its stock returns. An order that is cancelled already
/// stays as it is.
#[utoipa::path(
    post, path = "/api/orders/{id}/cancel", tag = "orders",
    params(OrderAccess), security((), ("access_token" = [])),
    request_body = CancelOrder,
    responses(
        (status = OK, description = "The order, which is cancelled. Its refund may still be pending.", body = OrderBody),
        (
            status = ACCEPTED, description = "Not decided yet; send the same request again to learn how it ended.",
            body = OrderBody,
            headers(("Retry-After" = u16, description = "Seconds to wait before asking again.")),
        ),
    ),
)]
pub(crate) async fn cancel_order(
    State(orders): State<Orders>,
    State(workflows): State<Workflows>,
    access: OrderAccess,
    Json(request): Json<CancelOrder>,
) -> Result<Response, Problem> {
    let order = access.order(&orders).await?;
    match order.status {
        OrderStatus::Cancelled => return Ok(cancelled(order)),
        status @ (OrderStatus::Shipped | OrderStatus::Delivered) => return Err(too_late(&order, status)),
        OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed | OrderStatus::Confirmed => {}
    }
    let by = if access.is_of_the_shop(&order) { CancelledBy::Shop } else { CancelledBy::Customer };
    let input = CancellationInput {
        order_id: access.id.clone(),
        by,
        motive: request.reason.map(|Choice(reason)| reason.as_str().to_owned()),
        policy: workflows.config().policy.clone(),
    };
    let outcome = workflows.ask(Cancellation::run, input, Cancellation::answer, (), start(&order)).await;
    // How far its refund is by now, the order itself knows best.
    let order = access.order(&orders).await?;
    match outcome {
        Ok(CancellationOutcome::Cancelled { .. } | CancellationOutcome::NotSold { .. })
            if order.status == OrderStatus::Cancelled =>
        {
            Ok(cancelled(order))
        }
        Ok(CancellationOutcome::TooLate { status }) => Err(too_late(&order, status)),
        // Given up by an operator, or revived by a payment that came late: an order is cancelled once.
        Ok(_) => Err(Problem::new(
            ProblemCode::NotCancellable,
            "The shop could not cancel the order; ask the shop what became of it.",
        )
        .order(&order.order_id)),
        Err(WorkflowError::Undecided) => {
            let body = JsonBody(OrderBody::from(order));
            Ok((StatusCode::ACCEPTED, [(RETRY_AFTER, ASK_AGAIN)], body).into_response())
        }
        Err(error) => Err(Problem::from(error).order(&order.order_id)),
    }
}

fn start(order: &OrderView) -> Start {
    Start {
        workflow_id: workflow_id(&order.order_id),
        update_id: "answer".to_owned(),
        summary: format!("Cancellation of an order of {}", order.order.total),
        details: None,
        search_attributes: vec![CUSTOMER_ID.value_set(order.caller.as_str().to_owned())],
    }
}

fn cancelled(order: OrderView) -> Response {
    JsonBody(OrderBody::from(order)).into_response()
}

fn too_late(order: &OrderView, status: OrderStatus) -> Problem {
    Problem::new(
        ProblemCode::NotCancellable,
        format!("The order is {status} already; what can still be done is to return the goods."),
    )
    .order(&order.order_id)
}
