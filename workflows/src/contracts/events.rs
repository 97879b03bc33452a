//! Events on Amazon EventBridge.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Caller, EventId, Money, OrderId, Parcel, RefundId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Events::publish`].
pub const PUBLISH: &str = "events.publish";

/// Publishes one event of an order. `EventBridge` delivers at least once and has no idempotency token, so consumers
/// drop what they have seen by `event_id` and order by `sequence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// The same for every attempt to publish this event.
    pub event_id: EventId,
    /// Counts the events of the order from 1, without gaps.
    pub sequence: u32,
    /// The order.
    pub order_id: OrderId,
    /// Who bought.
    pub caller: Caller,
    /// What happened.
    pub event: OrderEvent,
}

impl Publish {
    /// The event number `sequence` of an order.
    pub fn new(order_id: OrderId, caller: Caller, sequence: u32, event: OrderEvent) -> Self {
        Self { event_id: EventId::of(&order_id, sequence), sequence, order_id, caller, event }
    }
}

/// What may happen to an order; the wire name is the detail type on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum OrderEvent {
    /// Paid and deducted.
    #[serde(rename = "order.confirmed")]
    Confirmed {
        /// What was captured.
        total: Money,
    },
    /// Ended without a sale.
    #[serde(rename = "order.cancelled")]
    Cancelled {
        /// The stable code of the reason.
        reason: String,
    },
    /// On its way to the customer.
    #[serde(rename = "order.shipped")]
    Shipped {
        /// How it is found.
        #[serde(flatten)]
        parcel: Parcel,
    },
    /// With the customer.
    #[serde(rename = "order.delivered")]
    Delivered,
    /// Money went back.
    #[serde(rename = "order.refunded")]
    Refunded {
        /// The refund.
        refund_id: RefundId,
        /// How much.
        amount: Money,
    },
}

impl OrderEvent {
    /// The detail type on the bus.
    pub const fn detail_type(&self) -> &'static str {
        match self {
            Self::Confirmed { .. } => "order.confirmed",
            Self::Cancelled { .. } => "order.cancelled",
            Self::Shipped { .. } => "order.shipped",
            Self::Delivered => "order.delivered",
            Self::Refunded { .. } => "order.refunded",
        }
    }
}

/// The activities of this system.
pub struct Events;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Events {
    /// Puts the event on the bus.
    #[activity(name = PUBLISH)]
    pub fn publish(input: Publish) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::events::*;
}
