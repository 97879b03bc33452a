//! Which requests there are.

use serde_json::Value;

use super::errors::ApiError;
use super::form::Form;
use super::state::State;
use super::{charges, checkout_sessions, customers, events, expand, payment_intents, payment_methods, refunds};

/// One request to an operation.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) form: &'a Form,
    pub(crate) request_id: &'a str,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) now: i64,
}

impl Call<'_> {
    /// What the request is remembered by in the events that it causes.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            request_id: Some(self.request_id.to_owned()),
            idempotency_key: self.idempotency_key.map(str::to_owned),
            now: self.now,
        }
    }
}

/// What caused an event, and when.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) now: i64,
}

impl Origin {
    /// Something that happens by itself.
    pub(crate) fn automatic(now: i64) -> Self {
        Self { request_id: None, idempotency_key: None, now }
    }
}

/// An operation of the API, with the object that the address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    CreatePaymentIntent,
    RetrievePaymentIntent(String),
    UpdatePaymentIntent(String),
    ConfirmPaymentIntent(String),
    CapturePaymentIntent(String),
    CancelPaymentIntent(String),
    ListPaymentIntents,
    SearchPaymentIntents,
    CreateRefund,
    RetrieveRefund(String),
    UpdateRefund(String),
    ListRefunds,
    RetrieveCharge(String),
    ListCharges,
    CreateCheckoutSession,
    RetrieveCheckoutSession(String),
    ExpireCheckoutSession(String),
    ListCheckoutSessions,
    CreateCustomer,
    RetrieveCustomer(String),
    UpdateCustomer(String),
    ListCustomers,
    CreatePaymentMethod,
    RetrievePaymentMethod(String),
    AttachPaymentMethod(String),
    RetrieveEvent(String),
    ListEvents,
}

impl Operation {
    /// The operation that a request asks for.
    pub(crate) fn of(method: &str, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix("/v1/")?.trim_end_matches('/').split('/').collect();
        let session = || segments.get(2).map(|id| (*id).to_owned());
        let id = || segments.get(1).map(|id| (*id).to_owned());
        Some(match (method, segments.as_slice()) {
            ("POST", ["payment_intents"]) => Self::CreatePaymentIntent,
            ("GET", ["payment_intents"]) => Self::ListPaymentIntents,
            ("GET", ["payment_intents", "search"]) => Self::SearchPaymentIntents,
            ("GET", ["payment_intents", _]) => Self::RetrievePaymentIntent(id()?),
            ("POST", ["payment_intents", _]) => Self::UpdatePaymentIntent(id()?),
            ("POST", ["payment_intents", _, "confirm"]) => Self::ConfirmPaymentIntent(id()?),
            ("POST", ["payment_intents", _, "capture"]) => Self::CapturePaymentIntent(id()?),
            ("POST", ["payment_intents", _, "cancel"]) => Self::CancelPaymentIntent(id()?),
            ("POST", ["refunds"]) => Self::CreateRefund,
            ("GET", ["refunds"]) => Self::ListRefunds,
            ("GET", ["refunds", _]) => Self::RetrieveRefund(id()?),
            ("POST", ["refunds", _]) => Self::UpdateRefund(id()?),
            ("GET", ["charges"]) => Self::ListCharges,
            ("GET", ["charges", _]) => Self::RetrieveCharge(id()?),
            ("POST", ["checkout", "sessions"]) => Self::CreateCheckoutSession,
            ("GET", ["checkout", "sessions"]) => Self::ListCheckoutSessions,
            ("GET", ["checkout", "sessions", _]) => Self::RetrieveCheckoutSession(session()?),
            ("POST", ["checkout", "sessions", _, "expire"]) => Self::ExpireCheckoutSession(session()?),
            ("POST", ["customers"]) => Self::CreateCustomer,
            ("GET", ["customers"]) => Self::ListCustomers,
            ("GET", ["customers", _]) => Self::RetrieveCustomer(id()?),
            ("POST", ["customers", _]) => Self::UpdateCustomer(id()?),
            ("POST", ["payment_methods"]) => Self::CreatePaymentMethod,
            ("GET", ["payment_methods", _]) => Self::RetrievePaymentMethod(id()?),
            ("POST", ["payment_methods", _, "attach"]) => Self::AttachPaymentMethod(id()?),
            ("GET", ["events"]) => Self::ListEvents,
            ("GET", ["events", _]) => Self::RetrieveEvent(id()?),
            _ => return None,
        })
    }

