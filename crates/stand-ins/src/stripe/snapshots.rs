//! What a test sees of the server's state, to judge an application from outside.

use std::collections::BTreeMap;

use serde::Serialize;

use super::charges::ChargeStatus;
use super::payment_intents::PaymentIntent;
use super::refunds::RefundStatus;
use super::state::State;

/// A payment intent with all its charges and refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentSnapshot {
    /// Names the payment intent.
    pub id: String,
    /// Its state, such as `succeeded`.
    pub status: String,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// The currency in lower case.
    pub currency: String,
    /// What was really taken.
    pub amount_captured: i64,
    /// What was really given back: refunds that have failed do not count.
    pub amount_refunded: i64,
    /// Seconds since 1970.
    pub created: i64,
    /// The metadata, with the `order_id` by which an application finds its payments.
    pub metadata: BTreeMap<String, String>,
    /// Every attempt, oldest first.
    pub charges: Vec<ChargeSnapshot>,
    /// Every refund, oldest first.
    pub refunds: Vec<RefundSnapshot>,
}

impl PaymentSnapshot {
    /// The order that the payment is for.
    pub fn order_id(&self) -> Option<&str> {
        self.metadata.get("order_id").map(String::as_str)
    }

    /// How many attempts succeeded.
    pub fn successful_charges(&self) -> usize {
        self.charges.iter().filter(|charge| charge.status == "succeeded").count()
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChargeSnapshot {
    /// Names the charge.
    pub id: String,
    /// `succeeded`, `pending` or `failed`.
    pub status: String,
    /// What was asked for.
    pub amount: i64,
    /// What was taken.
    pub amount_captured: i64,
    /// The test payment method.
    pub payment_method: String,
    /// Why it failed.
    pub failure_code: Option<String>,
}

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundSnapshot {
    /// Names the refund.
    pub id: String,
    /// `succeeded`, `pending` or `failed`.
    pub status: String,
    /// What goes back.
    pub amount: i64,
    /// The metadata.
    pub metadata: BTreeMap<String, String>,
}

/// An event, and whether it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventSnapshot {
    /// Names the event.
    pub id: String,
    /// What happened, such as `payment_intent.succeeded`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The object that it happened to.
    pub object_id: String,
    /// Whether the webhook endpoint took it; true as well where there is none.
    pub delivered: bool,
    /// How often its delivery was tried.
    pub attempts: u32,
}

pub(crate) fn payment_intents(state: &State) -> Vec<PaymentSnapshot> {
    let mut charges: BTreeMap<&str, Vec<ChargeSnapshot>> = BTreeMap::new();
    for charge in state.charges.oldest_first() {
        charges.entry(&charge.payment_intent).or_default().push(ChargeSnapshot {
            id: charge.id.clone(),
            status: match charge.status {
                ChargeStatus::Succeeded => "succeeded",
                ChargeStatus::Pending => "pending",
                ChargeStatus::Failed => "failed",
            }
            .to_owned(),
            amount: charge.amount,
            amount_captured: charge.amount_captured,
            payment_method: charge.test_method.clone(),
            failure_code: charge.failure_code.clone(),
        });
    }
    let mut refunds: BTreeMap<&str, Vec<RefundSnapshot>> = BTreeMap::new();
    for refund in state.refunds.oldest_first() {
        refunds.entry(&refund.payment_intent).or_default().push(RefundSnapshot {
            id: refund.id.clone(),
            status: match refund.status {
                RefundStatus::Pending => "pending",
                RefundStatus::Succeeded => "succeeded",
                RefundStatus::Failed => "failed",
            }
            .to_owned(),
            amount: refund.amount,
            metadata: refund.metadata.clone(),
        });
    }
    let snapshot = |intent: &PaymentIntent| {
        let charges = charges.get(intent.id.as_str()).cloned().unwrap_or_default();
        let refunds = refunds.get(intent.id.as_str()).cloned().unwrap_or_default();
        PaymentSnapshot {
            id: intent.id.clone(),
            status: intent.status.as_str().to_owned(),
            amount: intent.amount,
            currency: intent.currency.clone(),
            amount_captured: charges.iter().map(|charge| charge.amount_captured).sum(),
            amount_refunded: refunds
                .iter()
                .filter(|refund| refund.status != "failed")
                .map(|refund| refund.amount)
                .sum(),
            created: intent.created,
            metadata: intent.metadata.clone(),
            charges,
            refunds,
        }
    };
    state.payment_intents.oldest_first().map(snapshot).collect()
}

pub(crate) fn events(state: &State) -> Vec<EventSnapshot> {
    state
        .events
        .oldest_first()
        .map(|event| EventSnapshot {
            id: event.id.clone(),
            event_type: event.kind.clone(),
            object_id: event.object["id"].as_str().unwrap_or_default().to_owned(),
            delivered: !event.pending,
            attempts: event.attempts,
        })
        .collect()
}
