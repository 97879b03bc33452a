//! One attempt to take the money of a payment intent, from its confirmation to its end.

use serde_json::{Value, json};

use super::super::charges::{Charge, ChargeStatus, approved_outcome, declined_outcome};
use super::super::checkout_sessions;
use super::super::errors::ApiError;
use super::super::form::Form;
use super::super::ids::new_id;
use super::super::operations::Origin;
use super::super::payment_methods::PaymentMethod;
use super::super::state::{FollowUp, State};
use super::super::test_methods::{Behaviour, Decline, Settlement, TestMethod};
use super::{NextAction, PaymentIntent, Status, emit_charge, emit_intent, find, find_mut, show, unexpected_state};

/// How the payment is to be attempted.
pub(super) struct Attempt {
    off_session: bool,
    error_on_requires_action: bool,
    return_url: Option<String>,
}

impl Attempt {
    /// Reads the parameters that go with a confirmation.
    pub(super) fn of_form(form: &Form) -> Result<Self, ApiError> {
        let return_url = form.owned("return_url");
        if let Some(url) = &return_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return Err(ApiError::invalid("Not a valid URL").code("url_invalid").param("return_url"));
        }
        Ok(Self {
            off_session: form.text("off_session").is_some_and(|text| text != "false"),
            error_on_requires_action: form.boolean("error_on_requires_action")?.unwrap_or(false),
            return_url,
        })
    }

    /// Refuses an attempt that could lead the customer away without a way back.
    pub(super) fn check(&self, intent: &PaymentIntent) -> Result<(), ApiError> {
        let redirects = intent.automatic_payment_methods.is_some_and(|automatic| automatic.redirects);
        if !redirects || self.return_url.is_some() {
            return Ok(());
        }
        Err(ApiError::invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these \
             payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't \
             want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and \
             `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
        ))
    }
}

/// How the customer's authentication went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The customer proved to be the owner of the card.
    Passed,
    /// The customer did not.
    Failed,
    /// The customer did, and the issuer takes its time to answer: the payment is on its way until it is settled.
    Undecided,
}

/// Tries to take the money. The payment intent and its payment method are known to be there.
pub(super) fn attempt(state: &mut State, origin: &Origin, id: &str, attempt: &Attempt) -> Result<(), ApiError> {
    let (method, test_method) = method_of(state, id)?;
    let intent = find(state, id)?;
    if !intent.payment_method_types.iter().any(|accepted| accepted == test_method.type_name()) {
        let message = format!(
            "The PaymentMethod provided ({}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of \
             the following types: {}. Alternatively update the allowed payment_method_types for this PaymentIntent to \
             include \"{}\".",
            test_method.type_name(),
            intent.payment_method_types.join(", "),
            test_method.type_name(),
        );
        return Err(ApiError::refused(message)
            .code("payment_intent_incompatible_payment_method")
            .param("payment_method")
            .with("payment_intent", intent.render(&state.base_url)));
    }

    match test_method.behaviour {
        Behaviour::Approve => approve(state, origin, id, &method, &test_method, false),
        Behaviour::Decline(decline) => fail(state, origin, id, &method, decline),
        Behaviour::Authenticate { exempt_off_session: true, then } if attempt.off_session => match then {
            None => approve(state, origin, id, &method, &test_method, false),
            Some(decline) => fail(state, origin, id, &method, decline),
        },
        Behaviour::Authenticate { .. } if attempt.off_session || attempt.error_on_requires_action => {
            fail(state, origin, id, &method, Decline::AuthenticationRequired)
        }
        Behaviour::Authenticate { .. } => {
            let intent = find_mut(state, id)?;
            intent.status = Status::RequiresAction;
            intent.last_payment_error = None;
            intent.next_action = Some(match &attempt.return_url {
                Some(return_url) => NextAction::RedirectToUrl { return_url: return_url.clone() },
                None => NextAction::UseStripeSdk,
            });
            emit_intent(state, origin, "payment_intent.requires_action", id)
        }
        Behaviour::Settle(_) => {
            let charge = new_charge(state, origin, id, &method, ChargeStatus::Pending)?;
            let intent = find_mut(state, id)?;
            intent.status = Status::Processing;
            intent.last_payment_error = None;
            emit_charge(state, origin, "charge.pending", &charge)?;
            emit_intent(state, origin, "payment_intent.processing", id)?;
            state.follow_ups.push(FollowUp::SettlePayment(id.to_owned()));
            Ok(())
        }
    }
}

