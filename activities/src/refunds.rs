//! Refunds in the books: Aurora `PostgreSQL`.

use std::sync::Arc;

use kassa_store::StoreError;
use kassa_store::orders::RefundStatus;
use kassa_store::refunds::{ClaimResult, RefundEnd as StoredEnd, RefundError, RefundRequest, SettleResult};
use kassa_workflows::contracts::refunds::{
    self as contract, ClaimRefund, RefundClaim, RefundClaimed, RefundEnd, RefundEnded, RefundSettled, SettleRefund,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::error::{Classified, activity_error};

/// The activities of refunds.
#[derive(Debug)]
pub struct Refunds {
    refunds: kassa_store::Refunds,
}

impl Classified for RefundError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "StoreError",
            Self::UnknownRefund(_) | Self::EndedOtherwise { .. } => "RefundRefused",
        }
    }

    fn is_retryable(&self) -> bool {
        self.is_retryable()
    }
}

impl Refunds {
    /// The activities over the refunds.
    pub fn new(refunds: kassa_store::Refunds) -> Self {
        Self { refunds }
    }

    async fn claim_once(&self, claim: ClaimRefund) -> Result<RefundClaimed, StoreError> {
        let request = RefundRequest {
            refund_id: claim.refund_id,
            payment_id: claim.payment_id,
            amount: claim.amount,
            reason: claim.reason,
            fingerprint: claim.fingerprint,
            request_id: claim.request_id,
        };
        Ok(match self.refunds.claim(&request).await? {
            ClaimResult::Claimed(claimed) => {
                let code = claimed.failure.unwrap_or_else(|| "written_off".to_owned());
                RefundClaimed::Claimed {
                    claim: RefundClaim {
                        refund_id: request.refund_id,
                        payment_intent: claimed.payment_intent,
                        amount: claimed.amount,
                    },
                    order_id: claimed.order_id,
                    caller: claimed.caller,
                    email: claimed.email,
                    ended: match claimed.status {
                        RefundStatus::Pending => None,
                        RefundStatus::Succeeded => Some(RefundEnded::Succeeded),
                        RefundStatus::Failed | RefundStatus::WrittenOff => Some(RefundEnded::Failed { code }),
                    },
                    fingerprint: claimed.fingerprint,
                    request_id: claimed.request_id,
                }
            }
            ClaimResult::ExceedsCaptured { left } => RefundClaimed::ExceedsCaptured { left },
            ClaimResult::UnknownPayment => RefundClaimed::UnknownPayment,
        })
    }

    async fn settle_once(&self, settle: SettleRefund) -> Result<RefundSettled, RefundError> {
        let end = match settle.end {
            RefundEnd::Succeeded { reference } => StoredEnd::Succeeded { reference },
            RefundEnd::Failed { code } => StoredEnd::Failed { failure: code },
            RefundEnd::WrittenOff { reason } => StoredEnd::WrittenOff { reference: reason },
        };
        match self.refunds.settle(&settle.refund_id, &end).await {
            Ok(SettleResult::Settled { event_sequence }) => Ok(RefundSettled::Settled { sequence: event_sequence }),
            Ok(SettleResult::Owed) => Ok(RefundSettled::Owed),
            Err(RefundError::UnknownRefund(_)) if settle.may_be_unclaimed => {
                Ok(RefundSettled::Settled { sequence: None })
            }
            Err(error) => Err(error),
        }
    }
}

#[activities]
impl Refunds {
    /// Writes the refund as PENDING and claims its amount, in one statement, if that much is left of the payment.
    #[activity(definition = contract::definitions::Claim)]
    pub async fn claim(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: ClaimRefund,
    ) -> Result<RefundClaimed, ActivityError> {
        self.claim_once(input).await.map_err(|error| activity_error(&RefundError::from(error)))
    }

    /// Writes how the refund ended, what that makes of the payment, and the order's history, in one statement.
    #[activity(definition = contract::definitions::Settle)]
    pub async fn settle(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: SettleRefund,
    ) -> Result<RefundSettled, ActivityError> {
        self.settle_once(input).await.map_err(|error| activity_error(&error))
    }
}
