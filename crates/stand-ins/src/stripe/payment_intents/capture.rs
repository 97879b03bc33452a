//! `POST /v1/payment_intents/{id}/capture`

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::form::apply_metadata;
use super::super::ids::new_id;
use super::super::money::{check_positive, format_amount};
use super::super::operations::Call;
use super::super::state::State;
use super::{Status, emit_charge, emit_intent, find, find_mut, require, show};

const KNOWN: &[&str] = &[
    "amount_details",
    "amount_to_capture",
    "application_fee_amount",
    "expand",
    "final_capture",
    "hooks",
    "metadata",
    "payment_details",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
];

/// Takes the authorized amount, or a part of it. What is left is released.
pub(crate) fn capture(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    let form = call.form;
    form.accept_only(KNOWN, false)?;
    let wanted = form.integer("amount_to_capture")?;
    if let Some(amount) = wanted {
        check_positive(amount, "amount_to_capture")?;
    }
    if form.boolean("final_capture")? == Some(false) {
        let message = "This payment does not support capturing more than once.";
        return Err(ApiError::invalid(message).param("final_capture"));
    }

    let intent = find(state, id)?;
    require(intent, &state.base_url, &[Status::RequiresCapture], "captured")?;
    let amount = wanted.unwrap_or(intent.amount_capturable);
    if amount > intent.amount_capturable {
        let message = format!(
            "The amount_to_capture ({}) is greater than the amount you can capture ({}).",
            format_amount(amount, &intent.currency),
            format_amount(intent.amount_capturable, &intent.currency),
        );
        return Err(ApiError::refused(message)
            .code("amount_too_large")
            .param("amount_to_capture")
            .with("payment_intent", intent.render(&state.base_url)));
    }

    let charge_id = intent.latest_charge.clone().unwrap_or_default();
    let intent = find_mut(state, id)?;
    apply_metadata(&mut intent.metadata, form)?;
    intent.status = Status::Succeeded;
    intent.amount_capturable = 0;
    intent.amount_received = amount;
    if let Some(charge) = state.charges.get_mut(&charge_id) {
        charge.captured = true;
        charge.amount_captured = amount;
        charge.amount_refunded = charge.amount - amount;
        charge.balance_transaction = Some(new_id("txn"));
    }
    emit_charge(state, &call.origin(), "charge.captured", &charge_id)?;
    emit_intent(state, &call.origin(), "payment_intent.succeeded", id)?;
    show(state, id)
}
