//! Buying: one request starts the order and gets its answer.

pub(super) mod answer;
mod basket;
mod buyer;
pub(super) mod payment;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use kassa_domain::{EmailAddress, Fingerprint, Line, Money, OrderId, PricedOrder, PricingError};
use kassa_store::{Orders, Products};
use kassa_workflows::checkout::{CheckoutAnswer, CheckoutInput, CheckoutOutcome, Payment, Refusal, quote};
use kassa_workflows::contracts::orders::PlaceOrder;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use self::answer::{Receipt, answered, not_answered, refused, undecided};
use self::basket::{Basket, Item};
use self::buyer::Buyer;
use self::payment::{PaymentWay, payment_method};
use crate::auth::Session;
use crate::checkouts::Checkouts;
use crate::extract::{Json, RequiredIdempotencyKey};
use crate::limits::Action;
use crate::problem::{Problem, ProblemCode};
use crate::state::AppState;
use crate::wire::{Choice, MoneyBody, MoneyInput, Object, OrderStatusBody};
use crate::workflows::{WorkflowError, Workflows};

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[(
    "create_checkout",
    &[
        ProblemCode::PaymentDeclined,
        ProblemCode::PriceChanged,
        ProblemCode::OutOfStock,
        ProblemCode::UnknownProducts,
        ProblemCode::MixedCurrencies,
        ProblemCode::TotalTooLarge,
        ProblemCode::NothingToPay,
        ProblemCode::CartEmpty,
        ProblemCode::CartTokenInvalid,
        ProblemCode::IdempotencyKeyReused,
        ProblemCode::OrderCancelled,
        ProblemCode::CheckoutInterrupted,
        ProblemCode::CheckoutFailed,
        ProblemCode::TemporarilyUnavailable,
    ],
)];

/// Says that the answer belongs to an earlier request with the same key.
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long a client waits before it asks again for an order that is not decided yet, in seconds.
pub(super) const ASK_AGAIN: u16 = 2;

/// The same for an order that is held because payments are paused: that takes minutes.
const ASK_AGAIN_HELD: u16 = 15;

/// What a customer buys, and with what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "items": [{"product_id": "prod_tea", "quantity": 2}],
    "email": "customer@example.com", "payment_method": "pm_card_visa",
    "expected_total": {"amount": 2500, "currency": "EUR"}
}))]
pub(crate) struct CreateCheckout {
    /// What is bought; each product in one item. The own cart, if it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<Item>, required = false, min_items = 1, max_items = 99)]
    items: Option<Vec<Object<Item>>>,
    /// Where mail goes. Guests say it; for an account it is the address of its profile, if it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, format = "email", max_length = 254)]
    email: Option<EmailAddress>,
    /// Stripe's payment method; never a card number. Either this or `payment`.
    #[serde(default, deserialize_with = "payment_method")]
    #[schema(pattern = "^pm_[A-Za-z0-9_]{1,64}$")]
    payment_method: Option<String>,
    /// `hosted`: on a page of Stripe's, which leads back to `success_url` or `cancel_url`. Either this or `payment_method`.
    #[schema(value_type = Option<PaymentWay>)]
    payment: Option<Choice<PaymentWay>>,
    /// The shop's page for a customer who has paid on Stripe's page.
    #[schema(format = "uri", max_length = 2048)]
    success_url: Option<String>,
    /// The shop's page for a customer who comes back from Stripe's page without having paid.
    #[schema(format = "uri", max_length = 2048)]
    cancel_url: Option<String>,
    /// The shop's page for a customer who comes back from an authentication; without it, the shop has Stripe's code in the
    /// browser or app do it, with `client_secret`.
    #[schema(format = "uri", max_length = 2048)]
    return_url: Option<String>,
    /// What the customer was shown; if it costs something else, nothing is bought.
    #[schema(value_type = Option<MoneyInput>)]
    expected_total: Option<Object<MoneyInput>>,
}

/// A field that may be left out, but is not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An order that is paid, is to be paid, or is not decided yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checkout, example = json!({
    "order_id": "ord_1f0c", "status": "CONFIRMED", "total": {"amount": 2500, "currency": "EUR"}, "payment_id": "pay_1f0c",
    "order_token": "b2theSBub3QgYSByZWFsIHNpZ25hdHVyZSwganVzdCBsb25n"
}))]
pub(crate) struct CheckoutBody {
    /// The order.
    order_id: String,
    /// Lets a guest back to the order, as the header `Kassa-Order-Token`. Customers with an account have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    order_token: Option<String>,
    /// CONFIRMED; `AWAITING_PAYMENT` while the customer is to pay; or PENDING while it is not decided.
    status: OrderStatusBody,
    /// What was captured, or is to be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    total: Option<MoneyBody>,
    /// The payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    payment_id: Option<String>,
    /// Where the customer pays or authenticates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    payment_url: Option<String>,
    /// What Stripe's code in the browser or app needs to have the customer authenticate. Only for that customer: neither log it
    /// nor put it into an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    client_secret: Option<String>,
    /// Until when (RFC 3339); then the order is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    expires_at: Option<String>,
}

