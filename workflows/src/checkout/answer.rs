//! What a checkout starts with and what its caller is told.

use std::time::Duration;

use kassa_domain::{Fingerprint, Line, Money, OrderId, PaymentId, PricedOrder, PricingError, Product, price};
use serde::{Deserialize, Serialize};

use crate::cancellation::CancelledBy;
use crate::contracts::awaited::ReturnUrls;
use crate::contracts::carts::Settle;
use crate::contracts::inventory::Shortage;
use crate::contracts::orders::PlaceOrder;
use crate::contracts::payments::Decline;

/// What a checkout starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutInput {
    /// Who wants what.
    pub order: PlaceOrder,
    /// How it is paid.
    #[serde(flatten)]
    pub payment: Payment,
    /// The cart that is bought, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart: Option<Settle>,
    /// How patient the workflow is.
    #[serde(default)]
    pub policy: Policy,
    /// When it was begun, in milliseconds since 1970; before the workflow was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
}

/// How an order is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Payment {
    /// With a card, at once, or after an authentication.
    Card {
        /// Stripe's payment method (`pm_...`).
        payment_method: String,
        /// Where the customer comes back to after an authentication; without it, the shop's own page has Stripe's code do it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        return_url: Option<String>,
    },
    /// By the customer, on a page of Stripe's.
    Page {
        /// Where the page leads back to.
        page: ReturnUrls,
    },
}

/// Durations that operators and tests choose; the workflow itself has no clock to bend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// How long a step is retried before the order is undone or parked, in milliseconds.
    pub patience_ms: u64,
    /// How long after the order the tail (notify, publish) is retried before the order is parked, in milliseconds.
    pub tail_patience_ms: u64,
    /// How long a refund that Stripe calls pending is asked after before it is parked, in milliseconds.
    pub refund_patience_ms: u64,
    /// How long stock is held for a customer who is to pay, and for an order that is held before its charge, in
    /// milliseconds.
    pub hold_ms: u64,
    /// How soon Stripe is asked for the first time whether such a customer has paid, in milliseconds; later less and less
    /// often. Webhooks are faster, and may be lost.
    pub poll_ms: u64,
    /// How soon an order that is held before its charge looks for the first time whether payments are resumed, in
    /// milliseconds; later less and less often.
    pub valve_look_ms: u64,
    /// How long after payments were paused an order has to begin for it to be certain that none of it has reached the
    /// payment provider, in milliseconds: longer than workers take to notice, and than clocks differ.
    pub valve_settle_ms: u64,
    /// How many cards may be tried for one order. With 1, a decline ends the order; with more, it waits for another card
    /// until the hold ends.
    pub card_attempts: u32,
    /// The time limit of one call to Stripe, in milliseconds. Most time limits of attempts follow from it.
    pub call_timeout_ms: u64,
}

/// Stripe answers within a second or two, and may take much longer on a bad day.
const CALL_TIMEOUT_MS: u64 = 20 * 1000;

impl Default for Policy {
    fn default() -> Self {
        // Ten minutes are longer than a failover of Aurora or a bad deployment takes; nobody waits longer for a
        // checkout. Mail and events may wait for the end of an outage of a day.
        // Banks take up to ten working days over a refund (Stripe documentation, "Refund and cancel payments").
        // Half an hour is what Stripe gives the customers of its pages at least.
        Self {
            patience_ms: 10 * 60 * 1000,
            tail_patience_ms: 24 * 60 * 60 * 1000,
            refund_patience_ms: 14 * 24 * 60 * 60 * 1000,
            hold_ms: 30 * 60 * 1000,
            poll_ms: 30 * 1000,
            valve_look_ms: 5 * 1000,
            valve_settle_ms: 60 * 1000,
            card_attempts: 1,
            call_timeout_ms: CALL_TIMEOUT_MS,
        }
    }
}

impl Policy {
    /// How long a step is retried before the order is undone or parked.
    pub const fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }

    /// How long notify and publish are retried before the order is parked.
    pub const fn tail_patience(&self) -> Duration {
        Duration::from_millis(self.tail_patience_ms)
    }

    /// How long a pending refund is asked after before it is parked.
    pub const fn refund_patience(&self) -> Duration {
        Duration::from_millis(self.refund_patience_ms)
    }

    /// How long stock is held for a customer who is to pay, and for an order that is held before its charge.
    pub const fn hold(&self) -> Duration {
        Duration::from_millis(self.hold_ms)
    }

    /// How soon Stripe is asked for the first time whether such a customer has paid.
    pub const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// The time limit of one call to Stripe.
    pub const fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    /// How soon a held order looks for the first time whether payments are resumed.
    pub const fn valve_look(&self) -> Duration {
        Duration::from_millis(self.valve_look_ms)
    }
}

