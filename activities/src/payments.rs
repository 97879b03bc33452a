//! Payments at Stripe: one `PaymentIntent` per order, charged once, taken back once.

mod another_card;
mod awaited;
mod charge;
mod create_refund;
mod intents;
mod kept;
mod refund;

pub use self::awaited::AwaitedPayments;
pub(crate) use self::create_refund::all_refunds;
pub(crate) use self::intents::PAGE;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kassa_domain::OrderId;
use kassa_stripe_client::{Error, PooledStripe};
use kassa_workflows::contracts::payments::{
    self as contract, AnotherCharge, Charge, Charged, CreateRefund, Refund, RefundProgress, Refunded,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::error::{Classified, activity_error};
use crate::valve::Gate;

/// The metadata of a refund by which it is found again.
pub(crate) const REFUND_ID: &str = "refund_id";
/// How often an order is charged under a new idempotency key, because Stripe saved a failure under the one before.
const MAX_KEYS: u32 = 5;

/// The activities of Stripe.
#[derive(Debug)]
pub struct Payments {
    stripe: PooledStripe,
    gate: Gate,
}

/// Why a charge or refund did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// Stripe said no, or nothing.
    #[error(transparent)]
    Stripe(#[from] Error),
    /// The payment is neither made nor refused yet.
    #[error("the payment intent is still {0}")]
    Unfinished(String),
    /// The intent was cancelled while it should be charged.
    #[error("the payment intent was cancelled")]
    Canceled,
    /// Stripe failed under every key that an order has.
    #[error("Stripe saved a failure under each of {MAX_KEYS} idempotency keys")]
    OutOfKeys,
    /// Stripe adds up the lines to something else.
    #[error("the page asks for another amount than the order costs")]
    OtherAmount,
    /// A currency that we do not know.
    #[error("Stripe has captured in {0}, which is no currency that we know")]
    UnknownCurrency(String),
    /// A currency that Stripe does not know.
    #[error("Stripe does not know the currency {0}")]
    Currency(&'static str),
}

impl Classified for PaymentError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Stripe(_) => "StripeError",
            Self::Unfinished(_) => "PaymentUnfinished",
            Self::Canceled => "PaymentCanceled",
            Self::OutOfKeys => "OutOfIdempotencyKeys",
            Self::OtherAmount => "OtherAmount",
            Self::Currency(_) | Self::UnknownCurrency(_) => "UnknownCurrency",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            // A wrong or expired secret key is mended in the configuration, not in the order.
            Self::Stripe(error) => error.is_retryable() || matches!(error.status(), Some(401 | 403)),
            Self::Unfinished(_) => true,
            Self::Canceled | Self::OutOfKeys | Self::OtherAmount | Self::Currency(_) | Self::UnknownCurrency(_) => {
                false
            }
        }
    }
}

impl Payments {
    /// The activities over a connection pool, behind the valve.
    pub fn new(stripe: PooledStripe, gate: Gate) -> Self {
        Self { stripe, gate }
    }
}

/// Idempotency keys name the order, what is done, and which attempt it is: never the activity's attempt, which counts
/// retries of the very same thing.
fn charge_key(charge: &Charge, key: u32) -> String {
    format!("{}/charge/{}/{key}", charge.order_id, charge.attempt)
}

/// A time before the charge was tried for the first time.
fn first_try(charge: &Charge) -> Option<SystemTime> {
    let millis = u64::try_from(charge.first_tried_at?).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

/// How many keys Stripe has saved a failure under is told by the number. The first key has none: orders that were begun
/// before there were others go on with it.
fn refund_key(order: &OrderId, number: u32) -> String {
    if number == 0 { format!("{order}/refund") } else { format!("{order}/refund/{number}") }
}

#[activities]
impl Payments {
    /// Charges the card once, however often it is called.
    #[activity(definition = contract::definitions::Charge)]
    pub async fn charge(self: Arc<Self>, ctx: ActivityContext, input: Charge) -> Result<Charged, ActivityError> {
        if self.gate.is_closed().await.map_err(|error| activity_error(&error))? {
            return Ok(Charged::Held);
        }
        let since = first_try(&input).or(ctx.info().scheduled_time).unwrap_or_else(SystemTime::now);
        self.charge_once(&input, since).await.map_err(|error| activity_error(&error))
    }

    /// Charges another card once, however often it is called.
    #[activity(definition = contract::definitions::Confirm)]
    pub async fn confirm(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: AnotherCharge,
    ) -> Result<Charged, ActivityError> {
        if self.gate.is_closed().await.map_err(|error| activity_error(&error))? {
            return Ok(Charged::Held);
        }
        self.charge_another(&input).await.map_err(|error| activity_error(&error))
    }

    /// Takes the charge back once, however often it is called.
    #[activity(definition = contract::definitions::Refund)]
    pub async fn refund(self: Arc<Self>, _ctx: ActivityContext, input: Refund) -> Result<Refunded, ActivityError> {
        self.take_back(&input).await.map_err(|error| activity_error(&error))
    }

    /// Gives back a part of the charge once, however often it is called, and says how far it is by now.
    #[activity(definition = contract::definitions::CreateRefund)]
    pub async fn create_refund(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: CreateRefund,
    ) -> Result<RefundProgress, ActivityError> {
        self.refund_part(&input).await.map_err(|error| activity_error(&error))
    }
}
