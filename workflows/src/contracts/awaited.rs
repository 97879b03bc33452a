//! Payments at Stripe that wait for their customer: on a page of Stripe's, or for an authentication.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{EmailAddress, Money, OrderId, PricedLine};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

use super::payments::{Captured, Decline, Refunded};

/// Wire name of [`AwaitedPayments::open_page`].
pub const OPEN_PAGE: &str = "payments.open_page";
/// Wire name of [`AwaitedPayments::look`].
pub const LOOK: &str = "payments.look";
/// Wire name of [`AwaitedPayments::close`].
pub const CLOSE: &str = "payments.close";
/// Wire name of [`AwaitedPayments::withdraw`].
pub const WITHDRAW: &str = "payments.withdraw";

/// The metadata of objects at Stripe that names the order.
pub const ORDER_ID_KEY: &str = "order_id";
/// The metadata of objects at Stripe whose changes an order waits for; its value is [`AWAITED`].
pub const AWAITED_KEY: &str = "kassa_awaited";
/// The value of [`AWAITED_KEY`].
pub const AWAITED: &str = "true";

/// Where a page leads its customer back to. Whoever starts a checkout has checked that both belong to the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnUrls {
    /// After paying.
    pub success_url: String,
    /// Without having paid.
    pub cancel_url: String,
}

/// Opens a page on which the total of an order can be paid once. The same input opens the same page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPage {
    /// The order; it makes the idempotency key.
    pub order_id: OrderId,
    /// What the page shows.
    pub lines: Vec<PricedLine>,
    /// The total.
    pub amount: Money,
    /// What the page fills in for the customer.
    pub email: EmailAddress,
    /// Where the page leads back to.
    pub urls: ReturnUrls,
    /// When the page closes by itself, in seconds since 1970. The order closes it earlier; this is for a page that
    /// nobody comes back to close.
    pub expires_at: i64,
}

/// What came of opening a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Opened {
    /// It is open.
    Open {
        /// Stripe's session (`cs_...`).
        session: String,
        /// Where the customer pays.
        url: String,
    },
    /// Stripe does not take this amount.
    Declined {
        /// Why.
        decline: Decline,
    },
    /// The provider was not asked, because its valve is closed.
    Held,
}

/// A payment that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// What has to be paid.
    pub amount: Money,
    /// What is to be looked at.
    pub pending: Pending,
}

/// Where a payment that is waited for is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pending {
    /// On a page.
    Page {
        /// Stripe's session (`cs_...`).
        session: String,
    },
    /// By an authentication.
    Intent {
        /// Stripe's intent (`pi_...`).
        payment_intent: String,
    },
}

/// What Stripe says about a payment that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Seen {
    /// Nothing yet.
    Waiting,
    /// The money is ours.
    Paid {
        /// What was captured.
        captured: Captured,
    },
    /// The authentication failed, or the card was declined after it; nothing moved.
    Declined {
        /// Why.
        decline: Decline,
    },
    /// It is closed, and nothing was or will be paid.
    Closed,
}

/// Takes a page back, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdraw {
    /// The page as it was, or should have been, opened.
    pub page: OpenPage,
    /// Its session, where it is known.
    pub session: Option<String>,
}

/// The activities of this system.
pub struct AwaitedPayments;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl AwaitedPayments {
    /// Opens the page once, however often it is called.
    #[activity(name = OPEN_PAGE)]
    pub fn open_page(input: OpenPage) -> Result<Opened, ActivityError> {
        unimplemented!()
    }

    /// Asks Stripe, the only one who is believed.
    #[activity(name = LOOK)]
    pub fn look(input: Awaited) -> Result<Seen, ActivityError> {
        unimplemented!()
    }

    /// Ends the wait: from then on nothing can be paid any more. Tells what was paid in the last moment.
    #[activity(name = CLOSE)]
    pub fn close(input: Awaited) -> Result<Seen, ActivityError> {
        unimplemented!()
    }

    /// Closes the page, also one of which nothing is known, and gives back what was paid on it, once.
    #[activity(name = WITHDRAW)]
    pub fn withdraw(input: Withdraw) -> Result<Refunded, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::awaited_payments::*;
}