/// Buys.
///
/// Without `items`, it buys the own cart: that of the account, or the one that the header `Kassa-Cart` names. What was
/// bought is taken out of the cart once the order is confirmed, and what was put in meanwhile stays.
///
/// Prices the order on the server, holds the stock, charges the card and answers when the money question is decided. With
/// `payment: hosted`, and with a card that wants an authentication, it answers where the customer is to be led instead, and the
/// order waits. Sent
/// again with the same `Idempotency-Key`, it buys nothing new and gives the same answer, with the header
/// `Idempotent-Replayed: true`.
#[utoipa::path(
    post, path = "/api/checkout", tag = "checkout", security((), ("access_token" = [])),
    params(
        (
            "Idempotency-Key" = String, Header, min_length = 8, max_length = 255,
            example = "5f3c1f5e-8a0b-4c53-9a62-0d3c2f1b7a11",
            description = "The client's name for this purchase; a random UUID is a good one.",
        ),
        ("Kassa-Cart" = Option<String>, Header, description = "The guest's cart; of interest without `items`."),
    ),
    request_body = CreateCheckout,
    responses(
        (
            status = CREATED, description = "Paid and confirmed; or waiting for the customer, who pays at `payment_url`, or authenticates with `client_secret`.", body = CheckoutBody,
            headers(
                ("Location" = String, description = "Where the order can be read."),
                ("Idempotent-Replayed" = bool, description = "`true` if an earlier request bought it."),
            ),
        ),
        (
            status = ACCEPTED, description = "Not decided yet, or held while payments are paused; send the same request again to learn how it ended.",
            body = CheckoutBody,
            headers(
                ("Location" = String, description = "Where the order can be read."),
                ("Retry-After" = u16, description = "Seconds to wait before asking again."),
            ),
        ),
    ),
)]
pub(crate) async fn create_checkout(
    State(state): State<AppState>,
    session: Option<Session>,
    RequiredIdempotencyKey(key): RequiredIdempotencyKey,
    headers: HeaderMap,
    Json(request): Json<CreateCheckout>,
) -> Result<Response, Problem> {
    let payment = request.payment(&state.return_origins)?;
    let expected_total = request.expected_total.map(|Object(input)| Money::from(input));
    let Buyer { visitor, caller, email } = Buyer::read(&state, session, request.email).await?;
    state.limits.by_caller(Action::Checkout, caller.as_str()).await?;
    let Basket { what, lines, cart } = Basket::read(&state, &visitor, &headers, request.items).await?;
    let order_id = OrderId::derive(&caller, &key);
    let receipt = Receipt::new(&state.signer, &order_id, &caller);
    let fingerprint = fingerprint(&what, &email, &payment, expected_total);

    let priced = match preflight(&state.products, &lines, expected_total).await? {
        Ok(priced) => Some(priced),
        // The catalogue, or the cart, may have changed since an order was placed under this key: its answer stays what
        // it was.
        Err(_) if is_known(&state.orders, &state.workflows, &receipt).await? => None,
        Err(Refusal::Unpriceable { error: PricingError::Empty }) => {
            return Err(Problem::new(ProblemCode::CartEmpty, "Put something in, or send `items` to buy those."));
        }
        Err(refusal) => return Err(refused(refusal)),
    };
    let request_id = Uuid::new_v4().to_string();
    let input = CheckoutInput {
        order: PlaceOrder {
            order_id: order_id.clone(),
            caller,
            email,
            lines,
            expected_total,
            fingerprint: fingerprint.clone(),
            request_id: request_id.clone(),
        },
        payment,
        cart,
        policy: state.workflows.config().policy.clone(),
        started_at: i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).ok(),
    };
    let answer = match Checkouts(&state.workflows).decide(input, priced.as_ref()).await {
        // Closed from outside after the order was decided, but before the workflow could say so.
        Err(WorkflowError::Interrupted) => stored_answer(&state.orders, &order_id).await?,
        answer => answer,
    };
    match answer {
        // Without the receipt: whoever sends another body may be somebody else.
        Ok(answer) if answer.fingerprint != fingerprint => Err(Problem::new(
            ProblemCode::IdempotencyKeyReused,
            "This key was used for a checkout with another body; send a new key for another purchase.",
        )
        .order(&order_id)),
        Ok(CheckoutAnswer { outcome: CheckoutOutcome::Held, request_id: first, .. }) => {
            let decided = if first == request_id { None } else { decided_since(&state, &order_id).await? };
            Ok(match decided {
                Some(answer) => answered(answer, &request_id, receipt),
                None => undecided(receipt, ASK_AGAIN_HELD),
            })
        }
        Ok(answer) => Ok(answered(answer, &request_id, receipt)),
        Err(WorkflowError::Undecided) => Ok(undecided(receipt, ASK_AGAIN)),
        Err(error) => Err(not_answered(error, &receipt)),
    }
}

