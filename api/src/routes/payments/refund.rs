//! Giving back a part of a payment, or all of it.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kassa_domain::{Fingerprint, Money, PaymentId, RefundId};
use kassa_store::Orders;
use kassa_store::orders::{OrderView, PaymentView};
use kassa_workflows::contracts::refunds::ClaimRefund;
use kassa_workflows::refund::{Refund, RefundInput, RefundOutcome, workflow_id};
use kassa_workflows::search_attributes::CUSTOMER_ID;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::payment_not_found;
use crate::auth::Admin;
use crate::extract::{Json, PathParameter, RequiredIdempotencyKey};
use crate::problem::{Problem, ProblemCode};
use crate::routes::checkout::IDEMPOTENT_REPLAYED;
use crate::routes::orders::RefundStatusBody;
use crate::wire::{Choice, MoneyBody, Object, PositiveMoneyInput};
use crate::workflows::{Start, WorkflowError, Workflows};

/// How long a client waits before it asks again for a refund that is not decided yet, in seconds.
const ASK_AGAIN: u16 = 2;

/// What is given back, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": 500, "currency": "EUR"}, "reason": "goodwill"}))]
pub(crate) struct CreateRefund {
    /// How much; all that is left if it is left out.
    #[schema(value_type = Option<PositiveMoneyInput>)]
    amount: Option<Object<PositiveMoneyInput>>,
    /// Why.
    #[schema(value_type = RefundReason)]
    reason: Choice<RefundReason>,
}

/// Why money is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundReason {
    /// The customer wants it.
    RequestedByCustomer,
    /// The goods came back.
    Returned,
    /// The goods did not arrive.
    NotDelivered,
    /// The goods arrived broken.
    Damaged,
    /// It was paid twice.
    Duplicate,
    /// Somebody else paid with the customer's card.
    Fraudulent,
    /// To make up for something.
    Goodwill,
}

impl RefundReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::RequestedByCustomer => "requested_by_customer",
            Self::Returned => "returned",
            Self::NotDelivered => "not_delivered",
            Self::Damaged => "damaged",
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::Goodwill => "goodwill",
        }
    }
}

/// A refund that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestedRefund, example = json!({
    "id": "ref_1f0c", "payment_id": "pay_1f0c", "order_id": "ord_1f0c", "status": "SUCCEEDED",
    "amount": {"amount": 500, "currency": "EUR"}
}))]
pub(crate) struct RequestedRefundBody {
    /// Its identifier.
    id: String,
    /// The payment that it gives back.
    payment_id: String,
    /// The order that it is about.
    order_id: String,
    /// SUCCEEDED, or PENDING while that is not known.
    status: RefundStatusBody,
    /// How much, once that is claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    amount: Option<MoneyBody>,
}

