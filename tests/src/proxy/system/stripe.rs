//! How Stripe words its failures (Stripe API reference, "Errors").

use serde_json::{Value, json};

use super::super::call::Received;
use super::super::failure::Kind;
use super::super::rules::Moment;
use super::Words;

pub(super) fn words(kind: Kind, moment: Moment, call: &Received) -> Option<Words> {
    Some(match (kind, moment) {
        (Kind::TimeOut | Kind::Reset | Kind::Malformed, _) => return None,
        (Kind::TooMany, _) => error(429, "invalid_request_error", json!({ "code": "rate_limit" })),
        (Kind::ServerError, _) => error(500, "api_error", json!({})),
        (Kind::Unavailable, _) => error(503, "api_error", json!({})),
        (Kind::Refused, _) => {
            error(400, "invalid_request_error", json!({ "code": "parameter_unknown", "param": "purpose" }))
        }
        (Kind::ConditionFailed, _) => error(400, "invalid_request_error", json!({ "code": unexpected_state(call) })),
        // Another request holds the object; or the same request is still being worked on, and has its effect meanwhile.
        (Kind::Conflict, Moment::BeforeEffect) => {
            error(409, "invalid_request_error", json!({ "code": "lock_timeout" }))
        }
        (Kind::Conflict, Moment::AfterEffect) => {
            error(409, "invalid_request_error", json!({ "code": "idempotency_key_in_use" }))
        }
    })
}

/// What Stripe says of an object that is not in a state in which the call makes sense.
fn unexpected_state(call: &Received) -> &'static str {
    match call.uri.path() {
        "/v1/refunds" => "charge_already_refunded",
        path if path.starts_with("/v1/checkout/sessions") => "resource_missing",
        _ => "payment_intent_unexpected_state",
    }
}

fn error(status: u16, error_type: &'static str, more: Value) -> Words {
    let mut error = json!({ "type": error_type, "message": "A failure that a test asked for." });
    if let (Some(error), Value::Object(more)) = (error.as_object_mut(), more) {
        error.extend(more);
    }
    let body = json!({ "error": error }).to_string();
    Words { status, headers: vec![("request-id", "req_failed")], body }
}
