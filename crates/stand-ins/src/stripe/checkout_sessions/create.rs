//! `POST /v1/checkout/sessions`

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::form::{Form, apply_metadata, metadata_of};
use super::super::ids::random_text;
use super::super::money::{check_amount, parse_currency};
use super::super::operations::Call;
use super::super::state::State;
use super::{CheckoutSession, Item, Status, show};

const KNOWN: &[&str] = &[
    "allowed_payment_method_types",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "expand",
    "expires_at",
    "line_items",
    "metadata",
    "mode",
    "payment_intent_data",
    "payment_method_types",
    "success_url",
];

/// How long after its creation a session may expire, in seconds.
const LIFETIME: RangeInclusive<i64> = 30 * 60..=24 * 60 * 60;

const MAX_ITEMS: usize = 100;

/// Opens a page for a payment. No payment intent is made before the customer tries to pay.
pub(crate) fn create(state: &mut State, call: &Call<'_>) -> Result<Value, ApiError> {
    let form = call.form;
    form.accept_only(KNOWN, false)?;
    if form.choice("mode", &["payment"])?.is_none() {
        return Err(ApiError::parameter_missing("mode"));
    }
    let (items, currency) = items(form)?;
    let amount_total = items.iter().map(|item| item.unit_amount * item.quantity).sum();
    check_amount(amount_total, &currency)?;

    let expires_at = form.integer("expires_at")?.unwrap_or(call.now + LIFETIME.end());
    if !LIFETIME.contains(&(expires_at - call.now)) {
        let message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.";
        return Err(ApiError::invalid(message).param("expires_at"));
    }
    let success_url = url(form, "success_url")?.ok_or_else(|| ApiError::parameter_missing("success_url"))?;
    let mut metadata = BTreeMap::new();
    apply_metadata(&mut metadata, form)?;

    let session = CheckoutSession {
        id: format!("cs_test_{}", random_text(58)),
        created: call.now,
        expires_at,
        status: Status::Open,
        currency,
        items,
        amount_total,
        payment_method_types: payment_method_types(form)?,
        success_url,
        cancel_url: url(form, "cancel_url")?,
        client_reference_id: form.owned("client_reference_id"),
        customer_email: customer_email(form)?,
        metadata,
        intent_metadata: metadata_of(form, "payment_intent_data[metadata]")?,
        intent_description: form.owned("payment_intent_data[description]"),
        payment_intent: None,
    };
    let id = session.id.clone();
    state.checkout_sessions.insert(session);
    show(state, &id)
}

fn items(form: &Form) -> Result<(Vec<Item>, String), ApiError> {
    let mut items = Vec::new();
    let mut currencies = Vec::new();
    for index in 0..=MAX_ITEMS {
        let key = |name: &str| format!("line_items[{index}]{name}");
        let Some(quantity) = form.integer(&key("[quantity]"))? else { break };
        let required = |name: &str| form.text(&key(name)).ok_or_else(|| ApiError::parameter_missing(&key(name)));
        currencies.push(parse_currency(required("[price_data][currency]")?)?);
        let name = required("[price_data][product_data][name]")?.to_owned();
        required("[price_data][unit_amount]")?;
        let unit_amount = form.integer(&key("[price_data][unit_amount]"))?.unwrap_or_default();
        if !(0..=99_999_999).contains(&unit_amount) || !(1..=999_999).contains(&quantity) {
            let message = "The unit amount has to be between 0 and 99999999 and the quantity between 1 and 999999.";
            return Err(ApiError::invalid(message).param(&key("")));
        }
        items.push(Item { name, unit_amount, quantity });
    }
    if items.len() > MAX_ITEMS {
        let message = format!("Checkout accepts a maximum of {MAX_ITEMS} line items.");
        return Err(ApiError::invalid(message).param("line_items"));
    }
    let Some(currency) = currencies.first().cloned() else { return Err(ApiError::parameter_missing("line_items")) };
    if currencies.iter().any(|other| *other != currency) {
        let message = "All line items of a Checkout Session have to use the same currency.";
        return Err(ApiError::invalid(message).param("line_items"));
    }
    Ok((items, currency))
}

fn payment_method_types(form: &Form) -> Result<Vec<String>, ApiError> {
    let mut listed = form.list("payment_method_types");
    listed.extend(form.list("allowed_payment_method_types"));
    if let Some(other) = listed.iter().find(|kind| *kind != "card") {
        let message = format!("The payment method type `{other}` is invalid: this server's page takes cards.");
        return Err(ApiError::invalid(message).param("payment_method_types"));
    }
    Ok(vec!["card".to_owned()])
}

fn customer_email(form: &Form) -> Result<Option<String>, ApiError> {
    let email = form.owned("customer_email");
    if email.as_ref().is_some_and(|email| !email.contains('@')) {
        return Err(ApiError::invalid("Invalid email address").code("email_invalid").param("customer_email"));
    }
    Ok(email)
}

fn url(form: &Form, name: &str) -> Result<Option<String>, ApiError> {
    let url = form.owned(name);
    if url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(ApiError::invalid("Not a valid URL").code("url_invalid").param(name));
    }
    Ok(url)
}
