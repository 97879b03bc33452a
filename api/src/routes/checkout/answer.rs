//! What callers are told of an order that they want to buy, or to pay with another card.

use axum::Json as JsonBody;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kassa_domain::{Caller, OrderId, OrderStatus, PricingError};
use kassa_workflows::checkout::{CheckoutAnswer, CheckoutOutcome, Refusal};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{ASK_AGAIN_HELD, CheckoutBody, IDEMPOTENT_REPLAYED};
use crate::orders::order_token;
use crate::problem::{Problem, ProblemCode};
use crate::signing::Signer;
use crate::wire::{DeclineBody, ShortageBody};
use crate::workflows::WorkflowError;

/// What names the order to the client, and lets a guest back to it.
#[derive(Debug, Clone)]
pub(in crate::routes) struct Receipt {
    pub(super) order_id: OrderId,
    order_token: Option<String>,
}

impl Receipt {
    pub(in crate::routes) fn new(signer: &Signer, order_id: &OrderId, caller: &Caller) -> Self {
        Self { order_id: order_id.clone(), order_token: order_token(signer, order_id, caller) }
    }

    /// Adds both to a problem.
    pub(in crate::routes) fn on(&self, problem: Problem) -> Problem {
        problem.order(&self.order_id).order_token(self.order_token.clone())
    }
}

/// Why it cannot be sold as asked.
pub(super) fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::PriceChanged { expected, total } => Problem::new(
            ProblemCode::PriceChanged,
            format!("The order costs {total}, not {expected}; nothing was charged. Show the customer the new total."),
        )
        .totals(expected, total),
        Refusal::NothingToPay => {
            Problem::new(ProblemCode::NothingToPay, "The total is zero, so there is nothing to charge.")
        }
        Refusal::Unpriceable { error } => {
            let code = match &error {
                PricingError::UnknownProducts { .. } => ProblemCode::UnknownProducts,
                PricingError::MixedCurrencies { .. } => ProblemCode::MixedCurrencies,
                PricingError::TotalTooLarge => ProblemCode::TotalTooLarge,
                PricingError::Empty | PricingError::TooManyLines { .. } | PricingError::DuplicateLine { .. } => {
                    return Problem::field("items", error.to_string());
                }
            };
            Problem::new(code, format!("{error}."))
        }
    }
}

/// The answer, which may be that to an earlier request.
pub(super) fn answered(answer: CheckoutAnswer, request_id: &str, receipt: Receipt) -> Response {
    let CheckoutAnswer { request_id: first, outcome, .. } = answer;
    let mut response = told(outcome, receipt);
    if first != request_id {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// How the money question was decided, as the caller is told.
pub(in crate::routes) fn told(outcome: CheckoutOutcome, receipt: Receipt) -> Response {
    match outcome {
        CheckoutOutcome::Confirmed { total, payment_id } => {
            let location = location(&receipt.order_id);
            let body = CheckoutBody {
                order_id: receipt.order_id.into(),
                order_token: receipt.order_token,
                status: OrderStatus::Confirmed.into(),
                total: Some(total.into()),
                payment_id: Some(payment_id.into()),
                payment_url: None,
                client_secret: None,
                expires_at: None,
            };
            (StatusCode::CREATED, location, JsonBody(body)).into_response()
        }
        CheckoutOutcome::AwaitingPayment { total, payment_url, client_secret, expires_at } => {
            let location = location(&receipt.order_id);
            let body = CheckoutBody {
                order_id: receipt.order_id.into(),
                order_token: receipt.order_token,
                status: OrderStatus::AwaitingPayment.into(),
                total: Some(total.into()),
                payment_id: None,
                payment_url,
                client_secret,
                expires_at: rfc3339(expires_at),
            };
            (StatusCode::CREATED, location, JsonBody(body)).into_response()
        }
        CheckoutOutcome::Held => undecided(receipt, ASK_AGAIN_HELD),
        CheckoutOutcome::PaymentUnavailable => {
            let detail = "Payments were paused for too long, so nothing was charged. A new key tries again.";
            receipt.on(Problem::new(ProblemCode::CheckoutFailed, detail)).into_response()
        }
        CheckoutOutcome::AwaitingCard { decline, total, attempts_left, expires_at } => {
            let problem = Problem::new(
                ProblemCode::PaymentDeclined,
                "Nothing was charged, and everything is held: pay with another card at /api/orders/{id}/payment.",
            );
            let problem = receipt.on(problem).decline(decline.into()).total(total);
            problem.another_card(attempts_left, rfc3339(expires_at)).into_response()
        }
        CheckoutOutcome::PaymentExpired => {
            let detail = "The customer did not pay in time, so nothing was charged. Another purchase needs a new key.";
            receipt.on(Problem::new(ProblemCode::PaymentDeclined, detail)).into_response()
        }
        CheckoutOutcome::Declined { decline } => {
            let decline = DeclineBody::from(decline);
            let problem = Problem::new(
                ProblemCode::PaymentDeclined,
                "Nothing was charged. Another purchase with another card needs a new key.",
            );
            receipt.on(problem).decline(decline).into_response()
        }
        CheckoutOutcome::OutOfStock { shortages } => {
            let problem =
                Problem::new(ProblemCode::OutOfStock, "Nothing was charged; `lines` says of what there is too little.");
            receipt.on(problem).lines(shortages.into_iter().map(ShortageBody::from).collect()).into_response()
        }
        CheckoutOutcome::Refused { refusal } => receipt.on(refused(refusal)).into_response(),
        CheckoutOutcome::Cancelled { .. } => {
            let problem = Problem::new(
                ProblemCode::OrderCancelled,
                "The order was cancelled before it was confirmed. Nothing is owed: what was charged is given back.",
            );
            receipt.on(problem).into_response()
        }
        CheckoutOutcome::Failed { step } => {
            let problem = Problem::new(
                ProblemCode::CheckoutFailed,
                format!(
                    "The order could not be completed ({step}). Nothing is owed: what was charged is given back. A new key tries again."
                ),
            );
            receipt.on(problem).into_response()
        }
    }
}

pub(in crate::routes) fn undecided(receipt: Receipt, ask_again: u16) -> Response {
    let mut headers = location(&receipt.order_id);
    headers.insert(RETRY_AFTER, HeaderValue::from(ask_again));
    let body = CheckoutBody {
        order_id: receipt.order_id.into(),
        order_token: receipt.order_token,
        status: OrderStatus::Pending.into(),
        total: None,
        payment_id: None,
        payment_url: None,
        client_secret: None,
        expires_at: None,
    };
    (StatusCode::ACCEPTED, headers, JsonBody(body)).into_response()
}

/// A time in seconds since 1970.
fn rfc3339(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

fn location(order_id: &OrderId) -> HeaderMap {
    let path = HeaderValue::try_from(format!("/api/orders/{order_id}")).expect("ids are ASCII");
    HeaderMap::from_iter([(LOCATION, path)])
}

pub(in crate::routes) fn not_answered(error: WorkflowError, receipt: &Receipt) -> Problem {
    let problem = match error {
        WorkflowError::Interrupted => Problem::new(
            ProblemCode::CheckoutInterrupted,
            "The order was stopped by an operator before it was decided; ask the shop what became of it.",
        ),
        error => error.into(),
    };
    receipt.on(problem)
}
