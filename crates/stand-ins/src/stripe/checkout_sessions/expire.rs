//! `POST /v1/checkout/sessions/{id}/expire`, and sessions whose time is over.

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::operations::{Call, Origin};
use super::super::payment_intents;
use super::super::state::State;
use super::{Status, emit_session, find, find_mut, show};

/// Closes the page. A payment that was begun on it is canceled.
pub(crate) fn expire(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.form.accept_only(&["expand"], false)?;
    expire_due(state, call.now);
    let status = find(state, id)?.status;
    if status != Status::Open {
        return Err(ApiError::refused(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `{}`.",
            status.as_str()
        )));
    }
    close(state, &call.origin(), id)?;
    show(state, id)
}

/// Closes every page whose time is over.
pub(crate) fn expire_due(state: &mut State, now: i64) {
    let due: Vec<_> = state
        .checkout_sessions
        .oldest_first()
        .filter(|session| session.status == Status::Open && session.expires_at <= now)
        .map(|session| session.id.clone())
        .collect();
    for id in due {
        close(state, &Origin::automatic(now), &id).expect("the session was just found");
    }
}

fn close(state: &mut State, origin: &Origin, id: &str) -> Result<(), ApiError> {
    let session = find_mut(state, id)?;
    session.status = Status::Expired;
    if let Some(intent) = session.payment_intent.clone() {
        payment_intents::abandon(state, origin, &intent)?;
    }
    emit_session(state, origin, "checkout.session.expired", id)
}
