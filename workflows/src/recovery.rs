//! Recovery: an order whose workflows have ended, and left something undone, is brought to rest.
//!
//! An undecided order is taken back as its checkout would have done: the money first, then the stock, then the books. Of
//! one that has ended, whatever is left is done: money that came late goes back, refunds that were claimed are made, pieces
//! return, events are published. Each step is the one that other workflows use, and tolerates that it was done before.

mod announce;
mod late_money;
mod take_back;
mod workflow;

use kassa_domain::OrderId;
use serde::{Deserialize, Serialize};

pub use self::workflow::Recovery;
use crate::checkout::Policy;

/// The workflow that brings an order to rest; one order, one workflow.
pub fn workflow_id(order: &OrderId) -> String {
    format!("recovery-{order}")
}

/// What a recovery starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryInput {
    /// The order.
    pub order_id: OrderId,
    /// What was found about it, for whoever reads.
    pub found: String,
    /// How patient the workflow is.
    #[serde(default)]
    pub policy: Policy,
}

/// What came of a recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RecoveryOutcome {
    /// It was undecided and is taken back.
    TakenBack,
    /// It had ended, and what was left is done.
    Finished,
    /// Another workflow is at it.
    Busy {
        /// The workflow.
        workflow_id: String,
    },
    /// An operator ended the attempt.
    GivenUp,
}
