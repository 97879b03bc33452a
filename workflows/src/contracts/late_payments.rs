//! What it takes to deal with money that came after its order had ended: at Stripe, in the books, and in stock.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Caller, EmailAddress, Line, Money, OrderId, OrderStatus, PaymentId, PricedOrder, RefundId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`LateMoney::look`].
pub const LOOK: &str = "late_payments.look";
/// Wire name of [`LateBooks::read`].
pub const READ: &str = "late_payments.read";
/// Wire name of [`LateBooks::revive`].
pub const REVIVE: &str = "late_payments.revive";
/// Wire name of [`LateBooks::book`].
pub const BOOK: &str = "late_payments.book";
/// Wire name of [`LateStock::sell`].
pub const SELL: &str = "late_payments.sell";
/// Wire name of [`LateStock::forgo`].
pub const FORGO: &str = "late_payments.forgo";

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentOfOrder {
    /// The order.
    pub order_id: OrderId,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
}

/// What Stripe says about a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LateMoneySeen {
    /// Money was captured.
    Captured {
        /// How much.
        captured: Money,
        /// How much of it went back, or is about to.
        refunded: Money,
    },
    /// No money is ours, or it is not this order's.
    Nothing,
}

/// An order, as the books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedOrder {
    /// Where it is.
    pub status: OrderStatus,
    /// Why it was cancelled, as a stable code.
    pub reason: Option<String>,
    /// Who bought.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// The price snapshot.
    pub order: PricedOrder,
    /// The intent of the payment that is recorded for it, if one is.
    pub payment_intent: Option<String>,
    /// What was begun about this very payment and is not known to have been brought to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
}

/// What the books say was begun about a late payment. A workflow task that is lost with its worker leaves this behind, and no
/// history that would remember it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begun {
    /// It has revived the order, which may not have been announced.
    Revived,
    /// It is to go back, which may not have been done.
    GivingBack,
}

/// Confirms a cancelled order with a payment of all that it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviveOrder {
    /// The order.
    pub order_id: OrderId,
    /// The reason for which it has to have been cancelled.
    pub reason: String,
    /// The payment's identifier here.
    pub payment_id: PaymentId,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
    /// What was captured.
    pub captured: Money,
}

/// What came of reviving an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OrderRevived {
    /// It is confirmed with this payment, now or from before.
    Confirmed {
        /// The number of the event that tells of it.
        sequence: u32,
    },
    /// It is not, and will not be.
    Refused,
}

/// Records a payment that came late, and claims its refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookLatePayment {
    /// The order.
    pub order_id: OrderId,
    /// The payment's identifier here.
    pub payment_id: PaymentId,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
    /// What was captured.
    pub captured: Money,
    /// How much of it has gone back already.
    pub refunded: Money,
    /// The refund of the rest.
    pub refund_id: RefundId,
}

/// What came of recording it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LatePaymentBooked {
    /// It is in the books, now or from before.
    Booked,
    /// The order is, or was, confirmed with this very payment, without anybody having learnt of it.
    Kept,
    /// There is nothing to book it on: the order has another payment.
    Unbooked,
}

/// Sells what had been given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellAgain {
    /// The order.
    pub order_id: OrderId,
    /// Its lines: all of them or nothing.
    pub lines: Vec<Line>,
}

/// What came of selling it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SoldAgain {
    /// All pieces are sold, now or by an earlier attempt.
    Sold,
    /// Not all of them are there any more.
    Gone,
}

/// An order whose pieces are not to be sold again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgo {
    /// The order.
    pub order_id: OrderId,
}

/// The activities at Stripe.
pub struct LateMoney;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl LateMoney {
    /// Asks Stripe, the only one who is believed.
    #[activity(name = LOOK)]
    pub fn look(input: PaymentOfOrder) -> Result<LateMoneySeen, ActivityError> {
        unimplemented!()
    }
}

/// The activities of the books.
pub struct LateBooks;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl LateBooks {
    /// Reads the order; nothing if there is none.
    #[activity(name = READ)]
    pub fn read(input: PaymentOfOrder) -> Result<Option<BookedOrder>, ActivityError> {
        unimplemented!()
    }

    /// Makes a cancelled order CONFIRMED with its payment, in one statement.
    #[activity(name = REVIVE)]
    pub fn revive(input: ReviveOrder) -> Result<OrderRevived, ActivityError> {
        unimplemented!()
    }

    /// Records the payment of a cancelled order and claims its refund, in one statement.
    #[activity(name = BOOK)]
    pub fn book(input: BookLatePayment) -> Result<LatePaymentBooked, ActivityError> {
        unimplemented!()
    }
}

/// The activities of the stock.
pub struct LateStock;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl LateStock {
    /// Moves pieces that were given back from available to sold, all of them or none.
    #[activity(name = SELL)]
    pub fn sell(input: SellAgain) -> Result<SoldAgain, ActivityError> {
        unimplemented!()
    }

    /// Moves them back; also shuts out a sale that arrives later.
    #[activity(name = FORGO)]
    pub fn forgo(input: Forgo) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The definitions under public names: the macro's own modules are private.
pub mod definitions {
    pub use super::late_books::*;
    pub use super::late_money::*;
    pub use super::late_stock::*;
}
