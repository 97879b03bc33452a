//! Giving back a part of a payment, or all of it.
//!
//! A refund is **claimed** in the books, made at Stripe, and **settled** in the books. The claim is what keeps the sum of
//! all refunds within what was captured, whoever else asks at the same time; from then on there is only forward.

mod give_back;
mod workflow;

use kassa_domain::{Fingerprint, Money, RefundId};
use serde::{Deserialize, Serialize};

pub(crate) use self::give_back::{GivenBack, give_back, make};
pub use self::workflow::Refund;
use crate::checkout::Policy;
use crate::contracts::refunds::ClaimRefund;

/// The workflow of a refund; one refund, one workflow.
pub fn workflow_id(refund: &RefundId) -> String {
    format!("refund-{refund}")
}

/// What a refund starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundInput {
    /// Who gives back what.
    pub request: ClaimRefund,
    /// How patient the workflow is.
    #[serde(default)]
    pub policy: Policy,
}

/// What the caller is told, the same every time it asks with the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundAnswer {
    /// The refund.
    pub refund_id: RefundId,
    /// The HTTP request that started the workflow; any other one with this answer is a replay.
    pub request_id: String,
    /// What was asked for; another fingerprint under the same key is a misuse.
    pub fingerprint: Fingerprint,
    /// What came of it.
    pub outcome: RefundOutcome,
}

/// What came of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefundOutcome {
    /// The money went back, and the books say so.
    Succeeded {
        /// How much.
        amount: Money,
    },
    /// Stripe has it, and has not said yet that it went through.
    Pending {
        /// How much.
        amount: Money,
    },
    /// No money went back; the claim was given back.
    Failed {
        /// How much it would have been.
        amount: Option<Money>,
        /// Why, as a stable code.
        code: String,
    },
    /// Less is left than asked for; nothing was claimed.
    ExceedsCaptured {
        /// What is left.
        left: Money,
    },
    /// There is no such payment.
    UnknownPayment,
}
