//! Paying an order with another card after one was declined.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kassa_domain::{Fingerprint, OrderStatus};
use kassa_store::orders::OrderView;
use kassa_workflows::checkout::{CardAnswer, CardRequest};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkouts::Checkouts;
use crate::extract::{Json, RequiredIdempotencyKey};
use crate::limits::Action;
use crate::orders::OrderAccess;
use crate::problem::{Problem, ProblemCode};
use crate::routes::checkout::answer::{Receipt, told, undecided};
use crate::routes::checkout::payment::payment_method;
use crate::routes::checkout::{ASK_AGAIN, CheckoutBody, IDEMPOTENT_REPLAYED};
use crate::state::AppState;
use crate::workflows::WorkflowError;

/// Another card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"payment_method": "pm_card_mastercard"}))]
pub(crate) struct PayOrder {
    /// Stripe's payment method; never a card number.
    #[serde(default, deserialize_with = "payment_method")]
    #[schema(value_type = String, required = true, pattern = "^pm_[A-Za-z0-9_]{1,64}$")]
    payment_method: Option<String>,
    /// The shop's page for a customer who comes back from an authentication; without it, the shop has Stripe's code in the
    /// browser or app do it, with `client_secret`.
    #[schema(format = "uri", max_length = 2048)]
    return_url: Option<String>,
}

/// Pays an order with another card.
///
/// A declined card does not end an order if the shop lets it wait: it is `PAYMENT_FAILED` then, with everything held until
/// `expires_at`, and this tries another card for it. It is answered as the checkout is: paid, declined again, or where the
/// customer is to be led. However many cards are tried, one is charged at most. Sent again with the same `Idempotency-Key`, it
/// tries nothing and gives the same answer, with the header `Idempotent-Replayed: true`.
#[utoipa::path(
    post, path = "/api/orders/{id}/payment", tag = "orders",
    params(
        OrderAccess,
        (
            "Idempotency-Key" = String, Header, min_length = 8, max_length = 255,
            example = "5f3c1f5e-8a0b-4c53-9a62-0d3c2f1b7a11",
            description = "The client's name for this card; a random UUID is a good one.",
        ),
    ),
    security((), ("access_token" = [])),
    request_body = PayOrder,
    responses(
        (
            status = OK, description = "Paid and confirmed; or waiting for the customer, who pays at `payment_url`, or authenticates with `client_secret`.",
            body = CheckoutBody,
            headers(
                ("Location" = String, description = "Where the order can be read."),
                ("Idempotent-Replayed" = bool, description = "`true` if an earlier request tried the card."),
            ),
        ),
        (
            status = ACCEPTED, description = "Not decided yet; send the same request again to learn how it ended.",
            body = CheckoutBody,
            headers(
                ("Location" = String, description = "Where the order can be read."),
                ("Retry-After" = u16, description = "Seconds to wait before asking again."),
            ),
        ),
    ),
)]
pub(crate) async fn pay_order(
    State(state): State<AppState>,
    access: OrderAccess,
    RequiredIdempotencyKey(key): RequiredIdempotencyKey,
    Json(request): Json<PayOrder>,
) -> Result<Response, Problem> {
    let (payment_method, return_url) = request.parts(&state)?;
    let order = access.order(&state.orders).await?;
    state.limits.by_caller(Action::Payment, order.caller.as_str()).await?;

    let fingerprint = Fingerprint::of(&json!([order.order_id, payment_method, return_url]).to_string());
    let request_id = Uuid::new_v4().to_string();
    let card =
        CardRequest { payment_method, return_url, fingerprint: fingerprint.clone(), request_id: request_id.clone() };
    let receipt = Receipt::new(&state.signer, &order.order_id, &order.caller);
    match Checkouts(&state.workflows).another_card(&order.order_id, &key, card).await {
        Ok(answer) if answer.fingerprint != fingerprint => Err(Problem::new(
            ProblemCode::IdempotencyKeyReused,
            "This key was used for another card; send a new key for this one.",
        )
        .order(&order.order_id)),
        Ok(CardAnswer { request_id: first, outcome: Some(outcome), .. }) => {
            let mut response = told(outcome, receipt);
            if response.status() == StatusCode::CREATED {
                *response.status_mut() = StatusCode::OK;
            }
            if first != request_id {
                response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            }
            Ok(response)
        }
        // What the order waits for, or how it ended, is known by now if it was not before.
        Ok(CardAnswer { outcome: None, .. }) | Err(WorkflowError::Interrupted) => {
            Err(not_awaiting_card(&access.order(&state.orders).await?))
        }
        Err(WorkflowError::Undecided) => Ok(undecided(receipt, ASK_AGAIN).into_response()),
        Err(error) => Err(Problem::from(error).order(&order.order_id)),
    }
}

impl PayOrder {
    fn parts(self, state: &AppState) -> Result<(String, Option<String>), Problem> {
        let payment_method =
            self.payment_method.ok_or_else(|| Problem::field("payment_method", "missing field `payment_method`"))?;
        let check =
            |url: String| state.return_origins.check(&url).map_err(|detail| Problem::field("return_url", detail));
        Ok((payment_method, self.return_url.map(check).transpose()?))
    }
}

fn not_awaiting_card(order: &OrderView) -> Problem {
    let detail = match order.status {
        OrderStatus::Pending => "The order is not decided yet; ask for it again in a moment.".to_owned(),
        OrderStatus::AwaitingPayment => "The order waits for its customer to pay or authenticate.".to_owned(),
        OrderStatus::PaymentFailed => {
            "Another card is being tried, or the time to pay is just over; ask for the order again in a moment."
                .to_owned()
        }
        status @ (OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered) => {
            format!("The order is {status}: it is paid.")
        }
        OrderStatus::Cancelled => {
            "The order is CANCELLED; another purchase needs a new key at the checkout.".to_owned()
        }
    };
    Problem::new(ProblemCode::NotAwaitingCard, detail).order(&order.order_id)
}
