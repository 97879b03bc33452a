//! Errors as clients see them: `application/problem+json` (RFC 9457) with a stable `code`.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kassa_domain::{Money, OrderId};
use kassa_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{DeclineBody, MoneyBody, OrderStatusBody, ShortageBody};

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// One table for everything that is fixed about a problem, so that code, status and title cannot drift apart.
macro_rules! problem_codes {
    ($($(#[$doc:meta])* $name:ident = $code:tt, $status:ident, $title:literal;)*) => {
        /// What went wrong, as a code that programs can rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
        pub enum ProblemCode {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl ProblemCode {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The wire form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The status that always goes with the code.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The same sentence for every problem of this kind.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problem_codes! {
    /// The body is no JSON.
    InvalidJson = "invalid_json", BAD_REQUEST, "The body is not valid JSON";
    /// A path or query parameter is not what it should be.
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "A parameter is not valid";
    /// The `Idempotency-Key` header is required and not there.
    IdempotencyKeyMissing = "idempotency_key_missing", BAD_REQUEST, "The Idempotency-Key header is missing";
    /// The `Idempotency-Key` header is not what it should be.
    IdempotencyKeyInvalid = "idempotency_key_invalid", BAD_REQUEST, "The Idempotency-Key header is not valid";
    /// What was sent is not signed by whom it should be.
    InvalidSignature = "invalid_signature", BAD_REQUEST, "The signature is not valid";
    /// No credentials, or not valid ones.
    Unauthorized = "unauthorized", UNAUTHORIZED, "This needs a valid access token";
    /// The e-mail address, the password or the refresh token is wrong.
    InvalidCredentials = "invalid_credentials", UNAUTHORIZED, "These credentials are not valid";
    /// The password has to be replaced.
    PasswordExpired = "password_expired", FORBIDDEN, "The password has to be replaced";
    /// The cart that is named is not one that we have handed out.
    CartTokenInvalid = "cart_token_invalid", UNAUTHORIZED, "The Kassa-Cart token is not valid";
    /// Not with these credentials.
    Forbidden = "forbidden", FORBIDDEN, "This is not allowed to you";
    /// The card was declined.
    PaymentDeclined = "payment_declined", PAYMENT_REQUIRED, "The payment was declined";
    /// There is no such route.
    NotFound = "not_found", NOT_FOUND, "There is nothing at this address";
    /// The catalogue has no such product.
    ProductNotFound = "product_not_found", NOT_FOUND, "There is no such product";
    /// There is no such order.
    OrderNotFound = "order_not_found", NOT_FOUND, "There is no such order";
    /// There is no such user.
    UserNotFound = "user_not_found", NOT_FOUND, "There is no such user";
    /// There is no such reconciliation.
    ReconciliationNotFound = "reconciliation_not_found", NOT_FOUND, "There is no such reconciliation";
    /// There is no such payment.
    PaymentNotFound = "payment_not_found", NOT_FOUND, "There is no such payment";
    /// The route exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This address does not support the method";
    /// The request did not arrive in time.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long to arrive";
    /// The id is taken.
    ProductExists = "product_exists", CONFLICT, "The product exists already";
    /// Taking away more than there is.
    InsufficientStock = "insufficient_stock", CONFLICT, "There is not that much in stock";
    /// Orders that are being paid for hold pieces of it.
    ProductReserved = "product_reserved", CONFLICT, "Pieces of the product are reserved";
    /// The server prices the order otherwise than the client expected.
    PriceChanged = "price_changed", CONFLICT, "The order costs something else";
    /// Not enough pieces.
    OutOfStock = "out_of_stock", CONFLICT, "Not everything is in stock";
    /// The order does not go from where it is to where it should.
    IllegalTransition = "illegal_transition", CONFLICT, "The order does not go there from where it is";
    /// Somebody else has changed it meanwhile.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "It is not what it was when you read it";
    /// The checkout was stopped because somebody cancelled the order.
    OrderCancelled = "order_cancelled", CONFLICT, "The order was cancelled";
    /// The order is on its way or with the customer.
    NotCancellable = "not_cancellable", CONFLICT, "The order cannot be cancelled any more";
    /// No card is wanted for the order: it is paid, it has ended, or another card is being tried.
    NotAwaitingCard = "not_awaiting_card", CONFLICT, "The order does not wait for another card";
    /// Less is left of the payment than should be given back.
    RefundExceedsCaptured = "refund_exceeds_captured", CONFLICT, "Not that much is left of the payment";
    /// The payment provider did not make the refund.
    RefundFailed = "refund_failed", CONFLICT, "The refund was not made";
    /// More than the server reads.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is not declared as JSON.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body has to be JSON";
    /// Fields are missing, unknown or not allowed.
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "The request is not valid";
    /// The mailed code does not help.
    InvalidCode = "invalid_code", UNPROCESSABLE_ENTITY, "The code is not valid";
    /// The order asks for products that the catalogue does not have.
    UnknownProducts = "unknown_products", UNPROCESSABLE_ENTITY, "The order asks for unknown products";
    /// The products of the order are priced in different currencies.
    MixedCurrencies = "mixed_currencies", UNPROCESSABLE_ENTITY, "The order mixes currencies";
    /// The sum of the order is more than can be computed.
    TotalTooLarge = "total_too_large", UNPROCESSABLE_ENTITY, "The total is too large";
    /// The order costs nothing.
    NothingToPay = "nothing_to_pay", UNPROCESSABLE_ENTITY, "There is nothing to pay";
    /// There is nothing in the cart.
    CartEmpty = "cart_empty", UNPROCESSABLE_ENTITY, "The cart is empty";
    /// The key was used for something else.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key belongs to another request";
    /// A change without saying of what.
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, "The If-Match header is missing";
    /// More requests than are allowed.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// A mistake on the side of the server.
    InternalError = "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong on our side";
    /// The workflow of the order was stopped from outside.
    CheckoutInterrupted = "checkout_interrupted", INTERNAL_SERVER_ERROR, "The checkout was stopped before it was decided";
    /// A step failed for good; the order is cancelled.
    CheckoutFailed = "checkout_failed", SERVICE_UNAVAILABLE, "The checkout could not be completed";
    /// Something that is needed cannot be reached.
    TemporarilyUnavailable = "temporarily_unavailable", SERVICE_UNAVAILABLE, "The service is temporarily unavailable";
    /// The server took too long.
    TimedOut = "timed_out", GATEWAY_TIMEOUT, "The answer took too long";
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One part of the request that is not right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"field": "items[3].quantity", "detail": "0 is not allowed: expected a whole number from 1 to 999"}))]
pub(crate) struct FieldError {
    /// Where it is, such as `items[3].quantity`; empty for the body as a whole.
    pub(crate) field: String,
    /// What is wrong, and what is allowed.
    pub(crate) detail: String,
}

/// An error as RFC 9457 draws it: the members `title`, `status` and `detail` of the standard, a stable `code`, and
/// what a program needs to react to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// The stable code.
    code: ProblemCode,
    /// What the code means; the same for every problem with this code.
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What happened this time, and what to do next.
    detail: String,
    /// The parts of the request that are not right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// The order that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// Lets a guest back to the order, as the header `Kassa-Order-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_token: Option<String>,
    /// Why the card was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<DeclineBody>,
    /// How many more cards may be tried for the order; absent if it does not wait for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    /// Until when (RFC 3339); then the order is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// The lines that could not be served.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<ShortageBody>>,
    /// What the order costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<MoneyBody>,
    /// What the client expected it to cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_total: Option<MoneyBody>,
    /// Where the order may go instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<Vec<OrderStatusBody>>,
    /// What can still be given back of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<MoneyBody>,
}

/// A problem on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    // Boxed: handlers return it as the error of a `Result`.
    body: Box<ProblemBody>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem; `detail` says what happened and what the client can do.
    pub(crate) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let body = ProblemBody {
            code,
            title: code.title(),
            status: code.status().as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            order_id: None,
            order_token: None,
            decline: None,
            attempts_left: None,
            expires_at: None,
            lines: None,
            total: None,
            expected_total: None,
            allowed: None,
            left: None,
        };
        Self { body: Box::new(body), headers: HeaderMap::new() }
    }

    /// One or more fields are not what they should be.
    pub(crate) fn validation(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [FieldError { field, detail }] if field.is_empty() => detail.clone(),
            [FieldError { field, detail }] => format!("{field}: {detail}"),
            errors => format!("{} fields are not valid", errors.len()),
        };
        Self::new(ProblemCode::ValidationFailed, detail).errors(errors)
    }

    /// One field is not what it should be.
    pub(crate) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::validation(vec![FieldError { field: field.into(), detail: detail.into() }])
    }

    /// A parameter of the path or the query is not what it should be.
    pub(crate) fn parameter(name: &str, detail: impl fmt::Display) -> Self {
        Self::new(ProblemCode::InvalidParameter, format!("{name}: {detail}"))
            .errors(vec![FieldError { field: name.to_owned(), detail: detail.to_string() }])
    }

    /// A mistake on our side: the client learns that it happened, the log learns why.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %Chain(error), "a request failed because of a defect");
        Self::new(
            ProblemCode::InternalError,
            "The request was not carried out because of a defect; it has been logged.",
        )
    }

    /// Something that the request needs cannot be reached; `what` names it, `error` goes to the log.
    pub(crate) fn unavailable(what: &'static str, error: &(dyn Error + 'static)) -> Self {
        tracing::warn!(dependency = what, error = %Chain(error), "a dependency is unavailable");
        Self::temporarily_unavailable()
    }

    /// Something that the request needs cannot be reached, and the log knows already.
    pub(crate) fn temporarily_unavailable() -> Self {
        Self::new(
            ProblemCode::TemporarilyUnavailable,
            "Nothing is known to have been done. Send the same request again, with the same Idempotency-Key if it has one.",
        )
        .retry_after(Duration::from_secs(1))
    }

    /// The code.
    #[cfg(test)]
    pub(crate) fn code(&self) -> ProblemCode {
        self.body.code
    }

    /// Names the fields.
    #[must_use]
    pub(crate) fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.body.errors = errors;
        self
    }

    /// Names the order.
    #[must_use]
    pub(crate) fn order(mut self, order: &OrderId) -> Self {
        self.body.order_id = Some(order.to_string());
        self
    }

    /// Says how many more cards may be tried, and until when.
    #[must_use]
    pub(crate) fn another_card(mut self, attempts_left: u32, expires_at: Option<String>) -> Self {
        self.body.attempts_left = Some(attempts_left);
        self.body.expires_at = expires_at;
        self
    }

    /// Lets a guest back to the order.
    #[must_use]
    pub(crate) fn order_token(mut self, token: Option<String>) -> Self {
        self.body.order_token = token;
        self
    }

    /// Says why the card was declined.
    #[must_use]
    pub(crate) fn decline(mut self, decline: DeclineBody) -> Self {
        self.body.decline = Some(decline);
        self
    }

    /// Names the lines that could not be served.
    #[must_use]
    pub(crate) fn lines(mut self, lines: Vec<ShortageBody>) -> Self {
        self.body.lines = Some(lines);
        self
    }

    /// Says what the order costs, and what the client expected.
    #[must_use]
    pub(crate) fn totals(mut self, expected: Money, total: Money) -> Self {
        self.body.expected_total = Some(expected.into());
        self.body.total = Some(total.into());
        self
    }

    /// Says what the order costs.
    #[must_use]
    pub(crate) fn total(mut self, total: Money) -> Self {
        self.body.total = Some(total.into());
        self
    }

    /// Says where the order may go instead.
    #[must_use]
    pub(crate) fn allowed(mut self, statuses: Vec<OrderStatusBody>) -> Self {
        self.body.allowed = Some(statuses);
        self
    }

    /// Says what can still be given back.
    #[must_use]
    pub(crate) fn left(mut self, left: Money) -> Self {
        self.body.left = Some(left.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub(crate) fn retry_after(self, delay: Duration) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(delay.as_secs().max(1)))
    }

    /// Says how to authenticate.
    #[must_use]
    pub(crate) fn challenge(self, challenge: &'static str) -> Self {
        self.header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl From<StoreError> for Problem {
    /// What may go well a little later is worth another try; anything else is for us to mend.
    fn from(error: StoreError) -> Self {
        if error.is_retryable() { Self::unavailable("store", &error) } else { Self::internal(&error) }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        let body = serde_json::to_vec(&self.body).expect("a problem has only string keys, so it serializes");
        (self.body.code.status(), self.headers, body).into_response()
    }
}

/// An error with everything that caused it, in one line for the log.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_errors() {
        let codes: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code}");
            assert_eq!(serde_json::to_value(code).expect("serializes"), code.as_str());
        }
    }

    #[test]
    fn members_that_do_not_apply_are_left_out() {
        let problem = Problem::new(ProblemCode::NotFound, "nothing");
        assert_eq!(
            serde_json::to_value(&problem.body).expect("serializes"),
            serde_json::json!({
                "code": "not_found", "title": "There is nothing at this address", "status": 404, "detail": "nothing",
            })
        );
    }
}