/// What the caller was told, or is to be told, by the row of the order.
async fn stored_answer(orders: &Orders, order_id: &OrderId) -> Result<Result<CheckoutAnswer, WorkflowError>, Problem> {
    match orders.find(order_id).await?.and_then(|order| order.answer_json) {
        Some(json) => serde_json::from_str(&json).map(Ok).map_err(|error| Problem::internal(&error)),
        None => Ok(Err(WorkflowError::Interrupted)),
    }
}

/// What became of an order since its caller was told that it is held: what the row says, or, of one whose customer is to pay,
/// its workflow.
async fn decided_since(state: &AppState, order_id: &OrderId) -> Result<Option<CheckoutAnswer>, Problem> {
    if let Ok(answer) = stored_answer(&state.orders, order_id).await? {
        return Ok(Some(answer));
    }
    Ok(Checkouts(&state.workflows).decided(order_id).await)
}

/// What was asked for, in a form in which equal requests are equal texts.
fn fingerprint(
    what: &serde_json::Value,
    email: &EmailAddress,
    payment: &Payment,
    expected_total: Option<Money>,
) -> Fingerprint {
    let payment = match payment {
        Payment::Card { payment_method, return_url: None } => json!(payment_method),
        Payment::Card { .. } | Payment::Page { .. } => json!(payment),
    };
    let canonical = json!([what, email, payment, expected_total]);
    Fingerprint::of(&canonical.to_string())
}

/// Prices the order as the workflow will, so that what cannot be bought leaves nothing behind.
async fn preflight(
    products: &Products,
    lines: &[Line],
    expected_total: Option<Money>,
) -> Result<Result<PricedOrder, Refusal>, Problem> {
    let ids: Vec<_> = lines.iter().map(|line| line.product_id.clone()).collect();
    let catalogue = products.get_many(&ids).await?;
    Ok(quote(lines, &catalogue, expected_total))
}

/// Whether there is an order, or a workflow that is about to write one.
async fn is_known(orders: &Orders, workflows: &Workflows, receipt: &Receipt) -> Result<bool, Problem> {
    if orders.caller(&receipt.order_id).await?.is_some() {
        return Ok(true);
    }
    Checkouts(workflows).exists(&receipt.order_id).await.map_err(|error| not_answered(error, receipt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::return_urls::ReturnOrigins;
    use crate::routes::checkout::basket::lines;

    fn request(json: &str) -> Result<CreateCheckout, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn fingerprint_of(json: &str) -> Fingerprint {
        let request = request(json).expect("a request");
        let shop = ReturnOrigins::parse("https://shop.example").expect("an origin");
        let payment = request.payment(&shop).expect("a payment");
        let lines = lines(&request.items.expect("items")).expect("lines");
        let expected = request.expected_total.map(|Object(input)| Money::from(input));
        fingerprint(&json!(lines), &request.email.expect("an address"), &payment, expected)
    }

    const PLAIN: &str =
        r#"{"items":[{"product_id":"prod_a","quantity":1}],"email":"a@example.com","payment_method":"pm_card_visa"}"#;

    #[test]
    fn a_fingerprint_follows_the_meaning_not_the_spelling() {
        let spelt = r#"{ "payment_method":"pm_card_visa", "email":"a@example.com",
                         "items":[ {"quantity":1, "product_id":"prod_a"} ] }"#;
        assert_eq!(fingerprint_of(PLAIN), fingerprint_of(spelt));
        for (from, to) in [("\"quantity\":1", "\"quantity\":2"), ("prod_a", "prod_b"), ("visa", "mastercard")] {
            assert_ne!(fingerprint_of(PLAIN), fingerprint_of(&PLAIN.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn a_card_number_is_refused_without_being_repeated() {
        let error = request(&PLAIN.replace("pm_card_visa", "4242424242424242")).expect_err("a card number");
        assert!(error.to_string().contains("payment method") && !error.to_string().contains("4242"), "{error}");
    }

    #[test]
    fn a_product_in_two_items_is_refused() {
        let twice = PLAIN.replace("[{", r#"[{"product_id":"prod_a","quantity":2},{"#);
        let problem = lines(&request(&twice).expect("a request").items.expect("items")).expect_err("twice");
        assert_eq!(problem.code(), ProblemCode::ValidationFailed);
    }
}
