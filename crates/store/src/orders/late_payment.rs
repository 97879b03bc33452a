//! Money that comes after its order was cancelled.

use kassa_domain::{Money, OrderId, RefundId};
use serde::Deserialize;
use serde_json::json;

use super::{CapturedPayment, OrderError, Orders};
use crate::database::Parameters;

/// A payment that came late and is to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatePayment {
    /// What was captured.
    pub payment: CapturedPayment,
    /// What of it has been given back outside of the books, in minor units.
    pub refunded: i64,
    /// The refund of the rest.
    pub refund_id: RefundId,
}

/// What came of reviving an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revived {
    /// It is, or has been, confirmed with this payment.
    Confirmed {
        /// The sequence of the event that announces it; the same however often it is asked for.
        event_sequence: u32,
    },
    /// It is not where it can be revived from: cancelled for another reason, for another amount, or paid otherwise.
    Refused,
}

/// What came of booking a payment that is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePaymentBooked {
    /// Payment and refund are in the books, now or from before.
    Booked,
    /// The books have this very payment, and it is not to be given back here: the order is, or was, confirmed with it.
    Kept,
    /// There is nothing to book them on: the order has another payment.
    Refused,
}

impl Orders {
    /// Makes an order CONFIRMED that was cancelled for this reason (a stable code), with a payment of all that it costs.
    pub async fn revive(
        &self,
        order_id: &OrderId,
        reason: &str,
        payment: &CapturedPayment,
    ) -> Result<Revived, OrderError> {
        let detail = json!({
            "payment_id": payment.payment_id,
            "payment_intent": payment.payment_intent,
            "captured": payment.amount,
            "revived_from": reason,
        });
        let parameters = of_payment(order_id, payment)
            .text("reason", reason)
            .integer("amount", payment.amount.amount)
            .text("detail", detail.to_string());
        let found: Vec<RevivedRow> = self.database.query(include_str!("revive.sql"), parameters).await?;
        let found = found.into_iter().next().ok_or_else(|| OrderError::UnknownOrder(order_id.clone()))?;
        Ok(match found.event_sequence {
            Some(event_sequence) if found.same == Some(true) => Revived::Confirmed { event_sequence },
            _ => Revived::Refused,
        })
    }

    /// Records a payment of a cancelled order, and claims the refund of what is left of it.
    pub async fn book_late_payment(
        &self,
        order_id: &OrderId,
        late: &LatePayment,
    ) -> Result<LatePaymentBooked, OrderError> {
        let LatePayment { payment, refunded, refund_id } = late;
        let left = Money::new(payment.amount.amount.saturating_sub(*refunded), payment.amount.currency);
        let detail = json!({ "refund_id": refund_id, "amount": left, "reason": "late_payment" });
        let parameters = of_payment(order_id, payment)
            .integer("captured", payment.amount.amount)
            .integer("refunded", *refunded)
            .text("refund_id", refund_id.as_str())
            .text("detail", detail.to_string());
        let found: Vec<BookedRow> = self.database.query(include_str!("book_late_payment.sql"), parameters).await?;
        let found = found.into_iter().next().ok_or_else(|| OrderError::UnknownOrder(order_id.clone()))?;
        Ok(match found {
            BookedRow { booked: true, .. } => LatePaymentBooked::Booked,
            BookedRow { same: Some(true), .. } => LatePaymentBooked::Kept,
            BookedRow { .. } => LatePaymentBooked::Refused,
        })
    }
}

fn of_payment(order_id: &OrderId, payment: &CapturedPayment) -> Parameters {
    Parameters::new()
        .text("order_id", order_id.as_str())
        .text("payment_id", payment.payment_id.as_str())
        .text("payment_intent", payment.payment_intent.as_str())
        .text("currency", payment.amount.currency.code())
}

#[derive(Deserialize)]
struct RevivedRow {
    event_sequence: Option<u32>,
    same: Option<bool>,
}

#[derive(Deserialize)]
struct BookedRow {
    booked: bool,
    same: Option<bool>,
}
