//! `POST /v1/payment_intents/{id}`

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::form::apply_metadata;
use super::super::money::{check_amount, parse_currency};
use super::super::operations::Call;
use super::super::payment_methods;
use super::super::state::State;
use super::{Status, find, find_mut, show, unexpected_state};

const KNOWN: &[&str] = &[
    "amount",
    "amount_details",
    "application_fee_amount",
    "capture_method",
    "currency",
    "customer",
    "description",
    "expand",
    "metadata",
    "payment_details",
    "payment_method",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

/// What can only be changed before the money is on its way.
const BEFORE_PAYMENT: &[&str] =
    &["amount", "currency", "customer", "payment_method", "payment_method_data", "capture_method"];

/// Changes a payment intent without confirming it.
pub(crate) fn update(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    let form = call.form;
    form.accept_only(KNOWN, true)?;
    let intent = find(state, id)?;
    let open =
        matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction);
    if let Some(name) = BEFORE_PAYMENT.iter().find(|name| !open && form.has(name)) {
        let message = format!(
            "This PaymentIntent's {name} could not be updated because it has a status of {}. You may only update the {name} \
             of a PaymentIntent with one of the following statuses: requires_payment_method, requires_confirmation, \
             requires_action.",
            intent.status.as_str(),
        );
        return Err(unexpected_state(message, intent, &state.base_url));
    }

    let currency = match form.text("currency") {
        Some(currency) => parse_currency(currency)?,
        None => intent.currency.clone(),
    };
    let amount = form.integer("amount")?.unwrap_or(intent.amount);
    check_amount(amount, &currency)?;
    let capture_method = form.choice("capture_method", &["automatic", "automatic_async", "manual"])?;
    if let Some(customer) = form.text("customer")
        && state.customers.get(customer).is_none()
    {
        return Err(ApiError::missing_param("customer", "customer", customer));
    }
    let mut metadata = intent.metadata.clone();
    apply_metadata(&mut metadata, form)?;
    let payment_method = payment_methods::of_request(state, call)?;

    let intent = find_mut(state, id)?;
    intent.metadata = metadata;
    intent.amount = amount;
    intent.currency = currency;
    if let Some(capture_method) = capture_method {
        intent.capture_method = capture_method;
    }
    if payment_method.is_some() {
        intent.payment_method = payment_method;
        intent.next_action = None;
        intent.status = Status::RequiresConfirmation;
    }
    for (key, field) in [
        ("customer", &mut intent.customer),
        ("description", &mut intent.description),
        ("receipt_email", &mut intent.receipt_email),
        ("statement_descriptor", &mut intent.statement_descriptor),
        ("statement_descriptor_suffix", &mut intent.statement_descriptor_suffix),
        ("transfer_group", &mut intent.transfer_group),
    ] {
        if let Some(text) = form.text(key) {
            *field = Some(text.to_owned()).filter(|text| !text.is_empty());
        }
    }
    show(state, id)
}
