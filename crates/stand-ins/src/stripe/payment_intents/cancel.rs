//! `POST /v1/payment_intents/{id}/cancel`

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::operations::Call;
use super::super::state::State;
use super::{Status, emit_charge, emit_intent, find, find_mut, require, show, unexpected_state};

/// The reasons that may be given.
const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

/// Gives up the payment. What was authorized is released.
pub(crate) fn cancel(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.form.accept_only(&["cancellation_reason", "expand"], false)?;
    let reason = call.form.choice("cancellation_reason", REASONS)?;
    // A payment that is on its way can be cancelled "in rare cases" only (API reference, "Cancel a PaymentIntent"). Nobody may
    // rely on them, so here it cannot.
    let allowed =
        [Status::RequiresPaymentMethod, Status::RequiresCapture, Status::RequiresConfirmation, Status::RequiresAction];
    let intent = find(state, id)?;
    if intent.session.is_some() {
        let message = "You cannot cancel this PaymentIntent because it was created by a Checkout Session. Expire the \
                       Checkout Session instead.";
        return Err(unexpected_state(message, intent, &state.base_url));
    }
    require(intent, &state.base_url, &allowed, "canceled")?;

    let status = intent.status;
    let charge_id = intent.latest_charge.clone();
    let intent = find_mut(state, id)?;
    intent.status = Status::Canceled;
    intent.amount_capturable = 0;
    intent.next_action = None;
    intent.canceled_at = Some(call.now);
    intent.cancellation_reason = reason;
    if let Some(charge_id) = charge_id
        && status == Status::RequiresCapture
        && let Some(charge) = state.charges.get_mut(&charge_id)
    {
        charge.amount_refunded = charge.amount;
        emit_charge(state, &call.origin(), "charge.refunded", &charge_id)?;
    }
    emit_intent(state, &call.origin(), "payment_intent.canceled", id)?;
    show(state, id)
}
