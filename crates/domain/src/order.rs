//! The statuses of an order and the graph they move along.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an order is. The wire form is the name in capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Written with its price snapshot; nothing charged.
    Pending,
    /// The customer has to authenticate the payment (3-D Secure).
    AwaitingPayment,
    /// A card was declined; another one may be tried while the reservation is held.
    PaymentFailed,
    /// Paid and deducted: from here on only forward.
    Confirmed,
    /// Ended without a sale; nothing is held and nothing is owed. Only money that comes late can bring it back.
    Cancelled,
    /// On its way to the customer.
    Shipped,
    /// With the customer.
    Delivered,
}

/// A change of status that the graph does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order does not go from {from} to {to}")]
pub struct IllegalTransition {
    /// Where the order is.
    pub from: OrderStatus,
    /// Where it should have gone.
    pub to: OrderStatus,
}

/// A text that is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown order status `{0}`")]
pub struct UnknownStatus(String);

impl OrderStatus {
    /// Every status, in the order of an order's life.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::AwaitingPayment,
        Self::PaymentFailed,
        Self::Confirmed,
        Self::Cancelled,
        Self::Shipped,
        Self::Delivered,
    ];

    /// The statuses that may come next.
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::AwaitingPayment, Self::PaymentFailed, Self::Confirmed, Self::Cancelled],
            Self::AwaitingPayment => &[Self::PaymentFailed, Self::Confirmed, Self::Cancelled],
            Self::PaymentFailed => &[Self::AwaitingPayment, Self::Confirmed, Self::Cancelled],
            Self::Confirmed => &[Self::Shipped, Self::Cancelled],
            Self::Shipped => &[Self::Delivered],
            // A customer who paid after the time to pay was over, and whose pieces are still there.
            Self::Cancelled => &[Self::Confirmed],
            Self::Delivered => &[],
        }
    }

    /// Whether the order may go to `next`.
    pub fn can_become(self, next: Self) -> bool {
        self.successors().contains(&next)
    }

    /// Checks a change of status.
    pub fn transition(self, to: Self) -> Result<Self, IllegalTransition> {
        if self.can_become(to) { Ok(to) } else { Err(IllegalTransition { from: self, to }) }
    }

    /// Whether nothing comes after it.
    pub const fn is_terminal(self) -> bool {
        self.successors().is_empty()
    }

    /// The wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::AwaitingPayment => "AWAITING_PAYMENT",
            Self::PaymentFailed => "PAYMENT_FAILED",
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OrderStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_statuses_lead_nowhere() {
        let terminal = OrderStatus::Delivered;
        assert!(terminal.is_terminal());
        for next in OrderStatus::ALL {
            assert_eq!(terminal.transition(next), Err(IllegalTransition { from: terminal, to: next }));
        }
    }

    #[test]
    fn a_cancelled_order_comes_back_only_by_being_paid() {
        assert_eq!(OrderStatus::Cancelled.successors(), [OrderStatus::Confirmed]);
    }

    #[test]
    fn every_status_is_reached_from_pending() {
        let mut reached = vec![OrderStatus::Pending];
        let mut next = 0;
        while let Some(status) = reached.get(next).copied() {
            for successor in status.successors() {
                if !reached.contains(successor) {
                    reached.push(*successor);
                }
            }
            next += 1;
        }
        assert_eq!(reached.len(), OrderStatus::ALL.len());
    }

    #[test]
    fn nothing_returns_to_pending_and_nothing_skips_payment() {
        for status in OrderStatus::ALL {
            assert!(!status.can_become(OrderStatus::Pending));
            assert_eq!(status.can_become(OrderStatus::Shipped), status == OrderStatus::Confirmed);
        }
    }

    #[test]
    fn wire_forms_agree() {
        for status in OrderStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
