//! Takes a charge back once, whatever became of it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use kassa_domain::{Currency, OrderId, RefundId};
use kassa_stripe_client::Error;
use kassa_workflows::contracts::payments::{Charge, Refund, Refunded};
use stripe_client_core::StripeRequest;
use stripe_core::payment_intent::CancelPaymentIntent;
use stripe_core::refund::CreateRefund;
use stripe_shared::{PaymentIntent, PaymentIntentStatus};

use super::charge::{is_saved_failure, is_saved_refusal, refuses_amount};
use super::intents::{CLOCK_SKEW, captured, once};
use super::{MAX_KEYS, PaymentError, Payments, REFUND_ID, charge_key, first_try, refund_key};

/// How long Stripe remembers an idempotency key at least (Stripe API reference, "Idempotent requests"), and how far back a
/// charge is looked for that is not known to be older.
const KEYS_LAST: Duration = Duration::from_hours(24);

impl Payments {
    pub(super) async fn take_back(&self, refund: &Refund) -> Result<Refunded, PaymentError> {
        let intent = match &refund.payment_intent {
            Some(intent) => Some(self.retrieve(intent).await?),
            None => self.locate(&refund.charge).await?,
        };
        let Some(intent) = intent else { return Ok(Refunded::NothingCaptured) };
        match self.abandon(intent).await? {
            Some(paid) => self.refund_once(&paid, &refund.charge.order_id, refund.charge.amount.currency).await,
            None => Ok(Refunded::NothingCaptured),
        }
    }

    /// Sees to it that an intent brings in no money any more; returns it if it has.
    async fn abandon(&self, intent: PaymentIntent) -> Result<Option<PaymentIntent>, PaymentError> {
        match &intent.status {
            PaymentIntentStatus::Succeeded => Ok(Some(intent)),
            PaymentIntentStatus::Canceled => Ok(None),
            PaymentIntentStatus::RequiresAction
            | PaymentIntentStatus::RequiresCapture
            | PaymentIntentStatus::RequiresConfirmation
            | PaymentIntentStatus::RequiresPaymentMethod => match self.cancel(intent.id.as_str()).await {
                Ok(()) => Ok(None),
                // Its customer was faster; or Stripe means something else, and another look tells.
                Err(error) if error.status() == Some(400) => match self.retrieve(intent.id.as_str()).await? {
                    paid if paid.status == PaymentIntentStatus::Succeeded => Ok(Some(paid)),
                    gone if gone.status == PaymentIntentStatus::Canceled => Ok(None),
                    other => Err(PaymentError::Unfinished(other.status.to_string())),
                },
                Err(error) => Err(error.into()),
            },
            PaymentIntentStatus::Processing | _ => Err(PaymentError::Unfinished(intent.status.to_string())),
        }
    }

    /// Finds the intent of a charge of which we never learnt what became, and makes sure that none can come later.
    async fn locate(&self, charge: &Charge) -> Result<Option<PaymentIntent>, PaymentError> {
        for number in 0..MAX_KEYS {
            let key = charge_key(charge, number);
            match self.occupy(charge, &key).await {
                Ok(unused) => {
                    let unused = self.retrieve(unused.id.as_str()).await?;
                    if unused.status != PaymentIntentStatus::Canceled {
                        self.cancel(unused.id.as_str()).await?;
                    }
                    // Nothing was ever charged under this key, nor under any later one, unless Stripe has forgotten them.
                    let since = first_try(charge).unwrap_or_else(SystemTime::now);
                    return match since.elapsed() {
                        Ok(ago) if ago + CLOCK_SKEW >= KEYS_LAST => self.another(&charge.order_id, &unused).await,
                        _ => Ok(None),
                    };
                }
                Err(PaymentError::Stripe(error)) if error.is_idempotency_mismatch() => {}
                // What Stripe does not charge now it has not charged before, nor will it.
                Err(PaymentError::Stripe(error)) if refuses_amount(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
            // The charge came first. Repeating it tells what became of it.
            let error = match self.create_confirmed(charge, &key).await {
                Ok(intent) => return self.retrieve(intent.id.as_str()).await.map(Some),
                Err(PaymentError::Stripe(error)) => error,
                Err(error) => return Err(error),
            };
            if let Some(intent) = error.api_error().and_then(|error| error.payment_intent_id.as_deref()) {
                return self.retrieve(intent).await.map(Some);
            }
            // Stripe saved that it refused the charge, and repeats this for ever.
            if error.is_card_error() || is_saved_refusal(&error) {
                return Ok(None);
            }
            if !is_saved_failure(&error) {
                return Err(error.into());
            }
            let a_day_ago = || SystemTime::now().checked_sub(KEYS_LAST).unwrap_or(SystemTime::UNIX_EPOCH);
            let since = first_try(charge).unwrap_or_else(a_day_ago);
            if let Some(intent) = self.find(&charge.order_id, since).await? {
                return Ok(Some(intent));
            }
        }
        Ok(None)
    }

    pub(super) async fn cancel(&self, intent: &str) -> Result<(), Error> {
        CancelPaymentIntent::new(intent).send(&self.stripe).await.map(drop)
    }

    pub(super) async fn refund_once(
        &self,
        intent: &PaymentIntent,
        order_id: &OrderId,
        currency: Currency,
    ) -> Result<Refunded, PaymentError> {
        let refunded = |refund: &stripe_shared::Refund| Refunded::Refunded {
            captured: captured(intent, currency),
            refund: refund.id.to_string(),
            unsettled: refund.status.as_deref() != Some("succeeded"),
        };
        let refund_id = RefundId::of_undo(order_id);
        for number in 0..MAX_KEYS {
            if let Some(made) = self.refunds_of(intent.id.as_str(), &refund_id).await?.first() {
                return Ok(refunded(made));
            }
            let request = CreateRefund::new()
                .payment_intent(intent.id.as_str())
                .metadata(HashMap::from([(REFUND_ID.to_owned(), refund_id.to_string())]));
            let request = request.customize().request_strategy(once(&refund_key(order_id, number))?);
            match request.send(&self.stripe).await {
                Ok(made) => return Ok(refunded(&made)),
                // From now on Stripe repeats this under this key, whatever really happened. Only if no refund came of it may
                // the next key be used.
                Err(error) if is_saved_failure(&error) || is_saved_refusal(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PaymentError::OutOfKeys)
    }
}