/// What the caller is told, the same every time it asks with the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutAnswer {
    /// The order.
    pub order_id: OrderId,
    /// The HTTP request that started the workflow; any other one with this answer is a replay.
    pub request_id: String,
    /// What was asked for; another fingerprint under the same key is a misuse.
    pub fingerprint: Fingerprint,
    /// How the money question was decided.
    pub outcome: CheckoutOutcome,
}

/// How the money question was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CheckoutOutcome {
    /// Paid, deducted and durable.
    Confirmed {
        /// What was captured.
        total: Money,
        /// The payment.
        payment_id: PaymentId,
    },
    /// The customer is to pay; the order waits.
    AwaitingPayment {
        /// What is to be paid.
        total: Money,
        /// Where, if there is a page for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment_url: Option<String>,
        /// What Stripe's own code in the customer's browser or app needs to authenticate the payment; not for a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_secret: Option<String>,
        /// Until when, in seconds since 1970.
        expires_at: i64,
    },
    /// Payments are paused, and the order waits with its stock: to be asked for again. Never kept: it will be decided.
    Held,
    /// Payments were paused for longer than the order could be held; nothing was charged.
    PaymentUnavailable,
    /// The card was declined; the order waits for another one.
    AwaitingCard {
        /// Why.
        decline: Decline,
        /// What is to be paid.
        total: Money,
        /// How many more cards may be tried.
        attempts_left: u32,
        /// Until when, in seconds since 1970.
        expires_at: i64,
    },
    /// The customer did not pay in time; nothing was charged.
    PaymentExpired,
    /// The card was declined.
    Declined {
        /// Why.
        decline: Decline,
    },
    /// There is not enough of it.
    OutOfStock {
        /// Every line that could not be served.
        shortages: Vec<Shortage>,
    },
    /// It cannot be sold as asked.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// Somebody wanted it cancelled before it was confirmed; nothing is charged, or all of it is given back.
    Cancelled {
        /// Who.
        by: CancelledBy,
    },
    /// A step failed for good; nothing is charged, or all of it is given back.
    Failed {
        /// The step, by the wire name of its activity.
        step: String,
    },
}

/// Why an order is not even written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refusal {
    /// The client expected another total.
    PriceChanged {
        /// What the client expected.
        expected: Money,
        /// What it costs.
        total: Money,
    },
    /// The lines have no price.
    Unpriceable {
        /// Why.
        error: PricingError,
    },
    /// The total is zero: there is nothing to charge.
    NothingToPay,
}

/// Prices an order, or says why it cannot be sold as asked. Whoever asks before a checkout is started and the checkout
/// itself decide alike, as long as the catalogue stays the same.
pub fn quote(lines: &[Line], catalogue: &[Product], expected_total: Option<Money>) -> Result<PricedOrder, Refusal> {
    let order = price(lines, catalogue).map_err(|error| Refusal::Unpriceable { error })?;
    if order.total.amount == 0 {
        return Err(Refusal::NothingToPay);
    }
    match expected_total {
        Some(expected) if expected != order.total => Err(Refusal::PriceChanged { expected, total: order.total }),
        _ => Ok(order),
    }
}

impl CheckoutOutcome {
    /// The stable code of the reason why the order was not confirmed; `None` if it was, or still may be.
    pub const fn failure_reason(&self) -> Option<&'static str> {
        match self {
            Self::Confirmed { .. } | Self::AwaitingPayment { .. } | Self::AwaitingCard { .. } | Self::Held => None,
            Self::PaymentUnavailable => Some("payment_unavailable"),
            Self::PaymentExpired => Some("payment_expired"),
            Self::Declined { .. } => Some("payment_declined"),
            Self::OutOfStock { .. } => Some("out_of_stock"),
            Self::Refused { refusal: Refusal::PriceChanged { .. } } => Some("price_changed"),
            Self::Refused { refusal: Refusal::Unpriceable { .. } } => Some("unpriceable"),
            Self::Refused { refusal: Refusal::NothingToPay } => Some("nothing_to_pay"),
            Self::Cancelled { by } => Some(by.reason()),
            Self::Failed { .. } => Some("step_failed"),
        }
    }
}
