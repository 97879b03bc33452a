//! Messages to customers: mail through Amazon SES, short messages through Amazon SNS.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Caller, EmailAddress, MessageId, Money, OrderId, PricedOrder, RefundId, UserId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Notifications::send`].
pub const SEND: &str = "notifications.send";

/// A message to one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every attempt to send this message; what has been sent under it is not sent again.
    pub message_id: MessageId,
    /// Who it is for: decides by which ways, according to the settings of an account.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// What it says.
    pub message: Message,
}

/// What a message says; the wire name is also that of its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// The account is there.
    Welcome,
    /// The order is paid and will be sent.
    OrderConfirmed {
        /// The order.
        order_id: OrderId,
        /// What was bought.
        order: PricedOrder,
    },
    /// The order was not paid for, and its customer was not there to be told.
    PaymentProblem {
        /// The order.
        order_id: OrderId,
        /// The stable code of the reason, such as `payment_expired`.
        reason: String,
    },
    /// A card was declined, and its customer, who was not there to be told, can pay with another one.
    CardDeclined {
        /// The order.
        order_id: OrderId,
        /// Until when, in seconds since 1970.
        until: i64,
    },
    /// The order has ended without a sale, or was cancelled after it.
    OrderCancelled {
        /// The order.
        order_id: OrderId,
        /// The stable code of the reason.
        reason: String,
        /// What was given back; absent if nothing had been charged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refunded: Option<Money>,
    },
    /// Money was given back.
    Refunded {
        /// The order.
        order_id: OrderId,
        /// The refund.
        refund_id: RefundId,
        /// How much.
        amount: Money,
    },
    /// The order is on its way.
    Shipped {
        /// The order.
        order_id: OrderId,
        /// Who carries it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carrier: Option<String>,
        /// The carrier's number for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracking: Option<String>,
    },
    /// What an administrator wrote.
    Custom {
        /// Who wrote it.
        by: UserId,
        /// The order it is about, if it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<OrderId>,
        /// One line.
        subject: String,
        /// Plain text.
        text: String,
    },
}

impl Notice {
    /// The mail that greets a new account; there is one for each.
    pub fn welcome(user: &UserId, email: EmailAddress) -> Self {
        Self { message_id: MessageId::welcome(user), caller: Caller::user(user), email, message: Message::Welcome }
    }

    /// The confirmation of an order; there is one for each.
    pub fn order_confirmed(order_id: OrderId, caller: Caller, email: EmailAddress, order: PricedOrder) -> Self {
        let message_id = MessageId::about_order(&order_id, "confirmed");
        Self { message_id, caller, email, message: Message::OrderConfirmed { order_id, order } }
    }

    /// Tells that an order was not paid for; there is one such message for each.
    pub fn payment_problem(order_id: OrderId, caller: Caller, email: EmailAddress, reason: String) -> Self {
        let message_id = MessageId::about_order(&order_id, "payment");
        Self { message_id, caller, email, message: Message::PaymentProblem { order_id, reason } }
    }

    /// Tells that a card was declined and another one may be used; there is one such message for each card.
    pub fn card_declined(order_id: OrderId, caller: Caller, email: EmailAddress, attempt: u32, until: i64) -> Self {
        let message_id = MessageId::about_order(&order_id, &format!("card-{attempt}"));
        Self { message_id, caller, email, message: Message::CardDeclined { order_id, until } }
    }

    /// Tells that an order was cancelled; there is one such message for each.
    pub fn order_cancelled(
        order_id: OrderId,
        caller: Caller,
        email: EmailAddress,
        reason: String,
        refunded: Option<Money>,
    ) -> Self {
        let message_id = MessageId::about_order(&order_id, "cancelled");
        Self { message_id, caller, email, message: Message::OrderCancelled { order_id, reason, refunded } }
    }

    /// Tells of a refund; there is one such message for each.
    pub fn refunded(
        order_id: OrderId,
        refund_id: RefundId,
        caller: Caller,
        email: EmailAddress,
        amount: Money,
    ) -> Self {
        let message_id = MessageId::about_refund(&refund_id);
        Self { message_id, caller, email, message: Message::Refunded { order_id, refund_id, amount } }
    }

    /// Tells that an order is on its way; there is one such message for each.
    pub fn shipped(
        order_id: OrderId,
        caller: Caller,
        email: EmailAddress,
        carrier: Option<String>,
        tracking: Option<String>,
    ) -> Self {
        let message_id = MessageId::about_order(&order_id, "shipped");
        Self { message_id, caller, email, message: Message::Shipped { order_id, carrier, tracking } }
    }
}

impl Message {
    /// The name of its template.
    pub const fn template(&self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::OrderConfirmed { .. } => "order_confirmed",
            Self::PaymentProblem { .. } => "payment_problem",
            Self::CardDeclined { .. } => "card_declined",
            Self::OrderCancelled { .. } => "order_cancelled",
            Self::Refunded { .. } => "refunded",
            Self::Shipped { .. } => "shipped",
            Self::Custom { .. } => "custom",
        }
    }

    /// The order it is about.
    pub const fn order_id(&self) -> Option<&OrderId> {
        match self {
            Self::Welcome => None,
            Self::OrderConfirmed { order_id, .. }
            | Self::PaymentProblem { order_id, .. }
            | Self::CardDeclined { order_id, .. }
            | Self::OrderCancelled { order_id, .. }
            | Self::Refunded { order_id, .. }
            | Self::Shipped { order_id, .. } => Some(order_id),
            Self::Custom { order_id, .. } => order_id.as_ref(),
        }
    }
}

/// The activities of this system.
pub struct Notifications;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Notifications {
    /// Sends a message by every way that its customer wants it. Neither SES nor SNS has an idempotency token: a record of
    /// each message keeps it from being sent again, and only a crash inside the sending repeats it.
    #[activity(name = SEND)]
    pub fn send(input: Notice) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::notifications::*;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_different_kinds_about_one_order_are_different_messages() {
        let order: OrderId = "ord_1".parse().expect("an id");
        let email: EmailAddress = "a@example.com".parse().expect("an address");
        let caller = Caller::guest(&email);
        let notices = [
            Notice::payment_problem(order.clone(), caller.clone(), email.clone(), "payment_expired".to_owned()),
            Notice::order_cancelled(order.clone(), caller.clone(), email.clone(), "step_failed".to_owned(), None),
            Notice::shipped(order.clone(), caller, email, None, None),
        ];
        for (place, notice) in notices.iter().enumerate() {
            assert_eq!(notice.message.order_id(), Some(&order));
            assert!(notices[place + 1..].iter().all(|other| other.message_id != notice.message_id), "{notice:?}");
        }
    }
}
