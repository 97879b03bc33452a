//! Refunds in the books: Aurora PostgreSQL.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Caller, EmailAddress, Fingerprint, Money, OrderId, PaymentId, RefundId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Refunds::claim`].
pub const CLAIM: &str = "refunds.claim";
/// Wire name of [`Refunds::settle`].
pub const SETTLE: &str = "refunds.settle";

/// Claims a part of a payment, or all that is left of it, for a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRefund {
    /// The refund, derived from the payment and the key of the request.
    pub refund_id: RefundId,
    /// The payment that it gives back.
    pub payment_id: PaymentId,
    /// How much of it; all that is left if absent.
    pub amount: Option<Money>,
    /// Why, as a stable code.
    pub reason: String,
    /// What was asked for, to tell a repeated request from another one under the same key.
    pub fingerprint: Fingerprint,
    /// The HTTP request that started the workflow.
    pub request_id: String,
}

/// A refund that is in the books and has to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundClaim {
    /// The refund.
    pub refund_id: RefundId,
    /// The charge that it gives back, at Stripe (`pi_...`).
    pub payment_intent: String,
    /// How much.
    pub amount: Money,
}

/// What came of claiming a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefundClaimed {
    /// It is in the books, now or from before.
    Claimed {
        /// What is to be given back.
        claim: RefundClaim,
        /// The order that it is about.
        order_id: OrderId,
        /// Who bought.
        caller: Caller,
        /// Where mail goes.
        email: EmailAddress,
        /// How it ended, if it was claimed by an earlier workflow, whose history is gone by now.
        ended: Option<RefundEnded>,
        /// What was asked for first.
        fingerprint: Fingerprint,
        /// The HTTP request that asked first.
        request_id: String,
    },
    /// Less is left than asked for; nothing is written.
    ExceedsCaptured {
        /// What is left.
        left: Money,
    },
    /// There is no such payment.
    UnknownPayment,
}

/// How a refund that is over has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefundEnded {
    /// The money went back.
    Succeeded,
    /// No money went back.
    Failed {
        /// Why, as a stable code.
        code: String,
    },
}

/// Records how a refund ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleRefund {
    /// The refund.
    pub refund_id: RefundId,
    /// How it ended.
    pub end: RefundEnd,
    /// Whether it may not be in the books at all, in which case there is nothing to record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_unclaimed: bool,
}

/// How a refund ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefundEnd {
    /// The money went back.
    Succeeded {
        /// Stripe's refund (`re_...`), or the operator's reference where it was made by hand.
        reference: String,
    },
    /// The payment provider refused it for good.
    Failed {
        /// Why, as a stable code.
        code: String,
    },
    /// An operator gave it up.
    WrittenOff {
        /// Why.
        reason: String,
    },
}

/// What came of settling a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefundSettled {
    /// It is recorded, now or from before.
    Settled {
        /// The sequence of the event that announces it, if it is announced.
        sequence: Option<u32>,
    },
    /// It cannot end as failed, because its order is cancelled: the money is owed.
    Owed,
}

/// The activities of this system.
pub struct Refunds;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Refunds {
    /// Writes the refund as PENDING and claims its amount, in one statement, if that much is left of the payment.
    #[activity(name = CLAIM)]
    pub fn claim(input: ClaimRefund) -> Result<RefundClaimed, ActivityError> {
        unimplemented!()
    }

    /// Writes how the refund ended, what that makes of the payment, and the order's history, in one statement.
    #[activity(name = SETTLE)]
    pub fn settle(input: SettleRefund) -> Result<RefundSettled, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::refunds::*;
}