/// Gives money back.
///
/// A part of the payment, or all that is left of it; never more in sum than was captured, whoever else asks at the same
/// time. Sent again with the same `Idempotency-Key`, it gives back nothing more and is answered the same, with the header
/// `Idempotent-Replayed: true`.
#[utoipa::path(
    post, path = "/api/payments/{id}/refund", tag = "payments", security(("access_token" = ["admin"])),
    params(
        ("id" = String, Path, description = "The payment.", pattern = "^pay_[a-z0-9_-]{1,64}$", example = "pay_1f0c"),
        (
            "Idempotency-Key" = String, Header, min_length = 8, max_length = 255,
            example = "5f3c1f5e-8a0b-4c53-9a62-0d3c2f1b7a11",
            description = "The client's name for this refund; a random UUID is a good one.",
        ),
    ),
    request_body = CreateRefund,
    responses(
        (
            status = CREATED, description = "The money is on its way to the customer.", body = RequestedRefundBody,
            headers(
                ("Location" = String, description = "Where the payment can be read."),
                ("Idempotent-Replayed" = bool, description = "`true` if an earlier request gave it back."),
            ),
        ),
        (
            status = ACCEPTED, description = "Not through yet; the payment tells how it ends.",
            body = RequestedRefundBody,
            headers(
                ("Location" = String, description = "Where the payment can be read."),
                ("Retry-After" = u16, description = "Seconds to wait before asking again."),
            ),
        ),
    ),
)]
pub(crate) async fn create_refund(
    _: Admin,
    State(orders): State<Orders>,
    State(workflows): State<Workflows>,
    PathParameter(id): PathParameter<PaymentId>,
    RequiredIdempotencyKey(key): RequiredIdempotencyKey,
    Json(request): Json<CreateRefund>,
) -> Result<Response, Problem> {
    let order = orders.of_payment(&id).await?.ok_or_else(|| payment_not_found(&id))?;
    let payment = order.payment.as_ref().ok_or_else(|| payment_not_found(&id))?;
    let amount = request.amount.map(|Object(amount)| Money::from(amount));
    check_currency(payment, amount)?;

    let refund_id = RefundId::derive(&id, &key);
    let reason = request.reason.0.as_str();
    let fingerprint = Fingerprint::of(&serde_json::json!([id, amount, reason]).to_string());
    let request_id = Uuid::new_v4().to_string();
    let input = RefundInput {
        request: ClaimRefund {
            refund_id: refund_id.clone(),
            payment_id: id.clone(),
            amount,
            reason: reason.to_owned(),
            fingerprint: fingerprint.clone(),
            request_id: request_id.clone(),
        },
        policy: workflows.config().policy.clone(),
    };
    let start = start(&refund_id, &order, amount);
    let body = |status, amount: Option<Money>| RequestedRefundBody {
        id: refund_id.to_string(),
        payment_id: id.to_string(),
        order_id: order.order_id.to_string(),
        status,
        amount: amount.map(MoneyBody::from),
    };
    match workflows.ask(Refund::run, input, Refund::answer, (), start).await {
        Ok(answer) if answer.fingerprint != fingerprint => Err(Problem::new(
            ProblemCode::IdempotencyKeyReused,
            "This key was used for a refund with another body; send a new key for another refund.",
        )),
        Ok(answer) => {
            let mut response = match answer.outcome {
                RefundOutcome::Succeeded { amount } => {
                    let body = JsonBody(body(RefundStatusBody::Succeeded, Some(amount)));
                    (StatusCode::CREATED, location(&id), body).into_response()
                }
                RefundOutcome::Pending { amount } => accepted(&id, body(RefundStatusBody::Pending, Some(amount))),
                RefundOutcome::Failed { code, .. } => failed(&code).order(&order.order_id).into_response(),
                RefundOutcome::ExceedsCaptured { left } => exceeds(left).order(&order.order_id).into_response(),
                RefundOutcome::UnknownPayment => payment_not_found(&id).into_response(),
            };
            if answer.request_id != request_id {
                response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            }
            Ok(response)
        }
        Err(WorkflowError::Undecided) => Ok(accepted(&id, body(RefundStatusBody::Pending, None))),
        Err(error) => Err(Problem::from(error).order(&order.order_id)),
    }
}

/// A payment has one currency for ever, so another one is a mistake in the request.
fn check_currency(payment: &PaymentView, amount: Option<Money>) -> Result<(), Problem> {
    let currency = payment.captured.currency;
    match amount {
        Some(amount) if amount.currency != currency => {
            let (wanted, code) = (amount.currency.code(), currency.code());
            let detail = format!("{wanted} is not allowed: the payment was made in {code}");
            Err(Problem::field("amount.currency", detail))
        }
        _ => Ok(()),
    }
}

fn start(refund_id: &RefundId, order: &OrderView, amount: Option<Money>) -> Start {
    let what = amount.map_or_else(|| "all that is left".to_owned(), |amount| amount.to_string());
    Start {
        workflow_id: workflow_id(refund_id),
        update_id: "answer".to_owned(),
        summary: format!("Refund of {what} for {}", order.order_id),
        details: None,
        search_attributes: vec![CUSTOMER_ID.value_set(order.caller.as_str().to_owned())],
    }
}

fn accepted(id: &PaymentId, body: RequestedRefundBody) -> Response {
    let mut headers = location(id);
    headers.insert(RETRY_AFTER, HeaderValue::from(ASK_AGAIN));
    (StatusCode::ACCEPTED, headers, JsonBody(body)).into_response()
}

fn location(id: &PaymentId) -> HeaderMap {
    let path = HeaderValue::try_from(format!("/api/payments/{id}")).expect("ids are ASCII");
    HeaderMap::from_iter([(LOCATION, path)])
}

fn exceeds(left: Money) -> Problem {
    Problem::new(
        ProblemCode::RefundExceedsCaptured,
        format!("Nothing was given back: {left} are left of the payment, the rest is given back or about to be."),
    )
    .left(left)
}

fn failed(code: &str) -> Problem {
    Problem::new(
        ProblemCode::RefundFailed,
        format!(
            "The payment provider did not make the refund ({code}); nothing was given back. A new key tries again."
        ),
    )
}
