//! Refunds: claimed in the books before the money moves, settled after it has.
//!
//! The claim is what keeps the sum of all refunds within what was captured: it is taken in one statement under the lock
//! of the order, so that whoever asks at the same time sees it. Each statement, sent again, finds its change done.

use kassa_domain::{Caller, Currency, EmailAddress, Fingerprint, Money, OrderId, OrderStatus, PaymentId, RefundId};
use serde::Deserialize;

use crate::database::{Database, Parameters};
use crate::error::{Service, StoreError};
use crate::orders::RefundStatus;

/// How often a statement is sent that met a concurrent change of the same refund.
const ATTEMPTS: usize = 4;

/// Access to the refunds. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Refunds {
    database: Database,
}

/// A refund that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// The refund's identifier, derived from the payment and the key of the request.
    pub refund_id: RefundId,
    /// The payment that it gives back.
    pub payment_id: PaymentId,
    /// How much of it; all that is left if absent.
    pub amount: Option<Money>,
    /// Why, as a stable code.
    pub reason: String,
    /// What was asked for, to tell a repeated request from another one under the same key.
    pub fingerprint: Fingerprint,
    /// The HTTP request that asked first.
    pub request_id: String,
}

/// What came of claiming a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimResult {
    /// It is in the books, now or from before.
    Claimed(ClaimedRefund),
    /// Less is left than asked for; nothing is written.
    ExceedsCaptured {
        /// What is left.
        left: Money,
    },
    /// There is no such payment.
    UnknownPayment,
}

/// A refund that is in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRefund {
    /// The order that it is about.
    pub order_id: OrderId,
    /// Who bought.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// The charge that it gives back, at Stripe (`pi_...`).
    pub payment_intent: String,
    /// How much.
    pub amount: Money,
    /// Where it is.
    pub status: RefundStatus,
    /// Why it failed, as a stable code.
    pub failure: Option<String>,
    /// What was asked for first.
    pub fingerprint: Fingerprint,
    /// The HTTP request that asked first.
    pub request_id: String,
}

/// How a refund ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundEnd {
    /// The money went back.
    Succeeded {
        /// Stripe's refund (`re_...`), or the operator's reference where it was made by hand.
        reference: String,
    },
    /// The payment provider refused it for good.
    Failed {
        /// Why, as a stable code.
        failure: String,
    },
    /// An operator gave it up.
    WrittenOff {
        /// What the operator noted.
        reference: String,
    },
}

/// What came of settling a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleResult {
    /// It is recorded, now or from before.
    Settled {
        /// The sequence of the event that announces it, if it is announced.
        event_sequence: Option<u32>,
    },
    /// It cannot end as failed, because its order is cancelled: the money is owed.
    Owed,
}

/// Why a refund did not change.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// There is no such refund.
    #[error("there is no refund {0}")]
    UnknownRefund(RefundId),
    /// It has ended otherwise.
    #[error("{refund_id} has ended otherwise before")]
    EndedOtherwise {
        /// The refund.
        refund_id: RefundId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RefundError {
    /// Whether the same call may well succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::UnknownRefund(_) | Self::EndedOtherwise { .. } => false,
        }
    }
}

impl RefundEnd {
    const fn status(&self) -> RefundStatus {
        match self {
            Self::Succeeded { .. } => RefundStatus::Succeeded,
            Self::Failed { .. } => RefundStatus::Failed,
            Self::WrittenOff { .. } => RefundStatus::WrittenOff,
        }
    }

    /// The entry in the order's history.
    const fn event(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "order.refunded",
            Self::Failed { .. } => "order.refund_failed",
            Self::WrittenOff { .. } => "order.refund_written_off",
        }
    }

    /// How many events announce it: only money that moved is of interest to others.
    const fn announcements(&self) -> i64 {
        match self {
            Self::Succeeded { .. } => 1,
            Self::Failed { .. } | Self::WrittenOff { .. } => 0,
        }
    }

    fn reference(&self) -> Option<&str> {
        match self {
            Self::Succeeded { reference } | Self::WrittenOff { reference } => Some(reference),
            Self::Failed { .. } => None,
        }
    }

    fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed { failure } => Some(failure),
            Self::Succeeded { .. } | Self::WrittenOff { .. } => None,
        }
    }
}

