//! Activities: everything that touches the world outside a workflow.
//!
//! One struct per outside system implements the contracts that the workflows crate declares. An activity delegates to
//! a function with a typed error; one place (`error`) decides what the engine tries again.

#![expect(missing_docs, reason = "the activity macro generates markers without documentation")]

mod alive;
pub mod carts;
mod error;
pub mod events;
pub mod inventory;
pub mod late_payments;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod reconciliation;
pub mod recovery;
pub mod refunds;
pub mod valve;
