//! Orders whose customer is to pay: by an authentication, on a page, or with another card.
//!
//! Cards are counted. What is said about one after the next has been declined comes from an attempt that was given up, and
//! changes nothing.

use kassa_domain::{OrderId, OrderStatus};
use serde::Deserialize;
use serde_json::json;

use super::{ATTEMPTS, OrderError, Orders, contended, illegal, statuses_before};
use crate::database::Parameters;

/// A card that was declined, of an order that waits for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclinedCard {
    /// Which card of the order it was, counted from 1.
    pub attempt: u32,
    /// Why, in Stripe's terms.
    pub code: String,
    /// Until when another card can be used, in seconds since 1970.
    pub expires_at: i64,
}

impl Orders {
    /// Makes an order `AWAITING_PAYMENT` with the card of this number, until a time in seconds since 1970.
    pub async fn await_payment(&self, order_id: &OrderId, attempt: u32, expires_at: i64) -> Result<(), OrderError> {
        let waits = Unpaid {
            sql: include_str!("await_payment.sql"),
            status: OrderStatus::AwaitingPayment,
            from: statuses_before(OrderStatus::AwaitingPayment, |_| true),
            attempt,
            detail: json!({ "attempt": attempt, "expires_at": expires_at }).to_string(),
        };
        self.wait(order_id, &waits).await
    }

    /// Makes an order `PAYMENT_FAILED`: a card was declined, and another one may be used.
    pub async fn payment_failed(&self, order_id: &OrderId, card: &DeclinedCard) -> Result<(), OrderError> {
        let DeclinedCard { attempt, code, expires_at } = card;
        let before = statuses_before(OrderStatus::PaymentFailed, |_| true);
        let waits = Unpaid {
            sql: include_str!("payment_failed.sql"),
            status: OrderStatus::PaymentFailed,
            // The next card may be declined as well.
            from: format!("{before},{}", OrderStatus::PaymentFailed),
            attempt: *attempt,
            detail: json!({ "attempt": attempt, "code": code, "expires_at": expires_at }).to_string(),
        };
        self.wait(order_id, &waits).await
    }

    async fn wait(&self, order_id: &OrderId, waits: &Unpaid) -> Result<(), OrderError> {
        for _ in 0..ATTEMPTS {
            let parameters = Parameters::new()
                .text("order_id", order_id.as_str())
                .text("from_statuses", waits.from.as_str())
                .integer("attempt", waits.attempt.into())
                .text("detail", waits.detail.as_str());
            let found: Vec<Row> = self.database.query(waits.sql, parameters).await?;
            let Some(found) = found.into_iter().next() else {
                return Err(OrderError::UnknownOrder(order_id.clone()));
            };
            match found.status {
                _ if found.changed => return Ok(()),
                OrderStatus::AwaitingPayment if waits.status == OrderStatus::AwaitingPayment => return Ok(()),
                OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed => {
                    if found.payment_attempts >= waits.attempt {
                        return Ok(());
                    }
                    // Somebody else changed the order after this statement had begun: look again.
                }
                status @ (OrderStatus::Confirmed
                | OrderStatus::Cancelled
                | OrderStatus::Shipped
                | OrderStatus::Delivered) => return Err(illegal(order_id, status, waits.status)),
            }
        }
        Err(contended())
    }
}

/// A change to an order that is to be paid.
struct Unpaid {
    sql: &'static str,
    status: OrderStatus,
    from: String,
    attempt: u32,
    detail: String,
}

#[derive(Deserialize)]
struct Row {
    changed: bool,
    status: OrderStatus,
    payment_attempts: u32,
}
