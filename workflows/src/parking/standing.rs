//! Where a workflow stands, for whoever looks into an order.

use serde::{Deserialize, Serialize};

use super::Parks;

/// Wire name of the query that every workflow answers with its [`Standing`].
pub const STANDING: &str = "standing";

/// Where a workflow stands. Never personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it is at: the wire name of an activity, or words of its own.
    pub stage: String,
    /// What waits for an operator.
    pub waiting: Vec<Waiting>,
}

/// A step that waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The step, by the wire name of its activity.
    pub step: String,
    /// Why it was parked.
    pub error: String,
    /// The updates that it takes.
    pub updates: Vec<String>,
}

/// Where a workflow stands.
pub(crate) fn standing(workflow: &impl Parks) -> Standing {
    Standing { stage: workflow.stage().to_owned(), waiting: workflow.parked().waiting() }
}
