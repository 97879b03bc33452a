//! Money that came after its order had ended.
//!
//! It buys what it was meant for, if the order was only cancelled because the time to pay was over and everything is still
//! there; otherwise all of it goes back. Either way the customer is told.

mod plan;
mod workflow;

use kassa_domain::OrderId;
use serde::{Deserialize, Serialize};

pub use self::workflow::LatePayments;
use crate::checkout::Policy;

/// The identifier of the one update by which a caller learns that the payment is being dealt with.
pub const ACCEPTED_UPDATE_ID: &str = "accepted";

/// The workflow of a payment that came late; one payment, one workflow.
pub fn workflow_id(payment_intent: &str) -> String {
    format!("late-payment-{payment_intent}")
}

/// What dealing with a late payment starts with. Whoever finds one may start it, whatever they believe about the order:
/// everything is asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentInput {
    /// The order that it was for.
    pub order_id: OrderId,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
    /// How patient the workflow is.
    #[serde(default)]
    pub policy: Policy,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LatePaymentOutcome {
    /// It was not late: there is no money, it has gone back, or the books have it.
    Nothing,
    /// The order is confirmed with it.
    Revived,
    /// It has gone back.
    Refunded,
    /// It could not go back; an operator has decided.
    GivenUp,
}
