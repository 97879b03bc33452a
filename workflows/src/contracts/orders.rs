//! Orders in Aurora PostgreSQL.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{
    Caller, EmailAddress, Fingerprint, Fulfilment, Line, Money, OrderId, OrderStatus, PaymentId, PricedOrder, RefundId,
};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

use super::payments::Captured;
use super::refunds::RefundClaim;
use crate::checkout::{CheckoutAnswer, Refusal};

/// Wire name of [`Orders::place`].
pub const PLACE: &str = "orders.place";
/// Wire name of [`Orders::await_payment`].
pub const AWAIT_PAYMENT: &str = "orders.await_payment";
/// Wire name of [`Orders::payment_failed`].
pub const PAYMENT_FAILED: &str = "orders.payment_failed";
/// Wire name of [`Orders::confirm`].
pub const CONFIRM: &str = "orders.confirm";
/// Wire name of [`Orders::cancel`].
pub const CANCEL: &str = "orders.cancel";
/// Wire name of [`Orders::fulfil`].
pub const FULFIL: &str = "orders.fulfil";

/// Wire name of [`Orders::cancel_sale`].
pub const CANCEL_SALE: &str = "orders.cancel_sale";

/// Who wants what: the part of a checkout that the order row keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// The order, derived from caller and key.
    pub order_id: OrderId,
    /// Who buys.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// What is bought.
    pub lines: Vec<Line>,
    /// What the client believes it costs; another price is a refusal.
    pub expected_total: Option<Money>,
    /// What was asked for, to tell a repeated request from another one under the same key.
    pub fingerprint: Fingerprint,
    /// The HTTP request that started the workflow.
    pub request_id: String,
}

/// What came of placing an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Placed {
    /// It is written as PENDING, now or by an earlier attempt, with this price snapshot.
    Pending {
        /// What will be charged.
        order: PricedOrder,
    },
    /// It cannot be sold as asked; nothing is written.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// It has been decided already: by this workflow, which was interrupted before that was recorded, or by an earlier
    /// one of this order, whose history is gone by now.
    Decided {
        /// What was answered.
        answer: CheckoutAnswer,
        /// The price snapshot; without lines if the order was cancelled before it was placed.
        order: PricedOrder,
    },
}

/// Marks an order as `AWAITING_PAYMENT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitPayment {
    /// The order.
    pub order_id: OrderId,
    /// Which card of the customer it is for, counted from 1.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
    /// Until when the customer can pay, in seconds since 1970.
    pub expires_at: i64,
}

const fn first_attempt() -> u32 {
    1
}

/// Marks an order as `PAYMENT_FAILED`: it waits for another card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFailed {
    /// The order.
    pub order_id: OrderId,
    /// Which card of the customer was declined, counted from 1.
    pub attempt: u32,
    /// Why, in Stripe's terms.
    pub code: String,
    /// Until when another card can be used, in seconds since 1970.
    pub expires_at: i64,
}

/// Marks an order as CONFIRMED and records its payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmOrder {
    /// The order.
    pub order_id: OrderId,
    /// The payment's identifier here.
    pub payment_id: PaymentId,
    /// What Stripe captured.
    pub captured: Captured,
    /// What the caller is told, kept with the order.
    pub answer: CheckoutAnswer,
}

/// Marks an order as CANCELLED and records what was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// Who wanted what; writes the row if placing it never came to pass, so that a late attempt cannot.
    pub order: PlaceOrder,
    /// The stable code of the reason.
    pub reason: String,
    /// The charge that was refunded, if there was one.
    pub refunded: Option<RefundedCharge>,
    /// What the caller was told, kept with the order; absent when the operator is still to be asked.
    pub answer: CheckoutAnswer,
}

/// A charge that was captured and is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedCharge {
    /// The payment's identifier here.
    pub payment_id: PaymentId,
    /// What had been captured.
    pub captured: Captured,
    /// The refund's identifier here.
    pub refund_id: RefundId,
    /// Stripe's refund (`re_...`), or the operator's reference where the refund was made by hand.
    pub reference: String,
    /// Whether it is still to be settled; until then it is PENDING in the books.
    #[serde(default)]
    pub unsettled: bool,
}

/// Takes a step of a paid order's way to its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfil {
    /// The order.
    pub order_id: OrderId,
    /// The step.
    pub step: Fulfilment,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fulfilled {
    /// The order took it, now or by an earlier attempt.
    Done {
        /// What is needed to tell of it.
        told: Told,
    },
    /// The order is not where the step starts from, or on its way in another parcel.
    Refused,
}

/// What is needed to tell of a change: whom, and under which number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who bought.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// The number of the event that tells of it; the same for every attempt.
    pub event_sequence: u32,
}

/// Cancels an order that was sold and not shipped yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelSale {
    /// The order.
    pub order_id: OrderId,
    /// What the order keeps as its reason, as a stable code.
    pub reason: String,
    /// What made them want it, as a stable code.
    #[serde(default)]
    pub motive: Option<String>,
}

/// What came of cancelling an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SaleCancelled {
    /// It is CANCELLED, now or from before, and what is left of its payment is claimed.
    Cancelled {
        /// What is needed to tell of it.
        told: Told,
        /// What is to be given back, unless all of it was before.
        owed: Option<RefundClaim>,
    },
    /// It has ended without a sale before.
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

/// The activities of this system.
pub struct Orders;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Orders {
    /// Loads the products, prices the order and writes it as PENDING in one statement.
    #[activity(name = PLACE)]
    pub fn place(input: PlaceOrder) -> Result<Placed, ActivityError> {
        unimplemented!()
    }

    /// Writes status and history of an order whose customer is to pay, in one statement.
    #[activity(name = AWAIT_PAYMENT)]
    pub fn await_payment(input: AwaitPayment) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Writes status and history of an order whose card was declined and that waits for another one, in one statement.
    #[activity(name = PAYMENT_FAILED)]
    pub fn payment_failed(input: PaymentFailed) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Writes status, payment and history of a confirmed order in one statement.
    #[activity(name = CONFIRM)]
    pub fn confirm(input: ConfirmOrder) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Writes status, payment, refund and history of a cancelled order in one statement.
    #[activity(name = CANCEL)]
    pub fn cancel(input: CancelOrder) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Writes status, shipment and history of an order on its way in one statement, which also numbers the event.
    #[activity(name = FULFIL)]
    pub fn fulfil(input: Fulfil) -> Result<Fulfilled, ActivityError> {
        unimplemented!()
    }

    /// Makes a confirmed order CANCELLED and claims the refund of what is left of its payment, in one statement.
    #[activity(name = CANCEL_SALE)]
    pub fn cancel_sale(input: CancelSale) -> Result<SaleCancelled, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::orders::*;
}
