//! Reconciliation: Stripe, both databases and the workflows are compared, and whatever does not agree is mended, or shown
//! to an operator.
//!
//! It is read page by page, each by an activity that returns nothing but what it found, and the workflow continues as
//! new, so that its history stays small however many orders there are.

mod report;
mod workflow;

use std::time::Duration;

use kassa_domain::{OrderId, ReconciliationId, RefundId};
use serde::{Deserialize, Serialize};

pub use self::report::{CheckReport, Found, MAX_LISTED, Report};
pub use self::workflow::Reconcile;
use crate::checkout::Policy;

/// The schedule that starts reconciliations, and what the names of all of them begin with.
pub const SCHEDULE_ID: &str = "reconciliation";

/// The workflow of a reconciliation that somebody asked for.
pub fn workflow_id(id: &ReconciliationId) -> String {
    format!("{SCHEDULE_ID}-{id}")
}

/// What a reconciliation starts with. A schedule starts every one with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationInput {
    /// What happened before is not looked at where there is very much of it, in milliseconds since 1970; what is older
    /// than the policy says if absent.
    #[serde(default)]
    pub since: Option<i64>,
    /// What is judged.
    #[serde(default)]
    pub policy: ReconciliationPolicy,
    /// How far it is; absent at its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// Durations that operators and tests choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReconciliationPolicy {
    /// What is younger may be in flight, and is not judged; in milliseconds.
    pub grace_ms: u64,
    /// How far back payments, refunds and changes of decided orders are looked at, in milliseconds.
    pub look_back_ms: u64,
    /// How long a workflow may be open, in milliseconds; one that waits for banks longer, by what banks may take.
    pub open_limit_ms: u64,
    /// How many pages one run of the workflow reads before it continues as new.
    pub pages_per_run: u32,
    /// How patient this workflow is, and those that mend what it finds.
    pub steps: Policy,
}

impl Default for ReconciliationPolicy {
    fn default() -> Self {
        // A quarter of an hour is longer than a step is retried. Two days overlap generously with the reconciliation
        // before, and are twice what mail and events are retried for. A hundred pages make a history of less than two
        // thousand events.
        Self {
            grace_ms: 15 * 60 * 1000,
            look_back_ms: 2 * 24 * 60 * 60 * 1000,
            open_limit_ms: 2 * 24 * 60 * 60 * 1000,
            pages_per_run: 100,
            steps: Policy::default(),
        }
    }
}

impl ReconciliationPolicy {
    /// How long a workflow may be open.
    pub const fn open_limit(&self) -> Duration {
        Duration::from_millis(self.open_limit_ms)
    }
}

/// How far a reconciliation is, from one run to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What has come of it so far.
    pub report: Report,
    /// How many checks are done.
    pub done: usize,
    /// Where the next page of the current one starts.
    pub cursor: Option<String>,
}

/// The workflows that may be changing an order right now, beside those of its refunds, of payments that came late, and of its
/// way to its customer: while one is open, nothing about the order is judged.
pub fn workflows_of(order: &OrderId) -> Vec<String> {
    vec![crate::workflow_id(order), crate::cancellation::workflow_id(order), crate::recovery::workflow_id(order)]
}

/// The workflow that may be deciding right now what becomes of a payment that came late.
pub fn workflow_of_late_payment(payment_intent: &str) -> String {
    crate::late_payment::workflow_id(payment_intent)
}

/// The workflow that may be making a refund right now.
pub fn workflow_of_refund(refund: &RefundId) -> String {
    crate::refund::workflow_id(refund)
}
