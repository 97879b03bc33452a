//! Cancelling an order for its customer, or for the shop, while that is allowed.
//!
//! An order whose checkout still runs is taken back by its checkout, which is asked to stop. One that is confirmed is
//! cancelled in the books, in one statement that also claims what is to be given back; from then on there is only forward.

mod workflow;

use kassa_domain::{OrderId, OrderStatus, RefundId};
use serde::{Deserialize, Serialize};

pub use self::workflow::Cancellation;
use crate::checkout::Policy;

/// The workflow that cancels an order; one order, one workflow.
pub fn workflow_id(order: &OrderId) -> String {
    format!("cancellation-{order}")
}

/// Who wants an order cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// Its customer.
    Customer,
    /// Somebody of the shop.
    Shop,
}

impl CancelledBy {
    /// The stable code that the order keeps as its reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Customer => "cancelled_by_customer",
            Self::Shop => "cancelled_by_shop",
        }
    }

    /// Who it is that gave this reason. Between workflows, the server puts words of its own before it.
    pub(crate) fn from_reason(reason: &str) -> Option<Self> {
        let own = reason.rsplit(' ').next().unwrap_or_default();
        [Self::Customer, Self::Shop].into_iter().find(|by| by.reason() == own)
    }
}

/// What a cancellation starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationInput {
    /// The order.
    pub order_id: OrderId,
    /// Who wants it.
    pub by: CancelledBy,
    /// What made them want it, as a stable code.
    #[serde(default)]
    pub motive: Option<String>,
    /// How patient the workflow is.
    #[serde(default)]
    pub policy: Policy,
}

/// What came of a cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CancellationOutcome {
    /// The order was sold, and is cancelled.
    Cancelled {
        /// The refund of what was left of the payment, unless all of it had been given back.
        refund_id: Option<RefundId>,
    },
    /// The order has ended without a sale.
    NotSold {
        /// Why, as a stable code.
        reason: String,
    },
    /// It is on its way or with the customer.
    TooLate {
        /// Where it is.
        status: OrderStatus,
    },
    /// An operator ended the attempt.
    GivenUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cancels_is_known_by_the_reason_however_the_server_words_it() {
        for by in [CancelledBy::Customer, CancelledBy::Shop] {
            let worded = format!("Cancel requested by workflow with run id 01a1 with reason: {}", by.reason());
            assert_eq!(CancelledBy::from_reason(by.reason()), Some(by));
            assert_eq!(CancelledBy::from_reason(&worded), Some(by));
        }
        for other in ["", "the customer called", "cancelled_by_customer, they say"] {
            assert_eq!(CancelledBy::from_reason(other), None, "{other}");
        }
    }
}