/// Goes on after the customer has authenticated, or failed to.
pub(crate) fn authenticate(
    state: &mut State,
    origin: &Origin,
    id: &str,
    authentication: Authentication,
) -> Result<Value, ApiError> {
    let intent = find(state, id)?;
    if intent.status != Status::RequiresAction {
        let message = format!(
            "This PaymentIntent cannot be authenticated because it has a status of {}.",
            intent.status.as_str()
        );
        return Err(unexpected_state(message, intent, &state.base_url));
    }
    let (method, test_method) = method_of(state, id)?;
    let then = match test_method.behaviour {
        Behaviour::Authenticate { then, .. } => then,
        Behaviour::Approve | Behaviour::Decline(_) | Behaviour::Settle(_) => None,
    };
    match (authentication, then) {
        (Authentication::Passed, None) => approve(state, origin, id, &method, &test_method, true)?,
        (Authentication::Passed, Some(decline)) => {
            // Nobody waits for the answer of the bank here: the failure shows on the payment intent and in its event.
            let _declined = fail(state, origin, id, &method, decline);
        }
        (Authentication::Undecided, _) => {
            let charge = new_charge(state, origin, id, &method, ChargeStatus::Pending)?;
            let intent = find_mut(state, id)?;
            intent.status = Status::Processing;
            intent.next_action = None;
            emit_charge(state, origin, "charge.pending", &charge)?;
            emit_intent(state, origin, "payment_intent.processing", id)?;
        }
        (Authentication::Failed, _) => {
            let error = ApiError::refused(
                "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
            )
            .code("payment_intent_authentication_failure")
            .with("payment_method", method.render());
            back_to_payment_method(state, id, &error, None)?;
            emit_intent(state, origin, "payment_intent.payment_failed", id)?;
        }
    }
    show(state, id)
}

/// Ends a payment that is on its way, as a test decides or else as its payment method says.
pub(crate) fn settle(
    state: &mut State,
    origin: &Origin,
    id: &str,
    decided: Option<Settlement>,
) -> Result<Value, ApiError> {
    let intent = find(state, id)?;
    if intent.status != Status::Processing {
        let message =
            format!("This PaymentIntent cannot be settled because it has a status of {}.", intent.status.as_str());
        return Err(unexpected_state(message, intent, &state.base_url));
    }
    let charge_id = intent.latest_charge.clone().unwrap_or_default();
    let amount = intent.amount;
    let (method, test_method) = method_of(state, id)?;
    let settlement = match (decided, test_method.behaviour) {
        (Some(decided), _) => decided,
        (None, Behaviour::Settle(settlement)) => settlement,
        (None, Behaviour::Approve | Behaviour::Decline(_) | Behaviour::Authenticate { .. }) => Settlement::Stays,
    };
    match settlement {
        Settlement::Stays => {}
        Settlement::Succeeds => {
            if let Some(charge) = state.charges.get_mut(&charge_id) {
                charge.status = ChargeStatus::Succeeded;
                charge.captured = true;
                charge.amount_captured = charge.amount;
                charge.balance_transaction = Some(new_id("txn"));
            }
            let intent = find_mut(state, id)?;
            intent.status = Status::Succeeded;
            intent.amount_received = amount;
            emit_charge(state, origin, "charge.succeeded", &charge_id)?;
            emit_intent(state, origin, "payment_intent.succeeded", id)?;
        }
        Settlement::Fails => {
            let error = decline_error(Decline::InsufficientFunds, &charge_id, &method)
                .with("message", json!("The customer's bank account could not be charged."));
            if let Some(charge) = state.charges.get_mut(&charge_id) {
                charge.status = ChargeStatus::Failed;
                charge.failure_code = Some("insufficient_funds".to_owned());
                charge.failure_message = Some("The customer's bank account could not be charged.".to_owned());
            }
            back_to_payment_method(state, id, &error, Some(&charge_id))?;
            emit_charge(state, origin, "charge.failed", &charge_id)?;
            emit_intent(state, origin, "payment_intent.payment_failed", id)?;
        }
    }
    show(state, id)
}

fn method_of(state: &State, id: &str) -> Result<(PaymentMethod, TestMethod), ApiError> {
    let method_id = find(state, id)?.payment_method.as_deref().unwrap_or_default();
    let method = state
        .payment_methods
        .get(method_id)
        .ok_or_else(|| ApiError::missing_param("PaymentMethod", "payment_method", method_id))?;
    Ok((method.clone(), method.behaves_as()?))
}

