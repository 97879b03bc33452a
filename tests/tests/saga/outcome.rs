//! What an order comes to, as far as model and reality are compared.

use std::collections::BTreeSet;

/// What an order comes to once everything is at rest and operators have decided what waited for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What the customer is told: the status of the answer, and the code of a problem.
    pub(crate) answer: (u16, Option<&'static str>),
    /// Where the order ends.
    pub(crate) status: &'static str,
    /// Why it is cancelled.
    pub(crate) reason: Option<&'static str>,
    /// Whether the card was charged.
    pub(crate) captured: bool,
    /// Whether the charge was given back, whole.
    pub(crate) refunded: bool,
    /// Where the reservation ends.
    pub(crate) reservation: Option<&'static str>,
    /// The mails, each at least once.
    pub(crate) mails: BTreeSet<&'static str>,
    /// The events, each at least once.
    pub(crate) events: BTreeSet<&'static str>,
    /// The steps at which somebody had to decide.
    pub(crate) parked: BTreeSet<&'static str>,
    /// The deeds whose trouble struck.
    pub(crate) struck: BTreeSet<String>,
}
