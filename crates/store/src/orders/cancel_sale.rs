//! Cancelling orders that were sold and not shipped yet.
//!
//! One statement makes the order CANCELLED and claims a refund of everything that was not given back before: from then on
//! it can neither be shipped nor refunded otherwise, and the only way is forward.

use kassa_domain::{Caller, Currency, EmailAddress, Money, OrderId, OrderStatus, RefundId};
use serde::Deserialize;
use serde_json::json;

use super::{ATTEMPTS, OrderError, Orders, contended, statuses_before};
use crate::database::Parameters;
use crate::error::StoreError;

/// Somebody wants an order cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancellationRequest {
    /// The order.
    pub order_id: OrderId,
    /// The refund of what is left, if something is.
    pub refund_id: RefundId,
    /// What the order keeps as its reason, as a stable code.
    pub reason: String,
    /// What made them want it, as a stable code.
    pub motive: Option<String>,
}

/// What came of cancelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancellationResult {
    /// The sale is cancelled, now or from before.
    Cancelled(CancelledSale),
    /// The order has ended without a sale before.
    NotSold {
        /// Why, as a stable code.
        reason: String,
    },
    /// It is on its way or with the customer.
    TooLate {
        /// Where it is.
        status: OrderStatus,
    },
    /// Its checkout is still at it.
    Undecided,
}

/// A sale that was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelledSale {
    /// Who bought.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// The sequence of the event that announces it.
    pub event_sequence: u32,
    /// What is to be given back, unless all of it was before: how much, and of which charge at Stripe (`pi_...`).
    pub owed: Option<(Money, String)>,
}

impl Orders {
    /// Makes a confirmed order CANCELLED and claims the refund of what is left of its payment.
    pub async fn cancel_sale(&self, request: &CancellationRequest) -> Result<CancellationResult, OrderError> {
        // Before it is confirmed, its checkout takes it back.
        let from = OrderStatus::Confirmed;
        let from = statuses_before(OrderStatus::Cancelled, |status| status == from);
        let detail = json!({ "reason": request.reason, "motive": request.motive }).to_string();
        for _ in 0..ATTEMPTS {
            let parameters = Parameters::new()
                .text("order_id", request.order_id.as_str())
                .text("refund_id", request.refund_id.as_str())
                .text("from_statuses", from.as_str())
                .text("reason", request.reason.as_str())
                .text("detail", detail.as_str());
            let found: Vec<Row> = self.database.query(include_str!("cancel_sale.sql"), parameters).await?;
            let Some(found) = found.into_iter().next() else {
                return Err(OrderError::UnknownOrder(request.order_id.clone()));
            };
            match found.status {
                _ if found.changed => return Ok(CancellationResult::Cancelled(found.cancelled()?)),
                // The checkout does not count the event of an order that it takes back in its history.
                OrderStatus::Cancelled if found.event_sequence.is_some() => {
                    return Ok(CancellationResult::Cancelled(found.cancelled()?));
                }
                OrderStatus::Cancelled => {
                    let reason = found.failure_reason.unwrap_or_default();
                    return Ok(CancellationResult::NotSold { reason });
                }
                OrderStatus::Shipped | OrderStatus::Delivered => {
                    return Ok(CancellationResult::TooLate { status: found.status });
                }
                OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed => {
                    return Ok(CancellationResult::Undecided);
                }
                // Somebody else changed the order after this statement had begun: look again.
                OrderStatus::Confirmed => {}
            }
        }
        Err(contended())
    }
}

#[derive(Deserialize)]
struct Row {
    status: OrderStatus,
    caller: Caller,
    email: EmailAddress,
    failure_reason: Option<String>,
    changed: bool,
    event_sequence: Option<u32>,
    payment_intent: Option<String>,
    refund_amount: Option<i64>,
    refund_currency: Option<Currency>,
}

impl Row {
    fn cancelled(self) -> Result<CancelledSale, StoreError> {
        let sequence = self.event_sequence.ok_or_else(|| StoreError::corrupt("a cancelled sale without an event"))?;
        let amount = self.refund_amount.zip(self.refund_currency);
        let owed = amount.map(|(amount, currency)| Money::new(amount, currency)).zip(self.payment_intent);
        Ok(CancelledSale { caller: self.caller, email: self.email, event_sequence: sequence, owed })
    }
}
