//! Deterministic workflow code, and the typed contracts of the activities it calls.
//!
//! Nothing here touches the world: no SDK of an outside system, no clock, no random source. What a workflow wants done
//! it asks for through an activity of [`contracts`]; the `activities` crate implements them, and the compiler checks
//! that inputs and outputs agree.

pub mod cancellation;
pub mod checkout;
pub mod contracts;
pub mod finding;
pub mod fulfilment;
pub mod late_payment;
pub mod notification;
mod options;
pub mod parking;
pub mod reconciliation;
pub mod recovery;
pub mod refund;
pub mod search_attributes;
mod timer;

use kassa_domain::OrderId;

/// The task queue that workers poll and the API starts checkouts on, unless configured otherwise.
pub const TASK_QUEUE: &str = "kassa-checkout";

/// The workflow of an order; one order, one workflow.
pub fn workflow_id(order: &OrderId) -> String {
    format!("order-{order}")
}
