//! Payments at Stripe.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Money, OrderId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Payments::charge`].
pub const CHARGE: &str = "payments.charge";
/// Wire name of [`Payments::refund`].
pub const REFUND: &str = "payments.refund";

/// Charges the total of an order: one `PaymentIntent`, created and confirmed in one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The order; with `attempt` it makes the idempotency key.
    pub order_id: OrderId,
    /// Which card of the customer this is, counted from 1.
    pub attempt: u32,
    /// The total.
    pub amount: Money,
    /// Stripe's payment method (`pm_...`).
    pub payment_method: String,
}

/// What came of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Charged {
    /// The money is ours.
    Captured {
        /// What was captured.
        captured: Captured,
    },
    /// The card was declined; nothing moved.
    Declined {
        /// Why.
        decline: Decline,
    },
}

/// A successful charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
    /// What was captured.
    pub amount: Money,
}

/// Why a card was declined, in Stripe's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// Stripe's error code, such as `card_declined`.
    pub code: String,
    /// The issuer's reason, such as `insufficient_funds`.
    pub decline_code: Option<String>,
    /// A sentence that may be shown to the customer.
    pub message: String,
}

/// Takes a charge back, whatever became of it: refunds a captured one, cancels an unfinished one, and shuts out one
/// that was never made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The charge.
    pub charge: Charge,
    /// Its intent, where it is known.
    pub payment_intent: Option<String>,
}

/// What taking back a charge came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refunded {
    /// Money had been captured and is given back.
    Refunded {
        /// What had been captured.
        captured: Captured,
        /// Stripe's refund (`re_...`).
        refund: String,
    },
    /// No money had moved, and none can any more.
    NothingCaptured,
}

/// The activities of this system.
pub struct Payments;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Payments {
    /// Charges the card once, however often it is called.
    #[activity(name = CHARGE)]
    pub fn charge(input: Charge) -> Result<Charged, ActivityError> {
        unimplemented!()
    }

    /// Takes the charge back once, however often it is called.
    #[activity(name = REFUND)]
    pub fn refund(input: Refund) -> Result<Refunded, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::payments::*;
}
