//! `POST /v1/payment_intents`

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::checkout_sessions::CheckoutSession;
use super::super::errors::ApiError;
use super::super::form::{Form, apply_metadata};
use super::super::ids::{client_secret, new_id};
use super::super::money::{check_amount, parse_currency};
use super::super::operations::{Call, Origin};
use super::super::payment_methods;
use super::super::state::State;
use super::attempt::{Attempt, attempt};
use super::{AutomaticPaymentMethods, PaymentIntent, Status, emit_intent, show};

const KNOWN: &[&str] = &[
    "allowed_payment_method_types",
    "amount",
    "amount_details",
    "application_fee_amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "confirmation_token",
    "currency",
    "customer",
    "description",
    "error_on_requires_action",
    "excluded_payment_method_types",
    "expand",
    "hooks",
    "mandate",
    "mandate_data",
    "metadata",
    "off_session",
    "on_behalf_of",
    "payment_details",
    "payment_method",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "radar_options",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
    "use_stripe_sdk",
];

/// Makes a payment intent, and confirms it when asked to.
pub(crate) fn create(state: &mut State, call: &Call<'_>) -> Result<Value, ApiError> {
    let form = call.form;
    form.accept_only(KNOWN, false)?;
    let amount = form.integer("amount")?.ok_or_else(|| ApiError::parameter_missing("amount"))?;
    let currency = form.text("currency").ok_or_else(|| ApiError::parameter_missing("currency"))?;
    let currency = parse_currency(currency)?;
    check_amount(amount, &currency)?;

    let confirm = form.boolean("confirm")?.unwrap_or(false);
    if !confirm {
        refuse_confirmation_parameters(form)?;
    }
    let (automatic_payment_methods, payment_method_types) = accepted_methods(form)?;
    let mut intent = new_intent(call, amount, currency)?;
    intent.automatic_payment_methods = automatic_payment_methods;
    intent.payment_method_types = payment_method_types;
    if let Some(customer) = &intent.customer
        && state.customers.get(customer).is_none()
    {
        return Err(ApiError::missing_param("customer", "customer", customer));
    }
    let attempted = Attempt::of_form(form)?;
    if confirm {
        attempted.check(&intent)?;
    }
    intent.payment_method = payment_methods::of_request(state, call)?;
    if intent.payment_method.is_some() {
        intent.status = Status::RequiresConfirmation;
    } else if confirm {
        return Err(super::confirm::missing_payment_method());
    }

    let id = intent.id.clone();
    state.payment_intents.insert(intent);
    emit_intent(state, &call.origin(), "payment_intent.created", &id)?;
    if confirm {
        attempt(state, &call.origin(), &id, &attempted)?;
    }
    show(state, &id)
}

/// Makes the payment intent of a checkout session, which its page confirms.
pub(crate) fn of_session(state: &mut State, origin: &Origin, session: &CheckoutSession) -> Result<String, ApiError> {
    let form = Form::default();
    let call = Call { form: &form, request_id: "", idempotency_key: None, now: origin.now };
    let intent = PaymentIntent {
        payment_method_types: session.payment_method_types.clone(),
        description: session.intent_description.clone(),
        metadata: session.intent_metadata.clone(),
        session: Some(session.id.clone()),
        ..new_intent(&call, session.amount_total, session.currency.clone())?
    };
    let id = intent.id.clone();
    state.payment_intents.insert(intent);
    emit_intent(state, origin, "payment_intent.created", &id)?;
    Ok(id)
}

fn new_intent(call: &Call<'_>, amount: i64, currency: String) -> Result<PaymentIntent, ApiError> {
    let form = call.form;
    let id = new_id("pi");
    let mut metadata = BTreeMap::new();
    apply_metadata(&mut metadata, form)?;
    Ok(PaymentIntent {
        client_secret: client_secret(&id),
        id,
        created: call.now,
        amount,
        amount_capturable: 0,
        amount_received: 0,
        currency,
        status: Status::RequiresPaymentMethod,
        capture_method: form
            .choice("capture_method", &["automatic", "automatic_async", "manual"])?
            .unwrap_or_else(|| "automatic_async".to_owned()),
        confirmation_method: form
            .choice("confirmation_method", &["automatic", "manual"])?
            .unwrap_or_else(|| "automatic".to_owned()),
        automatic_payment_methods: None,
        payment_method_types: Vec::new(),
        payment_method: None,
        customer: form.owned("customer"),
        description: form.owned("description"),
        receipt_email: form.owned("receipt_email"),
        setup_future_usage: form.choice("setup_future_usage", &["off_session", "on_session"])?,
        statement_descriptor: form.owned("statement_descriptor"),
        statement_descriptor_suffix: form.owned("statement_descriptor_suffix"),
        transfer_group: form.owned("transfer_group"),
        metadata,
        latest_charge: None,
        last_payment_error: None,
        next_action: None,
        canceled_at: None,
        cancellation_reason: None,
        session: None,
    })
}

/// Which kinds of payment methods the payment accepts. Without a word about it they are chosen automatically.
fn accepted_methods(form: &Form) -> Result<(Option<AutomaticPaymentMethods>, Vec<String>), ApiError> {
    let mut listed = form.list("payment_method_types");
    listed.extend(form.list("allowed_payment_method_types"));
    for method_type in &listed {
        if !["card", "link", "us_bank_account"].contains(&method_type.as_str()) {
            let message = format!(
                "The payment method type \"{method_type}\" is invalid. Please ensure the provided type is activated in your \
                 dashboard and your account is enabled for any preview features that you are trying to use."
            );
            return Err(ApiError::invalid(message).param("payment_method_types"));
        }
    }
    let enabled = form.boolean("automatic_payment_methods[enabled]")?;
    let redirects = form.choice("automatic_payment_methods[allow_redirects]", &["always", "never"])?;
    if form.has("automatic_payment_methods") {
        if form.has("payment_method_types") {
            let message =
                "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.";
            return Err(ApiError::invalid(message).code("parameters_exclusive"));
        }
        if enabled.is_none() {
            return Err(ApiError::parameter_missing("automatic_payment_methods[enabled]"));
        }
    }
    if !listed.is_empty() {
        return Ok((None, listed));
    }
    if enabled == Some(false) {
        return Ok((None, vec!["card".to_owned()]));
    }
    let automatic = AutomaticPaymentMethods { enabled: true, redirects: redirects.as_deref() != Some("never") };
    Ok((Some(automatic), vec!["card".to_owned(), "us_bank_account".to_owned()]))
}

fn refuse_confirmation_parameters(form: &Form) -> Result<(), ApiError> {
    for name in ["off_session", "error_on_requires_action", "return_url", "mandate", "mandate_data", "use_stripe_sdk"] {
        if form.has(name) {
            let message = format!("The parameter {name} can only be used with confirm=true.");
            return Err(ApiError::invalid(message).param(name));
        }
    }
    Ok(())
}
