//! Stripe's error answers.

use serde_json::{Map, Value, json};

/// An error answer: its status code and what stands in `error`.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    /// Whether the operation had begun. Stripe saves the answer for the idempotency key only then.
    pub(crate) executed: bool,
    /// The header `Stripe-Should-Retry`, where the answer has one.
    pub(crate) should_retry: Option<bool>,
    error: Map<String, Value>,
}

impl ApiError {
    fn new(status: u16, error_type: &str, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("message".to_owned(), Value::String(message.into()));
        error.insert("type".to_owned(), Value::String(error_type.to_owned()));
        Self { status, executed: false, should_retry: None, error }
    }

    /// 400: the parameters are wrong. The operation has not begun.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// 400: the operation does not fit the state of the object.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { executed: true, ..Self::invalid(message) }
    }

    /// 402: the card was declined.
    pub(crate) fn card(message: impl Into<String>) -> Self {
        Self { executed: true, ..Self::new(402, "card_error", message) }
    }

    /// 401: the secret key is missing or wrong.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    /// 404: there is nothing at that address.
    pub(crate) fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at \
             https://support.stripe.com/."
        );
        Self::new(404, "invalid_request_error", message)
    }

    /// 404: the object that the address names does not exist.
    pub(crate) fn missing(object: &str, param: &str, id: &str) -> Self {
        Self { status: 404, ..Self::missing_param(object, param, id) }
    }

    /// 400: the object that a parameter names does not exist.
    pub(crate) fn missing_param(object: &str, param: &str, id: &str) -> Self {
        Self::refused(format!("No such {object}: '{id}'")).code("resource_missing").param(param)
    }

    /// 400: a parameter that has to be there is not.
    pub(crate) fn parameter_missing(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}.")).code("parameter_missing").param(param)
    }

    /// 400: the idempotency key was used for something else.
    pub(crate) fn idempotency_mismatch(message: impl Into<String>) -> Self {
        Self::new(400, "idempotency_error", message)
    }

    /// 409: another request with the same idempotency key has not ended yet.
    pub(crate) fn idempotency_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means you submitted \
             twice, and the other request is still going through): {key}. Please try again in a few moments."
        );
        Self { status: 409, should_retry: Some(true), ..Self::invalid(message).code("idempotency_key_in_use") }
    }

    /// An error that a test asked for.
    pub(crate) fn injected(status: u16, error_type: &str, message: &str) -> Self {
        Self { executed: true, ..Self::new(status, error_type, message) }
    }

    /// Names Stripe's code for the error.
    pub(crate) fn code(self, code: &str) -> Self {
        self.with("doc_url", json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))))
            .with("code", json!(code))
    }

    /// Names the parameter that is wrong.
    pub(crate) fn param(self, param: &str) -> Self {
        self.with("param", json!(param))
    }

    /// Adds a field to the error.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.error.insert(field.to_owned(), value);
        self
    }

    /// The error as it is kept in `last_payment_error`.
    pub(crate) fn as_last_payment_error(&self) -> Value {
        let mut error = self.error.clone();
        error.remove("payment_intent");
        Value::Object(error)
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}