impl Refunds {
    /// Uses this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Writes the refund as PENDING and claims its amount, if that much is left of the payment.
    pub async fn claim(&self, request: &RefundRequest) -> Result<ClaimResult, StoreError> {
        let mut refused = false;
        for _ in 0..ATTEMPTS {
            let parameters = Parameters::new()
                .text("refund_id", request.refund_id.as_str())
                .text("payment_id", request.payment_id.as_str())
                .optional_integer("amount", request.amount.map(|amount| amount.amount))
                .optional_text("currency", request.amount.map(|amount| amount.currency.code()))
                .text("reason", request.reason.as_str())
                .text("fingerprint", request.fingerprint.as_str())
                .text("request_id", request.request_id.as_str());
            let found: Vec<ClaimRow> = self.database.query(include_str!("refunds/claim.sql"), parameters).await?;
            let Some(found) = found.into_iter().next() else { return Ok(ClaimResult::UnknownPayment) };
            let left = Money::new(found.remaining, found.currency);
            if let Some(claimed) = found.claimed(request)? {
                return Ok(ClaimResult::Claimed(claimed));
            }
            // An earlier attempt of this very claim may have been in flight, and is what took the rest. It is seen by the
            // next statement.
            if refused {
                return Ok(ClaimResult::ExceedsCaptured { left });
            }
            refused = true;
        }
        Err(StoreError::Contended { service: Service::RdsData })
    }

    /// Records how a refund ended.
    pub async fn settle(&self, refund_id: &RefundId, end: &RefundEnd) -> Result<SettleResult, RefundError> {
        for _ in 0..ATTEMPTS {
            let parameters = Parameters::new()
                .text("refund_id", refund_id.as_str())
                .text("status", status_text(end.status()))
                .text("event", end.event())
                .integer("announcements", end.announcements())
                .optional_text("reference", end.reference())
                .optional_text("failure", end.failure());
            let found: Vec<SettleRow> = self.database.query(include_str!("refunds/settle.sql"), parameters).await?;
            let found = found.into_iter().next().ok_or_else(|| RefundError::UnknownRefund(refund_id.clone()))?;
            let settled = SettleResult::Settled { event_sequence: found.event_sequence };
            match found.known_status {
                _ if found.changed => return Ok(settled),
                RefundStatus::Pending
                    if found.order_status == OrderStatus::Cancelled && end.status() == RefundStatus::Failed =>
                {
                    return Ok(SettleResult::Owed);
                }
                // Somebody else settled it after this statement had begun: look again.
                RefundStatus::Pending => {}
                status if status == end.status() => return Ok(settled),
                RefundStatus::Succeeded | RefundStatus::Failed | RefundStatus::WrittenOff => {
                    return Err(RefundError::EndedOtherwise { refund_id: refund_id.clone() });
                }
            }
        }
        Err(StoreError::Contended { service: Service::RdsData }.into())
    }
}

const fn status_text(status: RefundStatus) -> &'static str {
    match status {
        RefundStatus::Pending => "PENDING",
        RefundStatus::Succeeded => "SUCCEEDED",
        RefundStatus::Failed => "FAILED",
        RefundStatus::WrittenOff => "WRITTEN_OFF",
    }
}

#[derive(Deserialize)]
struct ClaimRow {
    order_id: OrderId,
    caller: Caller,
    email: EmailAddress,
    payment_intent: String,
    currency: Currency,
    remaining: i64,
    claimed_amount: Option<i64>,
    known_amount: Option<i64>,
    known_status: Option<RefundStatus>,
    known_failure: Option<String>,
    known_fingerprint: Option<Fingerprint>,
    known_request_id: Option<String>,
}

impl ClaimRow {
    /// The refund that is in the books, now or from before.
    fn claimed(self, request: &RefundRequest) -> Result<Option<ClaimedRefund>, StoreError> {
        let (amount, status, fingerprint, request_id) = match (self.claimed_amount, self.known_amount) {
            (Some(amount), _) => {
                (amount, RefundStatus::Pending, request.fingerprint.clone(), request.request_id.clone())
            }
            (None, Some(amount)) => {
                let asked = || StoreError::corrupt("a refund that nobody asked for has the id of a request");
                let status = self.known_status.ok_or_else(asked)?;
                (amount, status, self.known_fingerprint.ok_or_else(asked)?, self.known_request_id.ok_or_else(asked)?)
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(ClaimedRefund {
            order_id: self.order_id,
            caller: self.caller,
            email: self.email,
            payment_intent: self.payment_intent,
            amount: Money::new(amount, self.currency),
            status,
            failure: self.known_failure,
            fingerprint,
            request_id,
        }))
    }
}

#[derive(Deserialize)]
struct SettleRow {
    changed: bool,
    order_status: OrderStatus,
    known_status: RefundStatus,
    event_sequence: Option<u32>,
}