    /// The name that faults, statistics and the request log use.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::CreatePaymentIntent => "payment_intents.create",
            Self::RetrievePaymentIntent(_) => "payment_intents.retrieve",
            Self::UpdatePaymentIntent(_) => "payment_intents.update",
            Self::ConfirmPaymentIntent(_) => "payment_intents.confirm",
            Self::CapturePaymentIntent(_) => "payment_intents.capture",
            Self::CancelPaymentIntent(_) => "payment_intents.cancel",
            Self::ListPaymentIntents => "payment_intents.list",
            Self::SearchPaymentIntents => "payment_intents.search",
            Self::CreateRefund => "refunds.create",
            Self::RetrieveRefund(_) => "refunds.retrieve",
            Self::UpdateRefund(_) => "refunds.update",
            Self::ListRefunds => "refunds.list",
            Self::RetrieveCharge(_) => "charges.retrieve",
            Self::ListCharges => "charges.list",
            Self::CreateCheckoutSession => "checkout_sessions.create",
            Self::RetrieveCheckoutSession(_) => "checkout_sessions.retrieve",
            Self::ExpireCheckoutSession(_) => "checkout_sessions.expire",
            Self::ListCheckoutSessions => "checkout_sessions.list",
            Self::CreateCustomer => "customers.create",
            Self::RetrieveCustomer(_) => "customers.retrieve",
            Self::UpdateCustomer(_) => "customers.update",
            Self::ListCustomers => "customers.list",
            Self::CreatePaymentMethod => "payment_methods.create",
            Self::RetrievePaymentMethod(_) => "payment_methods.retrieve",
            Self::AttachPaymentMethod(_) => "payment_methods.attach",
            Self::RetrieveEvent(_) => "events.retrieve",
            Self::ListEvents => "events.list",
        }
    }

    /// The order that the request is about, by the metadata of the request or of the object that it names.
    pub(crate) fn order_id(&self, state: &State, form: &Form) -> Option<String> {
        const KEY: &str = "order_id";
        if let Some(order_id) = form.owned(&format!("metadata[{KEY}]")) {
            return Some(order_id);
        }
        if let Self::RetrieveCheckoutSession(id) | Self::ExpireCheckoutSession(id) = self {
            return state.checkout_sessions.get(id)?.metadata.get(KEY).cloned();
        }
        let named_intent = match self {
            Self::RetrievePaymentIntent(id)
            | Self::UpdatePaymentIntent(id)
            | Self::ConfirmPaymentIntent(id)
            | Self::CapturePaymentIntent(id)
            | Self::CancelPaymentIntent(id) => Some(id.as_str()),
            Self::RetrieveRefund(id) | Self::UpdateRefund(id) => {
                state.refunds.get(id).map(|refund| refund.payment_intent.as_str())
            }
            Self::RetrieveCharge(id) => state.charges.get(id).map(|charge| charge.payment_intent.as_str()),
            _ => None,
        };
        let by_charge = || form.text("charge").and_then(|id| state.charges.get(id));
        let intent = named_intent
            .or_else(|| form.text("payment_intent"))
            .or_else(|| by_charge().map(|charge| charge.payment_intent.as_str()))?;
        state.payment_intents.get(intent)?.metadata.get(KEY).cloned()
    }

    /// Does it.
    pub(crate) fn run(&self, state: &mut State, call: &Call<'_>) -> Result<Value, ApiError> {
        expand::check(call.form)?;
        let mut body = match self {
            Self::CreatePaymentIntent => payment_intents::create(state, call),
            Self::RetrievePaymentIntent(id) => payment_intents::retrieve(state, call, id),
            Self::UpdatePaymentIntent(id) => payment_intents::update(state, call, id),
            Self::ConfirmPaymentIntent(id) => payment_intents::confirm(state, call, id),
            Self::CapturePaymentIntent(id) => payment_intents::capture(state, call, id),
            Self::CancelPaymentIntent(id) => payment_intents::cancel(state, call, id),
            Self::ListPaymentIntents => payment_intents::list(state, call),
            Self::SearchPaymentIntents => payment_intents::search(state, call),
            Self::CreateRefund => refunds::create(state, call),
            Self::RetrieveRefund(id) => refunds::retrieve(state, id),
            Self::UpdateRefund(id) => refunds::update(state, call, id),
            Self::ListRefunds => refunds::list(state, call),
            Self::RetrieveCharge(id) => charges::retrieve(state, id),
            Self::ListCharges => charges::list(state, call),
            Self::CreateCheckoutSession => checkout_sessions::create(state, call),
            Self::RetrieveCheckoutSession(id) => checkout_sessions::retrieve(state, call, id),
            Self::ExpireCheckoutSession(id) => checkout_sessions::expire(state, call, id),
            Self::ListCheckoutSessions => checkout_sessions::list(state, call),
            Self::CreateCustomer => customers::create(state, call),
            Self::RetrieveCustomer(id) => customers::retrieve(state, id),
            Self::UpdateCustomer(id) => customers::update(state, call, id),
            Self::ListCustomers => customers::list(state, call),
            Self::CreatePaymentMethod => payment_methods::create(state, call),
            Self::RetrievePaymentMethod(id) => payment_methods::retrieve(state, id),
            Self::AttachPaymentMethod(id) => payment_methods::attach(state, call, id),
            Self::RetrieveEvent(id) => events::retrieve(state, id),
            Self::ListEvents => events::list(state, call),
        }?;
        expand::apply(state, call.form, &mut body);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_operations() {
        for (method, path, name) in [
            ("POST", "/v1/payment_intents", "payment_intents.create"),
            ("GET", "/v1/payment_intents/search", "payment_intents.search"),
            ("GET", "/v1/payment_intents/pi_1", "payment_intents.retrieve"),
            ("POST", "/v1/payment_intents/pi_1/confirm", "payment_intents.confirm"),
            ("POST", "/v1/refunds/re_1", "refunds.update"),
            ("GET", "/v1/checkout/sessions/cs_1", "checkout_sessions.retrieve"),
            ("POST", "/v1/checkout/sessions/cs_1/expire", "checkout_sessions.expire"),
        ] {
            assert_eq!(Operation::of(method, path).map(|operation| operation.name()), Some(name));
        }
    }

    #[test]
    fn other_addresses_lead_nowhere() {
        for (method, path) in [
            ("DELETE", "/v1/payment_intents/pi_1"),
            ("GET", "/v2/payment_intents"),
            ("POST", "/v1/payment_intents/pi_1/melt"),
        ] {
            assert_eq!(Operation::of(method, path), None, "{method} {path}");
        }
    }
}
