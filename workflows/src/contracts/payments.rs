//! Payments at Stripe.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Money, OrderId, RefundId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Payments::charge`].
pub const CHARGE: &str = "payments.charge";
/// Wire name of [`Payments::confirm`].
pub const CONFIRM: &str = "payments.confirm";
/// Wire name of [`Payments::refund`].
pub const REFUND: &str = "payments.refund";

/// Wire name of [`Payments::create_refund`].
pub const CREATE_REFUND: &str = "payments.create_refund";

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
    /// Where the customer comes back to after an authentication; without it, a card that wants one is declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// A time before it was first tried, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_tried_at: Option<i64>,
}

/// Charges another card: confirms the intent of the charge that was declined. It succeeds once at most, whatever is tried
/// how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnotherCharge {
    /// The card, with the number of the attempt.
    pub charge: Charge,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
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
        /// Stripe's intent (`pi_...`), which another card can confirm; none if there came none of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment_intent: Option<String>,
    },
    /// The customer has to authenticate first; nothing moved yet.
    Awaiting {
        /// Stripe's intent (`pi_...`).
        payment_intent: String,
        /// Where the customer does so, if there is an address to come back to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// With what Stripe's own code in the customer's browser or app does so where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_secret: Option<String>,
    },
    /// The provider was not asked, because its valve is closed.
    Held,
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
        /// Whether it has not gone through: it may still fail, or has.
        #[serde(default)]
        unsettled: bool,
    },
    /// No money had moved, and none can any more.
    NothingCaptured,
}

/// Gives back a part of a charge, or all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRefund {
    /// The refund; with `attempt` it makes the idempotency key, and Stripe keeps it as metadata.
    pub refund_id: RefundId,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
    /// How much.
    pub amount: Money,
    /// Counted from 1; another one only after Stripe has refused for good, or failed, the one before.
    pub attempt: u32,
}

/// Where a refund is at Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefundProgress {
    /// The money is on its way to the customer.
    Succeeded {
        /// Stripe's refund (`re_...`).
        refund: String,
    },
    /// It may still fail: to be asked for again.
    Pending {
        /// Stripe's refund (`re_...`).
        refund: String,
    },
    /// It was refused for good, or has failed: no money moved.
    Failed {
        /// Why, in Stripe's terms.
        code: String,
    },
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

    /// Charges another card once, however often it is called.
    #[activity(name = CONFIRM)]
    pub fn confirm(input: AnotherCharge) -> Result<Charged, ActivityError> {
        unimplemented!()
    }

    /// Takes the charge back once, however often it is called.
    #[activity(name = REFUND)]
    pub fn refund(input: Refund) -> Result<Refunded, ActivityError> {
        unimplemented!()
    }

    /// Gives back a part of the charge once, however often it is called, and says how far it is by now.
    #[activity(name = CREATE_REFUND)]
    pub fn create_refund(input: CreateRefund) -> Result<RefundProgress, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::payments::*;
}
