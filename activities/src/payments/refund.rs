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
use super::intents::{captured, once};
use super::{MAX_KEYS, PaymentError, Payments, REFUND_ID, charge_key, refund_key};

/// How far back a charge is looked for whose outcome was never learnt. Longer than an order is retried before
/// it is undone, and as long as Stripe remembers an idempotency key.
const LOOK_BACK: Duration = Duration::from_hours(24);

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
                    // Nothing was ever charged under this key, nor under any later one.
                    let unused = self.retrieve(unused.id.as_str()).await?;
                    if unused.status != PaymentIntentStatus::Canceled {
                        self.cancel(unused.id.as_str()).await?;
                    }
                    return Ok(None);
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
            let since = SystemTime::now().checked_sub(LOOK_BACK).unwrap_or(SystemTime::UNIX_EPOCH);
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
        let refund_id = RefundId::of_undo(order_id);
        let refund = if let Some(refund) = self.refunds_of(intent.id.as_str(), &refund_id).await?.into_iter().next() {
            refund
        } else {
            let request = CreateRefund::new()
                .payment_intent(intent.id.as_str())
                .metadata(HashMap::from([(REFUND_ID.to_owned(), refund_id.to_string())]));
            request.customize().request_strategy(once(&refund_key(order_id))?).send(&self.stripe).await?
        };
        Ok(Refunded::Refunded {
            captured: captured(intent, currency),
            refund: refund.id.to_string(),
            unsettled: refund.status.as_deref() != Some("succeeded"),
        })
    }
}
