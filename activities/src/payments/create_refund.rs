//! Gives back a part of a charge once.

use std::collections::HashMap;

use kassa_domain::RefundId;
use kassa_stripe_client::{Error, ErrorType, PooledStripe};
use kassa_workflows::contracts::payments::{CreateRefund, RefundProgress};
use stripe_client_core::StripeRequest;
use stripe_core::refund::{CreateRefund as StripeRefund, ListRefund};

use super::charge::{is_saved_failure, is_saved_refusal};
use super::intents::{PAGE, once};
use super::{MAX_KEYS, PaymentError, Payments, REFUND_ID};

/// The metadata of a refund that tells its attempts apart.
const REFUND_ATTEMPT: &str = "refund_attempt";

impl Payments {
    /// Gives the money back, unless that was done before, and says how far it is by now.
    pub(super) async fn refund_part(&self, wanted: &CreateRefund) -> Result<RefundProgress, PaymentError> {
        // Stripe forgets idempotency keys after a day, refunds never.
        if let Some(progress) = self.progress_of(wanted).await? {
            return Ok(progress);
        }
        for number in 0..MAX_KEYS {
            match self.create(wanted, &key(wanted, number)).await {
                Ok(refund) => return Ok(progress(&refund)),
                // From now on Stripe repeats this under this key, whatever really happened. Only if no refund came of it
                // may the next key be used.
                Err(error) if is_saved_failure(&error) || is_saved_refusal(&error) => {
                    if let Some(progress) = self.progress_of(wanted).await? {
                        return Ok(progress);
                    }
                }
                Err(error) => {
                    let Some(code) = refusal(&error) else { return Err(error.into()) };
                    // What was refused because it had been done already has been done.
                    let made = self.progress_of(wanted).await?;
                    return Ok(made.unwrap_or(RefundProgress::Failed { code }));
                }
            }
        }
        Err(PaymentError::OutOfKeys)
    }

    async fn create(&self, wanted: &CreateRefund, key: &str) -> Result<stripe_shared::Refund, Error> {
        let request = StripeRefund::new()
            .payment_intent(wanted.payment_intent.as_str())
            .amount(wanted.amount.amount)
            .metadata(HashMap::from([
                (REFUND_ID.to_owned(), wanted.refund_id.to_string()),
                (REFUND_ATTEMPT.to_owned(), wanted.attempt.to_string()),
            ]));
        request.customize().request_strategy(once(key)?).send(&self.stripe).await
    }

    /// How far the refund is that was made before. One that has failed does not stand in the way of the next attempt.
    async fn progress_of(&self, wanted: &CreateRefund) -> Result<Option<RefundProgress>, PaymentError> {
        let made = self.refunds_of(&wanted.payment_intent, &wanted.refund_id).await?;
        let latest = wanted.attempt.to_string();
        let mut failed = None;
        for refund in &made {
            match progress(refund) {
                RefundProgress::Failed { code } => {
                    let attempt = refund.metadata.as_ref().and_then(|metadata| metadata.get(REFUND_ATTEMPT));
                    if attempt == Some(&latest) {
                        failed = Some(RefundProgress::Failed { code });
                    }
                }
                going @ (RefundProgress::Succeeded { .. } | RefundProgress::Pending { .. }) => return Ok(Some(going)),
            }
        }
        Ok(failed)
    }

    /// Looks refunds up by our own identifier, among all of a charge.
    pub(super) async fn refunds_of(
        &self,
        intent: &str,
        refund_id: &RefundId,
    ) -> Result<Vec<stripe_shared::Refund>, PaymentError> {
        let is_ours = |refund: &stripe_shared::Refund| {
            let id = refund.metadata.as_ref().and_then(|metadata| metadata.get(REFUND_ID));
            id.is_some_and(|id| id == refund_id.as_str())
        };
        Ok(all_refunds(&self.stripe, intent).await?.into_iter().filter(is_ours).collect())
    }
}

/// All refunds of a charge, also those that somebody made by hand.
pub(crate) async fn all_refunds(stripe: &PooledStripe, intent: &str) -> Result<Vec<stripe_shared::Refund>, Error> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut list = ListRefund::new().payment_intent(intent).limit(PAGE);
        if let Some(after) = after.take() {
            list = list.starting_after(after);
        }
        let page = list.send(stripe).await?;
        after = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        found.extend(page.data);
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// The refund, its attempt, and how many keys Stripe has saved a failure under.
fn key(wanted: &CreateRefund, number: u32) -> String {
    format!("{}/{}/{number}", wanted.refund_id, wanted.attempt)
}

fn progress(refund: &stripe_shared::Refund) -> RefundProgress {
    let id = refund.id.to_string();
    match refund.status.as_deref() {
        Some("succeeded") => RefundProgress::Succeeded { refund: id },
        Some("failed") => {
            RefundProgress::Failed { code: refund.failure_reason.clone().unwrap_or_else(|| "refund_failed".to_owned()) }
        }
        Some("canceled") => RefundProgress::Failed { code: "refund_canceled".to_owned() },
        _ => RefundProgress::Pending { refund: id },
    }
}

/// Why Stripe does not make the refund, if it says so for good and the request itself is sound.
fn refusal(error: &Error) -> Option<String> {
    let api = error.api_error().filter(|_| !error.is_retryable())?;
    let about_us = matches!(error.status(), Some(401 | 403));
    let definite = matches!(api.error_type, ErrorType::CardError | ErrorType::InvalidRequestError);
    let code = api.code.clone().unwrap_or_else(|| api.error_type.as_str().to_owned());
    (definite && !about_us).then_some(code)
}
