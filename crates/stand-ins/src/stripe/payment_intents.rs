//! Payment intents: `/v1/payment_intents`.

mod abandon;
mod attempt;
mod cancel;
mod capture;
mod confirm;
mod create;
mod read;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::abandon::abandon;
pub use self::attempt::Authentication;
pub(crate) use self::attempt::{authenticate, settle};
pub(crate) use self::cancel::cancel;
pub(crate) use self::capture::capture;
pub(crate) use self::confirm::confirm;
pub(crate) use self::create::{create, of_session};
pub(crate) use self::read::{list, retrieve, search};
pub(crate) use self::update::update;

use super::errors::ApiError;
use super::events::emit;
use super::operations::Origin;
use super::state::{Record, State};

/// The wish to take an amount from somebody, and how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PaymentIntent {
    pub(crate) id: String,
    pub(crate) client_secret: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) amount_capturable: i64,
    pub(crate) amount_received: i64,
    pub(crate) currency: String,
    pub(crate) status: Status,
    pub(crate) capture_method: String,
    pub(crate) confirmation_method: String,
    pub(crate) automatic_payment_methods: Option<AutomaticPaymentMethods>,
    pub(crate) payment_method_types: Vec<String>,
    pub(crate) payment_method: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) receipt_email: Option<String>,
    pub(crate) setup_future_usage: Option<String>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) transfer_group: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) latest_charge: Option<String>,
    pub(crate) last_payment_error: Option<Value>,
    pub(crate) next_action: Option<NextAction>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation_reason: Option<String>,
    /// The checkout session on whose page it is paid.
    #[serde(default)]
    pub(crate) session: Option<String>,
}

/// How far a payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// Whether the kinds of payment methods are chosen by Stripe, and whether they may lead the customer to another page.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct AutomaticPaymentMethods {
    pub(crate) enabled: bool,
    pub(crate) redirects: bool,
}

/// How the customer authenticates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub(crate) enum NextAction {
    /// On a page that leads back to the shop afterwards.
    RedirectToUrl { return_url: String },
    /// In a window that the shop's page opens.
    UseStripeSdk,
}

impl Record for PaymentIntent {
    const KIND: &'static str = "payment_intent";

    fn id(&self) -> &str {
        &self.id
    }
}

impl PaymentIntent {
    /// The object as Stripe shows it.
    pub(crate) fn render(&self, base_url: &str) -> Value {
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": self.amount_capturable,
            "amount_details": { "tip": {} },
            "amount_received": self.amount_received,
            "application": null,
            "application_fee_amount": null,
            "automatic_payment_methods": self.automatic_payment_methods.map(|automatic| json!({
                "allow_redirects": if automatic.redirects { "always" } else { "never" },
                "enabled": automatic.enabled,
            })),
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": self.capture_method,
            "client_secret": self.client_secret,
            "confirmation_method": self.confirmation_method,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": self.next_action.as_ref().map(|action| self.render_next_action(action, base_url)),
            "on_behalf_of": null,
            "payment_method": self.payment_method,
            "payment_method_configuration_details": null,
            "payment_method_options": { "card": {
                "installments": null,
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": "automatic",
            } },
            "payment_method_types": self.payment_method_types,
            "processing": null,
            "receipt_email": self.receipt_email,
            "review": null,
            "setup_future_usage": self.setup_future_usage,
            "shipping": null,
            "source": null,
            "statement_descriptor": self.statement_descriptor,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": self.status,
            "transfer_data": null,
            "transfer_group": self.transfer_group,
        })
    }

    fn render_next_action(&self, action: &NextAction, base_url: &str) -> Value {
        let page = authentication_page(self, base_url);
        match action {
            NextAction::RedirectToUrl { return_url } => json!({
                "type": "redirect_to_url",
                "redirect_to_url": { "return_url": return_url, "url": page },
            }),
            NextAction::UseStripeSdk => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": { "type": "three_d_secure_redirect", "stripe_js": page },
            }),
        }
    }
}

/// Where the customer authenticates the payment.
pub(crate) fn authentication_page(intent: &PaymentIntent, base_url: &str) -> String {
    format!("{base_url}/_hosted/3ds/{}", intent.id)
}

/// The payment intent that an address names.
fn find<'a>(state: &'a State, id: &str) -> Result<&'a PaymentIntent, ApiError> {
    state.payment_intents.get(id).ok_or_else(|| ApiError::missing("payment_intent", "intent", id))
}

/// The payment intent that an address names, to be changed.
fn find_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut PaymentIntent, ApiError> {
    state.payment_intents.get_mut(id).ok_or_else(|| ApiError::missing("payment_intent", "intent", id))
}

/// The payment intent as an answer or an event shows it.
fn show(state: &State, id: &str) -> Result<Value, ApiError> {
    Ok(find(state, id)?.render(&state.base_url))
}

/// Records what happened to the payment intent.
fn emit_intent(state: &mut State, origin: &Origin, event_type: &str, id: &str) -> Result<(), ApiError> {
    let object = show(state, id)?;
    emit(state, origin, event_type, object);
    Ok(())
}

/// Records what happened to a charge.
fn emit_charge(state: &mut State, origin: &Origin, event_type: &str, id: &str) -> Result<(), ApiError> {
    let charge = state.charges.get(id).ok_or_else(|| ApiError::missing("charge", "id", id))?;
    let object = charge.render();
    emit(state, origin, event_type, object);
    Ok(())
}

/// Refuses what the state of the payment intent does not allow.
fn require(intent: &PaymentIntent, base_url: &str, allowed: &[Status], verb: &str) -> Result<(), ApiError> {
    if allowed.contains(&intent.status) {
        return Ok(());
    }
    let message = if verb == "confirmed" && intent.status == Status::Succeeded {
        "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
            .to_owned()
    } else if verb == "captured" && intent.status == Status::Succeeded {
        "This PaymentIntent could not be captured because it has already been captured.".to_owned()
    } else {
        let names: Vec<_> = allowed.iter().map(|status| status.as_str()).collect();
        format!(
            "This PaymentIntent could not be {verb} because it has a status of {}. Only a PaymentIntent with one of the \
             following statuses may be {verb}: {}.",
            intent.status.as_str(),
            names.join(", "),
        )
    };
    Err(unexpected_state(message, intent, base_url))
}

fn unexpected_state(message: impl Into<String>, intent: &PaymentIntent, base_url: &str) -> ApiError {
    ApiError::refused(message).code("payment_intent_unexpected_state").with("payment_intent", intent.render(base_url))
}