fn approve(
    state: &mut State,
    origin: &Origin,
    id: &str,
    method: &PaymentMethod,
    test_method: &TestMethod,
    authenticated: bool,
) -> Result<(), ApiError> {
    let charge_id = new_charge(state, origin, id, method, ChargeStatus::Succeeded)?;
    let intent = find_mut(state, id)?;
    intent.next_action = None;
    intent.last_payment_error = None;
    let captures = intent.capture_method != "manual";
    let amount = intent.amount;
    if captures {
        intent.status = Status::Succeeded;
        intent.amount_received = amount;
    } else {
        intent.status = Status::RequiresCapture;
        intent.amount_capturable = amount;
    }
    if let Some(charge) = state.charges.get_mut(&charge_id) {
        charge.authenticated = authenticated;
        charge.outcome = approved_outcome(test_method);
        if captures {
            charge.captured = true;
            charge.amount_captured = amount;
            charge.balance_transaction = Some(new_id("txn"));
        }
    }
    let session = intent_session(state, id);
    emit_charge(state, origin, "charge.succeeded", &charge_id)?;
    let event_type = if captures { "payment_intent.succeeded" } else { "payment_intent.amount_capturable_updated" };
    emit_intent(state, origin, event_type, id)?;
    match session {
        Some(session) => checkout_sessions::paid(state, origin, &session),
        None => Ok(()),
    }
}

/// The checkout session on whose page the payment is made.
fn intent_session(state: &State, id: &str) -> Option<String> {
    state.payment_intents.get(id)?.session.clone()
}

/// Records a declined attempt. Always an error: the one that the caller of the API gets.
fn fail(
    state: &mut State,
    origin: &Origin,
    id: &str,
    method: &PaymentMethod,
    decline: Decline,
) -> Result<(), ApiError> {
    let charge_id = new_charge(state, origin, id, method, ChargeStatus::Failed)?;
    if let Some(charge) = state.charges.get_mut(&charge_id) {
        charge.failure_code = Some(decline.code().to_owned());
        charge.failure_message = Some(decline.message().to_owned());
        charge.outcome = declined_outcome(decline);
    }
    let error = decline_error(decline, &charge_id, method);
    back_to_payment_method(state, id, &error, Some(&charge_id))?;
    emit_charge(state, origin, "charge.failed", &charge_id)?;
    emit_intent(state, origin, "payment_intent.payment_failed", id)?;
    Err(error.with("payment_intent", show(state, id)?))
}

fn decline_error(decline: Decline, charge_id: &str, method: &PaymentMethod) -> ApiError {
    let mut error = ApiError::card(decline.message())
        .code(decline.code())
        .with("charge", json!(charge_id))
        .with("payment_method", method.render());
    if let Some(decline_code) = decline.decline_code() {
        error = error.with("decline_code", json!(decline_code));
    }
    if let Some(advice_code) = decline.advice_code() {
        error = error.with("advice_code", json!(advice_code));
    }
    match decline {
        Decline::IncorrectCvc => error.param("cvc"),
        Decline::ExpiredCard => error.param("exp_month"),
        Decline::IncorrectZip => error.param("address_zip"),
        Decline::Generic
        | Decline::InsufficientFunds
        | Decline::LostCard
        | Decline::StolenCard
        | Decline::Fraudulent
        | Decline::ProcessingError
        | Decline::VelocityLimitExceeded
        | Decline::BlockedByRadar
        | Decline::HighestRisk
        | Decline::AuthenticationRequired
        | Decline::AuthenticationUnavailable => error,
    }
}

/// After a failed attempt the payment intent waits for another payment method.
fn back_to_payment_method(
    state: &mut State,
    id: &str,
    error: &ApiError,
    charge_id: Option<&str>,
) -> Result<(), ApiError> {
    let intent = find_mut(state, id)?;
    intent.status = Status::RequiresPaymentMethod;
    intent.payment_method = None;
    intent.next_action = None;
    intent.last_payment_error = Some(error.as_last_payment_error());
    if let Some(charge_id) = charge_id {
        intent.latest_charge = Some(charge_id.to_owned());
    }
    Ok(())
}

fn new_charge(
    state: &mut State,
    origin: &Origin,
    id: &str,
    method: &PaymentMethod,
    status: ChargeStatus,
) -> Result<String, ApiError> {
    let intent = find(state, id)?;
    let prefix = if method.test_method.starts_with("pm_card") { "ch" } else { "py" };
    let charge = Charge {
        id: new_id(prefix),
        created: origin.now,
        amount: intent.amount,
        amount_captured: 0,
        amount_refunded: 0,
        currency: intent.currency.clone(),
        status,
        captured: false,
        authenticated: false,
        failure_code: None,
        failure_message: None,
        outcome: Value::Null,
        balance_transaction: None,
        payment_intent: id.to_owned(),
        payment_method: method.id.clone(),
        test_method: method.test_method.clone(),
        billing_details: method.billing_details(),
        customer: intent.customer.clone(),
        description: intent.description.clone(),
        receipt_email: intent.receipt_email.clone(),
        statement_descriptor: intent.statement_descriptor.clone(),
        statement_descriptor_suffix: intent.statement_descriptor_suffix.clone(),
        metadata: intent.metadata.clone(),
    };
    let charge_id = charge.id.clone();
    find_mut(state, id)?.latest_charge = Some(charge_id.clone());
    state.charges.insert(charge);
    Ok(charge_id)
}
