//! Charges another card: confirms the intent again that an earlier card was declined for.
//!
//! Stripe lets an intent succeed once. So a confirmation that is repeated, or that meets another one, never charges twice; its
//! key only keeps a card from being asked twice.

use std::collections::HashMap;

use kassa_stripe_client::Error;
use kassa_workflows::contracts::awaited::{AWAITED, AWAITED_KEY};
use kassa_workflows::contracts::payments::{AnotherCharge, Charge, Charged};
use stripe_client_core::StripeRequest;
use stripe_core::payment_intent::{ConfirmPaymentIntent, UpdatePaymentIntent};
use stripe_shared::PaymentIntent;

use super::charge::{decline, is_final, is_saved_failure};
use super::intents::once;
use super::{MAX_KEYS, PaymentError, Payments, charge_key};

impl Payments {
    /// Charges the card, or says why it was declined.
    pub(super) async fn charge_another(&self, another: &AnotherCharge) -> Result<Charged, PaymentError> {
        let AnotherCharge { charge, payment_intent } = another;
        if charge.return_url.is_some() {
            self.announce_end(payment_intent).await?;
        }
        for key in 0..MAX_KEYS {
            let error = match self.confirm_with(charge, payment_intent, &charge_key(charge, key)).await {
                Ok(intent) => return self.settle(intent, charge).await,
                Err(PaymentError::Stripe(error)) => error,
                Err(error) => return Err(error),
            };
            if let Some(decline) = decline(&error) {
                return Ok(Charged::Declined { decline, payment_intent: Some(payment_intent.clone()) });
            }
            let is_saved = is_saved_failure(&error);
            if !is_saved && !is_unexpected_state(&error) {
                return Err(error.into());
            }
            // Either the intent has come to its end in the meantime, or Stripe repeats a failure under this key from now on,
            // whatever really happened.
            let intent = self.retrieve(payment_intent).await?;
            if is_final(&intent.status) {
                return self.settle(intent, charge).await;
            }
            if !is_saved {
                return Err(error.into());
            }
        }
        Err(PaymentError::OutOfKeys)
    }

    async fn confirm_with(&self, charge: &Charge, intent: &str, key: &str) -> Result<PaymentIntent, PaymentError> {
        let mut request = ConfirmPaymentIntent::new(intent).payment_method(charge.payment_method.as_str());
        if let Some(return_url) = &charge.return_url {
            request = request.return_url(return_url.as_str());
        }
        Ok(request.customize().request_strategy(once(key)?).send(&self.stripe).await?)
    }

    /// Has the order woken when the authentication ends, also if it was not known at first that there might be one.
    pub(super) async fn announce_end(&self, intent: &str) -> Result<(), PaymentError> {
        let metadata = HashMap::from([(AWAITED_KEY.to_owned(), AWAITED.to_owned())]);
        match UpdatePaymentIntent::new(intent).metadata(metadata).send(&self.stripe).await {
            Ok(_) => Ok(()),
            // It has come to its end, which confirming it will tell.
            Err(error) if error.status() == Some(400) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The intent cannot be confirmed where it is.
fn is_unexpected_state(error: &Error) -> bool {
    error.api_error().is_some_and(|error| error.code.as_deref() == Some("payment_intent_unexpected_state"))
}
