//! Mail that an administrator writes.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kassa_domain::{Caller, EmailAddress, MessageId, OrderId};
use kassa_store::Orders;
use kassa_workflows::contracts::notifications::{Message, Notice};
use kassa_workflows::notification::Accepted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Admin;
use crate::extract::{Json, RequiredIdempotencyKey};
use crate::messages::{Messages, fingerprint};
use crate::orders::order_not_found;
use crate::problem::{Problem, ProblemCode};
use crate::routes::checkout::IDEMPOTENT_REPLAYED;
use crate::workflows::Workflows;

/// The longest subject, in characters.
const MAX_SUBJECT: usize = 200;
/// The longest text, in characters.
const MAX_TEXT: usize = 10_000;

/// A mail to a customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "order_id": "ord_1f0c", "subject": "Your parcel", "text": "It is a day late. We are sorry."
}))]
pub(crate) struct WriteEmail {
    /// The order it is about; the mail goes to whoever placed it.
    #[schema(value_type = String, pattern = "^ord_[a-z0-9_-]{1,64}$")]
    order_id: OrderId,
    /// One line. It shows on locked screens.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// Plain text.
    #[schema(min_length = 1, max_length = 10000)]
    text: String,
}

/// A mail that is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"message_id": "msg_1f0c"}))]
pub(crate) struct EmailAccepted {
    /// The message; the list of messages says what becomes of it.
    message_id: String,
}

/// Sends a mail to a customer.
///
/// Only to customers of this shop, by their order: an address cannot be given, so nobody else can be written to. The mail
/// is sent once, however long the mail service is away; sent again with the same `Idempotency-Key`, the request sends
/// nothing new.
#[utoipa::path(
    post, path = "/api/notifications/email", tag = "notifications", security(("access_token" = ["admin"])),
    params((
        "Idempotency-Key" = String, Header, min_length = 8, max_length = 255,
        example = "5f3c1f5e-8a0b-4c53-9a62-0d3c2f1b7a11",
        description = "The client's name for this mail; a random UUID is a good one.",
    )),
    request_body = WriteEmail,
    responses((
        status = ACCEPTED, description = "The mail will be sent.", body = EmailAccepted,
        headers(("Idempotent-Replayed" = bool, description = "`true` if an earlier request sent it.")),
    )),
)]
pub(crate) async fn send_email(
    Admin { by }: Admin,
    State(orders): State<Orders>,
    State(workflows): State<Workflows>,
    RequiredIdempotencyKey(key): RequiredIdempotencyKey,
    Json(request): Json<WriteEmail>,
) -> Result<Response, Problem> {
    let subject = subject(request.subject)?;
    let text = text(request.text)?;
    let (caller, email) = recipient(&orders, &request.order_id).await?;
    let notice = Notice {
        message_id: MessageId::derive(&by, &key),
        caller,
        email,
        message: Message::Custom { by, order_id: Some(request.order_id), subject, text },
    };
    let message_id = notice.message_id.clone();
    let asked = Accepted { request_id: Uuid::new_v4().to_string(), fingerprint: fingerprint(&notice) };

    let accepted = Messages(&workflows).send(notice, asked.clone()).await?;

    if accepted.fingerprint != asked.fingerprint {
        return Err(Problem::new(
            ProblemCode::IdempotencyKeyReused,
            "This key was used for another mail; send a new key for another one.",
        ));
    }
    let mut response =
        (StatusCode::ACCEPTED, JsonBody(EmailAccepted { message_id: message_id.into() })).into_response();
    if accepted.request_id != asked.request_id {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

async fn recipient(orders: &Orders, order_id: &OrderId) -> Result<(Caller, EmailAddress), Problem> {
    let order = orders.find(order_id).await?.ok_or_else(|| order_not_found(order_id))?;
    Ok((order.caller, order.email))
}

fn subject(subject: String) -> Result<String, Problem> {
    if subject.chars().any(char::is_control) {
        return Err(Problem::field("subject", "control characters are not allowed: a subject is one line"));
    }
    bounded("subject", subject, MAX_SUBJECT)
}

fn text(text: String) -> Result<String, Problem> {
    if text.contains('\0') {
        return Err(Problem::field("text", "the NUL character is not allowed"));
    }
    bounded("text", text, MAX_TEXT)
}

fn bounded(field: &str, text: String, max: usize) -> Result<String, Problem> {
    match text.chars().count() {
        0 => Err(Problem::field(field, format!("it is empty: expected 1 to {max} characters"))),
        length if length > max => {
            Err(Problem::field(field, format!("{length} characters are too many: the most is {max}")))
        }
        _ => Ok(text),
    }
}

// What the documentation says about lengths has to be what is checked.
const _: () = assert!(MAX_SUBJECT == 200 && MAX_TEXT == 10_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_of_bounded_length() {
        assert!(subject("Your parcel".to_owned()).is_ok());
        assert!(subject("ü".repeat(MAX_SUBJECT)).is_ok());
        for wrong in [String::new(), "a\r\nBcc: b@example.com".to_owned(), "a".repeat(MAX_SUBJECT + 1)] {
            assert!(subject(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_text_has_lines_and_bounded_length() {
        assert!(text("a\nb".to_owned()).is_ok());
        for wrong in [String::new(), "a\0b".to_owned(), "a".repeat(MAX_TEXT + 1)] {
            assert!(text(wrong).is_err());
        }
    }
}
