//! What is known of an order whose workflows have ended and left it unfinished.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Caller, EmailAddress, Money, OrderId, PricedOrder};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

use super::events::OrderEvent;
use super::orders::PlaceOrder;
use super::payments::Captured;
use super::refunds::RefundClaim;

/// Wire name of [`Recoveries::examine`].
pub const EXAMINE: &str = "recovery.examine";

/// An order that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examine {
    /// The order.
    pub order_id: OrderId,
    /// Whether whoever asks has just taken it back. Nobody else will tell of that, whatever still waits for the order.
    #[serde(default)]
    pub taken_back: bool,
}

/// What there is to do about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Examined {
    /// A workflow is at it.
    Busy {
        /// The workflow.
        workflow_id: String,
    },
    /// The books know nothing of it.
    Unknown,
    /// It is undecided, and has to be taken back.
    Undecided {
        /// Who wanted what.
        place: Box<PlaceOrder>,
        /// The price snapshot.
        order: PricedOrder,
        /// The pages at Stripe on which it can, or could, be paid (`cs_...`).
        sessions: Vec<String>,
        /// The intents at Stripe (`pi_...`).
        payment_intents: Vec<String>,
    },
    /// It has ended, sold or not.
    Ended {
        /// What is left to do.
        left: Box<Left>,
    },
}

/// What is left to do about an order that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Whether it is sold.
    pub is_sold: bool,
    /// Whether pieces are held for it.
    pub holds_stock: bool,
    /// Whether pieces are sold to it.
    pub has_stock: bool,
    /// Who bought.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// The price snapshot.
    pub order: PricedOrder,
    /// What Stripe has captured of a cancelled order without the books knowing.
    #[serde(default)]
    pub late: Option<Captured>,
    /// What the books know of a cancelled order's payment that is neither given back nor about to be.
    #[serde(default)]
    pub owed: Option<Money>,
    /// Refunds that are claimed and not settled.
    #[serde(default)]
    pub pending: Vec<RefundClaim>,
    /// Why it was cancelled, as a stable code, if it was.
    #[serde(default)]
    pub reason: Option<String>,
    /// What was given back when it was cancelled.
    #[serde(default)]
    pub refunded: Option<Money>,
    /// Events that were never published.
    #[serde(default)]
    pub unpublished: Vec<Unpublished>,
}

/// An event that was never published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpublished {
    /// Its number.
    pub sequence: u32,
    /// What happened.
    pub event: OrderEvent,
}

/// The activities of this system.
pub struct Recoveries;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Recoveries {
    /// Looks at an order everywhere, and says what is left to do. Changes nothing.
    #[activity(name = EXAMINE)]
    pub fn examine(input: Examine) -> Result<Examined, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::recoveries::*;
}
