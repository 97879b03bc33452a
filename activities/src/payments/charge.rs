//! Charges a card once.

use std::time::SystemTime;

use kassa_stripe_client::{ApiError, Error, ErrorType};
use kassa_workflows::contracts::payments::{Charge, Charged, Decline};
use stripe_shared::{PaymentIntent, PaymentIntentStatus};

use super::intents::captured;
use super::{MAX_KEYS, PaymentError, Payments, charge_key};

impl Payments {
    /// Charges the card, or says why it was declined. `since` is a time before the first attempt.
    pub(super) async fn charge_once(&self, charge: &Charge, since: SystemTime) -> Result<Charged, PaymentError> {
        for key in 0..MAX_KEYS {
            match self.create_confirmed(charge, &charge_key(charge, key)).await {
                Ok(intent) => return self.settle(intent, charge).await,
                Err(PaymentError::Stripe(error)) => {
                    if let Some(decline) = decline(&error) {
                        let payment_intent = error.api_error().and_then(|error| error.payment_intent_id.clone());
                        return Ok(Charged::Declined { decline, payment_intent });
                    }
                    if !is_saved_failure(&error) {
                        return Err(error.into());
                    }
                    // From now on Stripe repeats this failure under this key, whatever really happened. Only
                    // if no intent came of it may the next key be used.
                    if let Some(intent) = self.find(&charge.order_id, since).await? {
                        return self.settle(intent, charge).await;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(PaymentError::OutOfKeys)
    }

    pub(super) async fn settle(&self, intent: PaymentIntent, charge: &Charge) -> Result<Charged, PaymentError> {
        // What a repeated request returns is what was true at the first one.
        let intent = if is_final(&intent.status) { intent } else { self.retrieve(intent.id.as_str()).await? };
        match &intent.status {
            PaymentIntentStatus::Succeeded => {
                Ok(Charged::Captured { captured: captured(&intent, charge.amount.currency) })
            }
            PaymentIntentStatus::RequiresPaymentMethod | PaymentIntentStatus::RequiresConfirmation => {
                Ok(Charged::Declined { decline: last_decline(&intent), payment_intent: Some(intent.id.to_string()) })
            }
            PaymentIntentStatus::RequiresAction => {
                let url = authentication_page(&intent);
                if url.is_none() {
                    self.announce_end(intent.id.as_str()).await?;
                }
                let client_secret = intent.client_secret.clone();
                Ok(Charged::Awaiting { payment_intent: intent.id.to_string(), url, client_secret })
            }
            PaymentIntentStatus::Canceled => Err(PaymentError::Canceled),
            PaymentIntentStatus::Processing | PaymentIntentStatus::RequiresCapture | _ => {
                Err(PaymentError::Unfinished(intent.status.to_string()))
            }
        }
    }
}

/// The page on which the customer authenticates; none if there is no address to come back to.
fn authentication_page(intent: &PaymentIntent) -> Option<String> {
    intent.next_action.as_ref()?.redirect_to_url.as_ref()?.url.clone()
}

pub(super) fn is_final(status: &PaymentIntentStatus) -> bool {
    matches!(status, PaymentIntentStatus::Succeeded | PaymentIntentStatus::Canceled)
}

/// A failure on Stripe's side that Stripe has saved under the key and only repeats.
pub(super) fn is_saved_failure(error: &Error) -> bool {
    error.status().is_some_and(|status| status >= 500) && error.api_error().is_some_and(|error| error.replayed)
}

/// A refusal of the request that Stripe has saved under the key and only repeats.
pub(super) fn is_saved_refusal(error: &Error) -> bool {
    error.status().is_some_and(|status| (400..500).contains(&status))
        && error.api_error().is_some_and(|error| error.replayed)
}

/// The decline in an error, if the amount is one that Stripe does not charge at all.
pub(super) fn amount_decline(error: &Error) -> Option<Decline> {
    error.api_error().filter(|error| is_about_amount(error)).map(described)
}

/// Whether the amount is one that Stripe does not charge at all.
pub(super) fn refuses_amount(error: &Error) -> bool {
    error.api_error().is_some_and(is_about_amount)
}

fn is_about_amount(error: &ApiError) -> bool {
    matches!(error.code.as_deref(), Some("amount_too_small" | "amount_too_large"))
}

/// The decline in an error, if it is the customer's means of payment that is wrong, not our request.
pub(super) fn decline(error: &Error) -> Option<Decline> {
    let api = error.api_error()?;
    let is_customers = match api.error_type {
        ErrorType::CardError => true,
        ErrorType::InvalidRequestError => {
            api.param.as_deref().is_some_and(|param| param.starts_with("payment_method")) || is_about_amount(api)
        }
        ErrorType::ApiError | ErrorType::IdempotencyError | _ => false,
    };
    is_customers.then(|| described(api))
}

fn described(api: &ApiError) -> Decline {
    Decline {
        code: api.code.clone().unwrap_or_else(|| api.error_type.as_str().to_owned()),
        decline_code: api.decline_code.clone(),
        message: api.message().unwrap_or("The payment was declined.").to_owned(),
    }
}

/// Why an intent that was found again wants another means of payment.
pub(super) fn last_decline(intent: &PaymentIntent) -> Decline {
    let error = intent.last_payment_error.as_deref();
    Decline {
        code: error
            .and_then(|error| error.code.as_ref())
            .map_or_else(|| "card_declined".to_owned(), ToString::to_string),
        decline_code: error.and_then(|error| error.decline_code.clone()),
        message: error
            .and_then(|error| error.message.clone())
            .unwrap_or_else(|| "The payment was declined.".to_owned()),
    }
}
