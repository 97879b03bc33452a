//! `POST /v1/payment_intents/{id}/confirm`

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::operations::Call;
use super::super::payment_methods;
use super::super::state::State;
use super::attempt::{Attempt, attempt};
use super::{Status, find, find_mut, require, show};

const KNOWN: &[&str] = &[
    "allowed_payment_method_types",
    "amount_details",
    "amount_to_confirm",
    "capture_method",
    "client_secret",
    "confirmation_token",
    "error_on_requires_action",
    "excluded_payment_method_types",
    "expand",
    "hooks",
    "mandate",
    "mandate_data",
    "off_session",
    "payment_details",
    "payment_method",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "radar_options",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "shipping",
    "use_stripe_sdk",
];

/// Tries to take the money, with the payment method that is given or the one that was given before.
pub(crate) fn confirm(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    let form = call.form;
    form.accept_only(KNOWN, false)?;
    let attempted = Attempt::of_form(form)?;
    let capture_method = form.choice("capture_method", &["automatic", "automatic_async", "manual"])?;
    let setup_future_usage = form.choice("setup_future_usage", &["off_session", "on_session"])?;
    let amount_to_confirm = form.integer("amount_to_confirm")?;

    let intent = find(state, id)?;
    let allowed = [Status::RequiresPaymentMethod, Status::RequiresConfirmation, Status::RequiresAction];
    require(intent, &state.base_url, &allowed, "confirmed")?;
    attempted.check(intent)?;
    if let Some(amount) = amount_to_confirm
        && amount != intent.amount
    {
        let message = "The amount_to_confirm does not match the amount of the PaymentIntent.";
        return Err(ApiError::invalid(message).code("payment_intent_invalid_parameter").param("amount_to_confirm"));
    }
    let unauthenticated = intent.status == Status::RequiresAction;
    let given = payment_methods::of_request(state, call)?;
    if unauthenticated && given.is_none() {
        // The customer has not authenticated yet: asking again leads to the same next action.
        return show(state, id);
    }

    let intent = find_mut(state, id)?;
    if given.is_some() {
        intent.payment_method = given;
    }
    if intent.payment_method.is_none() {
        let base_url = state.base_url.clone();
        let intent = find(state, id)?;
        return Err(missing_payment_method().with("payment_intent", intent.render(&base_url)));
    }
    if let Some(email) = form.owned("receipt_email") {
        intent.receipt_email = Some(email);
    }
    if let Some(capture_method) = capture_method {
        intent.capture_method = capture_method;
    }
    if setup_future_usage.is_some() {
        intent.setup_future_usage = setup_future_usage;
    }
    attempt(state, &call.origin(), id, &attempted)?;
    show(state, id)
}

pub(super) fn missing_payment_method() -> ApiError {
    ApiError::refused(
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent \
         with a payment method and then confirm it again, or confirm it again directly with a payment method or \
         ConfirmationToken.",
    )
    .code("payment_intent_unexpected_state")
}
