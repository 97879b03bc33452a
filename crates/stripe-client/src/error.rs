//! How a request to Stripe can fail.

use std::fmt;

use serde::Deserialize;
use stripe_client_core::StripeClientErr;

use crate::redact::redact;

/// A request to Stripe failed.
///
/// Neither `Debug` nor `Display` shows keys, client secrets, card data, or Stripe's own wording, which may repeat what the
/// customer typed; see [`ApiError::message`] for that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Stripe understood the request and answered with an error.
    #[error("Stripe answered with status {status}: {error}")]
    Api {
        /// The status code of the answer.
        status: u16,
        /// What Stripe says went wrong.
        error: Box<ApiError>,
    },
    /// No complete answer arrived in time. The request may have taken effect.
    #[error("Stripe did not answer in time")]
    Timeout,
    /// No connection could be made. The request has not reached Stripe.
    #[error("no connection to Stripe could be made")]
    Connect(#[source] reqwest::Error),
    /// The connection broke before a complete answer arrived. The request may have taken effect.
    #[error("the connection to Stripe broke")]
    Transport(#[source] reqwest::Error),
    /// An answer arrived that is not what Stripe documents. The request may have taken effect.
    #[error("the answer of Stripe could not be read: {reason}")]
    Deserialize {
        /// The status code of the answer; a body that belongs to a successful answer has none.
        status: Option<u16>,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The request could not be put into an HTTP request. It was not sent.
    #[error("the request cannot be sent to Stripe: {reason}")]
    InvalidRequest {
        /// What is wrong with the request.
        reason: String,
    },
}

impl Error {
    /// What Stripe said, where it said something.
    pub fn api_error(&self) -> Option<&ApiError> {
        match self {
            Self::Api { error, .. } => Some(error),
            Self::Timeout
            | Self::Connect(_)
            | Self::Transport(_)
            | Self::Deserialize { .. }
            | Self::InvalidRequest { .. } => None,
        }
    }

    /// The status code of Stripe's answer, where one arrived.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            Self::Deserialize { status, .. } => *status,
            Self::Timeout | Self::Connect(_) | Self::Transport(_) | Self::InvalidRequest { .. } => None,
        }
    }

    /// The card was declined or cannot be used: an outcome for the customer rather than a fault.
    pub fn is_card_error(&self) -> bool {
        self.api_error().is_some_and(|error| error.error_type == ErrorType::CardError)
    }

    /// Another request with the same idempotency key, or on the same object, is still being worked on.
    pub fn is_idempotency_in_use(&self) -> bool {
        self.status() == Some(409)
            && self
                .api_error()
                .is_some_and(|error| matches!(error.code.as_deref(), Some("idempotency_key_in_use" | "lock_timeout")))
    }

    /// The idempotency key was used before with other parameters: a mistake of the caller.
    pub fn is_idempotency_mismatch(&self) -> bool {
        self.api_error().is_some_and(|error| error.error_type == ErrorType::IdempotencyError)
            && !self.is_idempotency_in_use()
    }

    /// The object that the request is about does not exist.
    pub fn is_missing(&self) -> bool {
        self.api_error().is_some_and(|error| error.code.as_deref() == Some("resource_missing"))
    }

    /// Sending the same request again, with the same idempotency key, can help.
    ///
    /// Stripe's own advice, the header `Stripe-Should-Retry`, has precedence where it was given.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Api { status, error } => error.should_retry.unwrap_or_else(|| is_transient(*status)),
            Self::Timeout | Self::Connect(_) | Self::Transport(_) => true,
            // What a card was declined for is told again when asked again.
            Self::Deserialize { status, .. } => {
                status.is_none_or(|status| status < 300 || status == 402 || is_transient(status))
            }
            Self::InvalidRequest { .. } => false,
        }
    }

    /// The request may have taken effect although it failed, so its effect has to be looked up before it is given up.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Api { status, .. } => *status == 409 || *status >= 500,
            Self::Timeout | Self::Transport(_) => true,
            Self::Deserialize { status, .. } => status.is_none_or(|status| !(400..500).contains(&status)),
            Self::Connect(_) | Self::InvalidRequest { .. } => false,
        }
    }

    /// Reads the body of an answer that is not a success.
    pub(crate) fn from_answer(answer: &FailedAnswer<'_>) -> Self {
        match serde_json::from_slice::<Envelope>(answer.body) {
            Ok(envelope) => Self::Api { status: answer.status, error: Box::new(ApiError::new(envelope.error, answer)) },
            Err(_) => Self::Deserialize {
                status: Some(answer.status),
                reason: format!("status {} without an error that Stripe documents", answer.status),
            },
        }
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        // The address may carry an e-mail address or another search term.
        let error = error.without_url();
        if error.is_connect() {
            Self::Connect(error)
        } else if error.is_timeout() {
            Self::Timeout
        } else if error.is_builder() {
            Self::InvalidRequest { reason: error.to_string() }
        } else {
            Self::Transport(error)
        }
    }
}

