//! Checkout sessions: `/v1/checkout/sessions`, and the page on which their customers pay.

mod create;
mod expire;
mod page;
mod pay;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::create::create;
pub(crate) use self::expire::{expire, expire_due};
pub(crate) use self::page::{show as page, submit};
pub(crate) use self::pay::paid;
pub(crate) use self::read::{list, retrieve};

use super::errors::ApiError;
use super::events::emit;
use super::operations::Origin;
use super::state::{Record, State};

/// A page on which a customer pays once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CheckoutSession {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) status: Status,
    pub(crate) currency: String,
    pub(crate) items: Vec<Item>,
    pub(crate) amount_total: i64,
    pub(crate) payment_method_types: Vec<String>,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) customer_email: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// What the payment intent is made with once the customer tries to pay.
    pub(crate) intent_metadata: BTreeMap<String, String>,
    pub(crate) intent_description: Option<String>,
    pub(crate) payment_intent: Option<String>,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Open,
    Complete,
    Expired,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// What is paid for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
}

impl Record for CheckoutSession {
    const KIND: &'static str = "checkout.session";

    fn id(&self) -> &str {
        &self.id
    }
}

impl CheckoutSession {
    /// Where the customer pays.
    fn url(&self, base_url: &str) -> String {
        format!("{base_url}/_hosted/checkout/{}", self.id)
    }

    /// The object as Stripe shows it, without the many members that are null for such a session.
    pub(crate) fn render(&self, base_url: &str) -> Value {
        json!({
            "id": self.id,
            "object": "checkout.session",
            "amount_subtotal": self.amount_total,
            "amount_total": self.amount_total,
            "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "created": self.created,
            "currency": self.currency,
            "custom_fields": [],
            "custom_text": {
                "after_submit": null,
                "shipping_address": null,
                "submit": null,
                "terms_of_service_acceptance": null,
            },
            "customer": null,
            "customer_creation": "if_required",
            "customer_details": null,
            "customer_email": self.customer_email,
            "discounts": [],
            "expires_at": self.expires_at,
            "livemode": false,
            "metadata": self.metadata,
            "mode": "payment",
            "payment_intent": self.payment_intent,
            "payment_method_collection": "if_required",
            "payment_method_types": self.payment_method_types,
            "payment_status": if self.status == Status::Complete { "paid" } else { "unpaid" },
            "phone_number_collection": { "enabled": false },
            "setup_intent": null,
            "shipping_cost": null,
            "shipping_options": [],
            "status": self.status,
            "subscription": null,
            "success_url": self.success_url,
            "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
            "url": (self.status == Status::Open).then(|| self.url(base_url)),
        })
    }
}

/// The session that an address names.
fn find<'a>(state: &'a State, id: &str) -> Result<&'a CheckoutSession, ApiError> {
    state.checkout_sessions.get(id).ok_or_else(|| ApiError::missing("checkout.session", "session", id))
}

/// The session that an address names, to be changed.
fn find_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut CheckoutSession, ApiError> {
    state.checkout_sessions.get_mut(id).ok_or_else(|| ApiError::missing("checkout.session", "session", id))
}

/// The session as an answer or an event shows it.
fn show(state: &State, id: &str) -> Result<Value, ApiError> {
    Ok(find(state, id)?.render(&state.base_url))
}

/// Records what happened to the session.
fn emit_session(state: &mut State, origin: &Origin, event_type: &str, id: &str) -> Result<(), ApiError> {
    let object = show(state, id)?;
    emit(state, origin, event_type, object);
    Ok(())
}
