//! Mail to customers through Amazon SES.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{EmailAddress, OrderId, PricedOrder};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Notifications::confirmation`].
pub const CONFIRMATION: &str = "notifications.confirmation";

/// Tells the customer that the order is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The order.
    pub order_id: OrderId,
    /// Where to.
    pub email: EmailAddress,
    /// What was bought.
    pub order: PricedOrder,
}

/// The activities of this system.
pub struct Notifications;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Notifications {
    /// Sends the confirmation mail. SES has no idempotency token: a crash between sending and recording it sends
    /// it again.
    #[activity(name = CONFIRMATION)]
    pub fn confirmation(input: Confirmation) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::notifications::*;
}