impl StripeClientErr for Error {
    fn deserialize_err(message: impl fmt::Display) -> Self {
        Self::Deserialize { status: None, reason: message.to_string() }
    }
}

/// Conflicts, rate limits and faults of the server pass; every other error is final for the same request.
fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 409 | 424 | 429) || status >= 500
}

/// Stripe's kinds of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorType {
    /// `api_error`: a fault on Stripe's side.
    ApiError,
    /// `card_error`: the card cannot be charged.
    CardError,
    /// `idempotency_error`: an idempotency key was used again with other parameters.
    IdempotencyError,
    /// `invalid_request_error`: the request has wrong parameters, or does not fit the state of the object.
    InvalidRequestError,
    /// A kind that Stripe introduced later.
    Other(String),
}

impl ErrorType {
    fn parse(text: String) -> Self {
        match text.as_str() {
            "api_error" => Self::ApiError,
            "card_error" => Self::CardError,
            "idempotency_error" => Self::IdempotencyError,
            "invalid_request_error" => Self::InvalidRequestError,
            _ => Self::Other(text),
        }
    }

    /// The kind as Stripe writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ApiError => "api_error",
            Self::CardError => "card_error",
            Self::IdempotencyError => "idempotency_error",
            Self::InvalidRequestError => "invalid_request_error",
            Self::Other(text) => text,
        }
    }
}

/// What Stripe says went wrong, as far as a checkout needs it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The kind of the error.
    pub error_type: ErrorType,
    /// Stripe's error code, such as `card_declined` or `payment_intent_unexpected_state`.
    pub code: Option<String>,
    /// The issuer's reason to decline the card, such as `insufficient_funds`.
    pub decline_code: Option<String>,
    /// The issuer's advice how to go on, such as `do_not_try_again`.
    pub advice_code: Option<String>,
    /// The parameter that the error is about.
    pub param: Option<String>,
    /// The payment intent that the error is about.
    pub payment_intent_id: Option<String>,
    /// The state of that payment intent.
    pub payment_intent_status: Option<String>,
    /// The charge that failed.
    pub charge_id: Option<String>,
    /// Names the request in Stripe's logs.
    pub request_id: Option<String>,
    /// Stripe's advice in the header `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// Whether Stripe repeated the saved answer to an earlier request with the same idempotency key.
    pub replayed: bool,
    message: Option<String>,
}

impl ApiError {
    fn new(body: ErrorBody, answer: &FailedAnswer<'_>) -> Self {
        let (payment_intent_id, payment_intent_status) =
            body.payment_intent.map_or((None, None), |intent| (Some(intent.id), intent.status));
        Self {
            error_type: ErrorType::parse(body.error_type),
            code: body.code,
            decline_code: body.decline_code,
            advice_code: body.advice_code,
            param: body.param,
            payment_intent_id,
            payment_intent_status,
            charge_id: body.charge,
            request_id: answer.request_id.map(str::to_owned),
            should_retry: answer.should_retry,
            replayed: answer.replayed,
            message: body.message.as_deref().map(redact),
        }
    }

    /// Stripe's wording without keys, client secrets and card numbers. For card errors it is meant for the customer.
    ///
    /// It may repeat other things that were sent, such as an e-mail address, so it does not belong into logs.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error_type.as_str())?;
        if let Some(code) = &self.code {
            write!(f, ", {code}")?;
        }
        if let Some(decline_code) = &self.decline_code {
            write!(f, " ({decline_code})")?;
        }
        if let Some(param) = &self.param {
            write!(f, ", parameter {param}")?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, ", request {request_id}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("error_type", &self.error_type)
            .field("code", &self.code)
            .field("decline_code", &self.decline_code)
            .field("advice_code", &self.advice_code)
            .field("param", &self.param)
            .field("payment_intent_id", &self.payment_intent_id)
            .field("payment_intent_status", &self.payment_intent_status)
            .field("charge_id", &self.charge_id)
            .field("request_id", &self.request_id)
            .field("should_retry", &self.should_retry)
            .field("replayed", &self.replayed)
            .finish_non_exhaustive()
    }
}

