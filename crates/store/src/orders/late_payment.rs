//! Booking a payment that came after its order was cancelled.

use kassa_domain::{Currency, Money, OrderId, OrderStatus, RefundId};
use serde::Deserialize;

use super::{CapturedPayment, OrderError, Orders, illegal};
use crate::database::Parameters;

impl Orders {
    /// Books the payment of a cancelled order of which nothing is booked, and claims the refund of all of it. Done again, it
    /// finds both done.
    pub async fn book_late_payment(
        &self,
        order_id: &OrderId,
        payment: &CapturedPayment,
        refund_id: &RefundId,
        reason: &str,
    ) -> Result<(), OrderError> {
        let parameters = Parameters::new()
            .text("order_id", order_id.as_str())
            .text("payment_id", payment.payment_id.as_str())
            .text("payment_intent", payment.payment_intent.as_str())
            .integer("amount", payment.amount.amount)
            .text("currency", payment.amount.currency.code())
            .text("refund_id", refund_id.as_str())
            .text("reason", reason);
        let found: Vec<Row> = self.database.query(include_str!("late_payment.sql"), parameters).await?;
        let Some(found) = found.into_iter().next() else { return Err(OrderError::UnknownOrder(order_id.clone())) };
        if found.changed || found.is(payment) {
            return Ok(());
        }
        match found.status {
            OrderStatus::Cancelled => Err(OrderError::OtherPayment { order_id: order_id.clone() }),
            status @ (OrderStatus::Pending
            | OrderStatus::AwaitingPayment
            | OrderStatus::PaymentFailed
            | OrderStatus::Confirmed
            | OrderStatus::Shipped
            | OrderStatus::Delivered) => Err(illegal(order_id, status, OrderStatus::Cancelled)),
        }
    }
}

#[derive(Deserialize)]
struct Row {
    changed: bool,
    status: OrderStatus,
    known_amount: Option<i64>,
    known_currency: Option<Currency>,
    known_intent: Option<String>,
}

impl Row {
    /// Whether this payment was booked before.
    fn is(&self, payment: &CapturedPayment) -> bool {
        let amount = self.known_amount.zip(self.known_currency).map(|(amount, currency)| Money::new(amount, currency));
        amount == Some(payment.amount) && self.known_intent.as_ref() == Some(&payment.payment_intent)
    }
}
