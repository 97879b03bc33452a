//! Everything the server remembers.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::charges::Charge;
use super::checkout_sessions::CheckoutSession;
use super::customers::Customer;
use super::events::Event;
use super::idempotency::SavedAnswer;
use super::payment_intents::PaymentIntent;
use super::payment_methods::PaymentMethod;
use super::refunds::Refund;

/// One kind of thing that is remembered.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Names the kind in the state file.
    const KIND: &'static str;

    /// Names one of them.
    fn id(&self) -> &str;
}

/// All things of one kind, in the order in which they came into being.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: HashMap<String, T>,
    order: Vec<String>,
    changed: Vec<String>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), order: Vec::new(), changed: Vec::new() }
    }
}

impl<T: Record> Table<T> {
    pub(crate) fn insert(&mut self, row: T) {
        let id = row.id().to_owned();
        if self.rows.insert(id.clone(), row).is_none() {
            self.order.push(id.clone());
        }
        self.changed.push(id);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(id)
    }

    /// The thing itself, which is written to the state file afterwards.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let row = self.rows.get_mut(id)?;
        self.changed.push(id.to_owned());
        Some(row)
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &T> {
        self.order.iter().rev().filter_map(|id| self.rows.get(id))
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &T> {
        self.order.iter().filter_map(|id| self.rows.get(id))
    }

    /// Takes over what a state file held.
    pub(crate) fn restore(&mut self, rows: Vec<T>) {
        for row in rows {
            self.insert(row);
        }
        self.changed.clear();
    }

    /// Forgets what was changed since the last time, after handing it out.
    pub(crate) fn take_changed(&mut self) -> Vec<&T> {
        let mut ids = std::mem::take(&mut self.changed);
        // What was created together keeps its order; what was changed twice is written once.
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        ids.iter().filter_map(|id| self.rows.get(id)).collect()
    }
}

/// Everything the server remembers.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) payment_intents: Table<PaymentIntent>,
    pub(crate) payment_methods: Table<PaymentMethod>,
    pub(crate) charges: Table<Charge>,
    pub(crate) checkout_sessions: Table<CheckoutSession>,
    pub(crate) refunds: Table<Refund>,
    pub(crate) customers: Table<Customer>,
    pub(crate) events: Table<Event>,
    pub(crate) saved_answers: Table<SavedAnswer>,
    /// What has to happen after the current change, once it is written.
    pub(crate) follow_ups: Vec<FollowUp>,
    /// Where this server is reached, for the addresses in its answers.
    pub(crate) base_url: String,
    /// Which events go to a webhook endpoint, by their types; a type may end in `*`.
    pub(crate) webhook_events: Vec<String>,
}

/// Something that happens by itself after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FollowUp {
    /// An event is delivered to the webhook endpoint.
    Deliver(String),
    /// A refund that is not final gets its end.
    SettleRefund(String),
    /// A payment that is on its way gets its end.
    SettlePayment(String),
}
