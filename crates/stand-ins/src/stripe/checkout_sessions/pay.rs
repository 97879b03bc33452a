//! Paying on the page of a session.

use super::super::errors::ApiError;
use super::super::form::Form;
use super::super::operations::{Call, Origin};
use super::super::payment_intents;
use super::super::state::State;
use super::{Status, emit_session, expire_due, find, find_mut};

/// Tries to pay with a test payment method. The first attempt makes the payment intent, the others use it again, so that
/// a session is paid once at most. A decline is an error.
pub(super) fn pay(state: &mut State, now: i64, id: &str, payment_method: &str) -> Result<(), ApiError> {
    expire_due(state, now);
    let session = find(state, id)?.clone();
    if session.status != Status::Open {
        let message = format!("This Checkout Session has a status of `{}`.", session.status.as_str());
        return Err(ApiError::refused(message));
    }
    let origin = Origin::automatic(now);
    let intent = if let Some(intent) = session.payment_intent.clone() {
        intent
    } else {
        let intent = payment_intents::of_session(state, &origin, &session)?;
        find_mut(state, id)?.payment_intent = Some(intent.clone());
        intent
    };
    // An authentication leads the customer back to the page, and from there to the shop.
    let form = Form::of([("payment_method", payment_method), ("return_url", &session.url(&state.base_url))]);
    let call = Call { form: &form, request_id: "", idempotency_key: None, now };
    payment_intents::confirm(state, &call, &intent).map(drop)
}

/// Completes the session of a payment intent that was paid.
pub(crate) fn paid(state: &mut State, origin: &Origin, id: &str) -> Result<(), ApiError> {
    find_mut(state, id)?.status = Status::Complete;
    emit_session(state, origin, "checkout.session.completed", id)
}
