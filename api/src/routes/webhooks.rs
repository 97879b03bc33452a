//! What Stripe tells about payments that orders wait for.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kassa_domain::OrderId;
use kassa_store::Orders;
use kassa_workflows::contracts::awaited::{AWAITED, AWAITED_KEY, ORDER_ID_KEY};
use serde_json::Value;

use crate::checkouts::Checkouts;
use crate::extract::Raw;
use crate::late_payments::SucceededPayment;
use crate::problem::{Problem, ProblemCode};
use crate::stripe_signature::{Unsigned, WebhookSecrets};
use crate::workflows::Workflows;

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] =
    &[("receive_stripe_event", &[ProblemCode::InvalidSignature, ProblemCode::TemporarilyUnavailable])];

/// The events after which a payment may have ended.
const ENDS: &[&str] = &[
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
];

/// Receives an event from Stripe.
///
/// An event only wakes the order that waits for its payment, which then asks Stripe itself; so events may come twice, late, in any
/// order, or not at all. A payment of an order that was cancelled before is dealt with by a workflow of its own: it revives the order
/// or gives the money back. Events about anything else are taken and ignored. An event that cannot be handed on now is
/// answered with an error, so that Stripe sends it again.
#[utoipa::path(
    post, path = "/api/webhooks/stripe", tag = "webhooks",
    params((
        "Stripe-Signature" = String, Header, example = "t=1700000000,v1=5257a869e7ecebeda32affa62cdca3fa",
        description = "The time of the signature and an HMAC-SHA256 over time and body.",
    )),
    request_body(
        content = Object, content_type = "application/json",
        description = "The event, byte by byte as Stripe signed it; it is read once the signature is found to be valid.",
        example = json!({
            "id": "evt_1PgafmB7WZ01zgkW6dKueIc5", "object": "event", "type": "checkout.session.completed",
            "data": {"object": {
                "id": "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u", "object": "checkout.session",
                "metadata": {"order_id": "ord_1f0c", "kassa_awaited": "true"}
            }}
        }),
    ),
    responses((status = OK, description = "Taken.")),
)]
pub(crate) async fn receive_stripe_event(
    State(orders): State<Orders>,
    State(workflows): State<Workflows>,
    State(secrets): State<WebhookSecrets>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<StatusCode, Problem> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    signature
        .ok_or(Unsigned::Malformed)
        .and_then(|signature| secrets.verify(signature, &body, i64::try_from(now).unwrap_or(i64::MAX)))
        .map_err(|error| Problem::new(ProblemCode::InvalidSignature, format!("Not accepted: {error}.")))?;
    let event: Value = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(ProblemCode::InvalidJson, format!("The body is not JSON: {error}.")))?;
    if let Some(order_id) = awaiting_order(&event) {
        let event_id = event["id"].as_str().unwrap_or_default();
        Checkouts(&workflows).payment_changed(&order_id, event_id).await?;
    }
    if let Some(payment) = succeeded(&event) {
        payment.if_late(&orders, &workflows).await?;
    }
    Ok(StatusCode::OK)
}

/// The order that waits for the payment which the event is about.
pub(crate) fn awaiting_order(event: &Value) -> Option<OrderId> {
    let metadata = &event["data"]["object"]["metadata"];
    let concerns = ENDS.contains(&event["type"].as_str()?) && metadata[AWAITED_KEY] == AWAITED;
    metadata[ORDER_ID_KEY].as_str().filter(|_| concerns)?.parse().ok()
}

/// The payment that has succeeded, if the event tells of one of an order. It may be late.
pub(crate) fn succeeded(event: &Value) -> Option<SucceededPayment> {
    let object = &event["data"]["object"];
    let payment_intent = match event["type"].as_str()? {
        "payment_intent.succeeded" => object["id"].as_str()?,
        "checkout.session.completed" if object["payment_status"] == "paid" => object["payment_intent"].as_str()?,
        "checkout.session.async_payment_succeeded" => object["payment_intent"].as_str()?,
        _ => return None,
    };
    let order_id = object["metadata"][ORDER_ID_KEY].as_str()?.parse().ok()?;
    Some(SucceededPayment { order_id, payment_intent: payment_intent.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, metadata: &Value) -> Value {
        json!({ "id": "evt_1", "type": kind, "data": { "object": { "metadata": metadata } } })
    }

    #[test]
    fn only_ends_of_payments_that_are_waited_for_wake_an_order() {
        let order = "ord_0123456789abcdef0123456789abcdef".parse::<OrderId>().expect("an id");
        let ours = json!({ "order_id": order, "kassa_awaited": "true" });
        assert_eq!(awaiting_order(&event("checkout.session.completed", &ours)), Some(order.clone()));
        for other in [
            event("charge.succeeded", &ours),
            event("customer.created", &json!({})),
            event("payment_intent.succeeded", &json!({ "order_id": order })),
            event("payment_intent.succeeded", &json!({ "order_id": "../../x", "kassa_awaited": "true" })),
            event("payment_intent.succeeded", &json!(null)),
            json!([]),
            json!({ "type": 1 }),
        ] {
            assert_eq!(awaiting_order(&other), None, "{other}");
        }
    }

    #[test]
    fn only_payments_of_orders_that_have_succeeded_may_be_late() {
        let order_id = "ord_0123456789abcdef0123456789abcdef".parse::<OrderId>().expect("an id");
        let object = json!({
            "id": "pi_1", "payment_intent": "pi_2", "payment_status": "paid", "metadata": { "order_id": order_id },
        });
        let of = |kind: &str, object: &Value| succeeded(&json!({ "type": kind, "data": { "object": object } }));
        let payment =
            |intent: &str| Some(SucceededPayment { order_id: order_id.clone(), payment_intent: intent.to_owned() });
        assert_eq!(of("payment_intent.succeeded", &object), payment("pi_1"));
        assert_eq!(of("checkout.session.completed", &object), payment("pi_2"));
        let mut unpaid = object.clone();
        unpaid["payment_status"] = json!("unpaid");
        assert_eq!(of("checkout.session.completed", &unpaid), None);
        assert_eq!(of("payment_intent.payment_failed", &object), None);
        assert_eq!(of("payment_intent.succeeded", &json!({ "id": "pi_1", "metadata": {} })), None);
    }
}