/// An answer that is not a success, with the headers that matter for it.
pub(crate) struct FailedAnswer<'a> {
    pub(crate) status: u16,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) should_retry: Option<bool>,
    pub(crate) replayed: bool,
    pub(crate) body: &'a [u8],
}

#[derive(Deserialize)]
struct Envelope {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "type")]
    error_type: String,
    code: Option<String>,
    decline_code: Option<String>,
    advice_code: Option<String>,
    param: Option<String>,
    charge: Option<String>,
    message: Option<String>,
    payment_intent: Option<IntentBody>,
}

#[derive(Deserialize)]
struct IntentBody {
    id: String,
    status: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, should_retry: Option<bool>, body: &str) -> Error {
        Error::from_answer(&FailedAnswer {
            status,
            request_id: Some("req_1"),
            should_retry,
            replayed: false,
            body: body.as_bytes(),
        })
    }

    const DECLINED: &str = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card",
        "message":"Card 4242424242424242 was declined.","charge":"ch_1",
        "payment_intent":{"id":"pi_1","status":"requires_payment_method","client_secret":"pi_1_secret_hush"}}}"#;

    #[test]
    fn a_decline_is_a_card_error_and_final() {
        let error = answer(402, None, DECLINED);
        assert!(error.is_card_error() && !error.is_retryable() && !error.may_have_taken_effect());
        let api = error.api_error().expect("Stripe answered");
        assert_eq!(api.decline_code.as_deref(), Some("lost_card"));
        assert_eq!(api.payment_intent_id.as_deref(), Some("pi_1"));
        assert_eq!(api.charge_id.as_deref(), Some("ch_1"));
        assert_eq!(
            error.to_string(),
            "Stripe answered with status 402: card_error, card_declined (lost_card), request req_1"
        );
    }

    #[test]
    fn what_is_printed_holds_no_secrets() {
        let error = answer(402, None, DECLINED);
        for text in [format!("{error}"), format!("{error:?}")] {
            assert!(!text.contains("hush") && !text.contains("4242"), "{text}");
        }
        assert_eq!(error.api_error().and_then(ApiError::message), Some("Card [redacted] was declined."));
    }

    #[test]
    fn statuses_decide_about_repeating_unless_stripe_advises_otherwise() {
        let body = r#"{"error":{"type":"api_error"}}"#;
        for (status, should_retry, expected) in [
            (400, None, false),
            (401, None, false),
            (402, None, false),
            (404, None, false),
            (409, None, true),
            (429, None, true),
            (500, None, true),
            (503, None, true),
            (500, Some(false), false),
            (429, Some(false), false),
            (400, Some(true), true),
        ] {
            assert_eq!(answer(status, should_retry, body).is_retryable(), expected, "{status} {should_retry:?}");
        }
    }

    #[test]
    fn a_key_in_use_is_told_from_a_mismatch() {
        let in_use = answer(409, None, r#"{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}"#);
        assert!(in_use.is_idempotency_in_use() && !in_use.is_idempotency_mismatch());
        let locked = answer(409, None, r#"{"error":{"type":"invalid_request_error","code":"lock_timeout"}}"#);
        assert!(locked.is_idempotency_in_use());
        let mismatch = answer(400, None, r#"{"error":{"type":"idempotency_error"}}"#);
        assert!(mismatch.is_idempotency_mismatch() && !mismatch.is_idempotency_in_use() && !mismatch.is_retryable());
    }

    #[test]
    fn an_answer_that_is_not_stripes_is_repeated_unless_it_is_a_refusal() {
        for (status, retryable) in [(502, true), (429, true), (403, false), (302, false)] {
            let error = answer(status, None, "<html>a gateway</html>");
            assert!(matches!(error, Error::Deserialize { .. }));
            assert_eq!(error.is_retryable(), retryable, "{status}");
        }
        assert!(Error::deserialize_err("no JSON").is_retryable());
        assert!(Error::deserialize_err("no JSON").may_have_taken_effect());
    }
}
