//! `GET /v1/checkout/sessions/{id}` and `GET /v1/checkout/sessions`

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::lists;
use super::super::operations::Call;
use super::super::state::State;
use super::{CheckoutSession, expire_due, show};

/// Shows one session.
pub(crate) fn retrieve(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.form.accept_only(&["expand"], false)?;
    expire_due(state, call.now);
    show(state, id)
}

/// Lists sessions, newest first.
pub(crate) fn list(state: &mut State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&[lists::PARAMETERS, &["payment_intent", "status"]].concat(), false)?;
    let status = call.form.choice("status", &["open", "complete", "expired"])?;
    expire_due(state, call.now);
    let intent = call.form.text("payment_intent");
    let sessions = state.checkout_sessions.newest_first().filter(|session| {
        intent.is_none_or(|intent| session.payment_intent.as_deref() == Some(intent))
            && status.as_ref().is_none_or(|status| session.status.as_str() == status)
    });
    let render = |session: &CheckoutSession| session.render(&state.base_url);
    lists::page(call.form, "/v1/checkout/sessions", sessions, |session| session.created, render)
}
