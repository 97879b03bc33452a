//! What was captured, and how much of it is still here.

use kassa_domain::{Currency, OrderId, parse_currency};
use kassa_workflows::contracts::awaited::ORDER_ID_KEY;
use stripe_shared::PaymentIntentStatus;

use super::create_refund::all_refunds;
use super::{PaymentError, Payments};

impl Payments {
    /// What was captured by an intent, and how much of that went back or is about to, in minor units; nothing if no money is
    /// ours, or the intent is not this order's.
    pub(crate) async fn kept(
        &self,
        intent: &str,
        order: &OrderId,
    ) -> Result<Option<(Currency, i64, i64)>, PaymentError> {
        let found = match self.retrieve(intent).await {
            Err(PaymentError::Stripe(error)) if error.is_missing() => return Ok(None),
            found => found?,
        };
        let is_ours = found.metadata.get(ORDER_ID_KEY).is_some_and(|id| id == order.as_str());
        match &found.status {
            _ if !is_ours => return Ok(None),
            PaymentIntentStatus::Succeeded => {}
            // It ends soon, one way or the other.
            PaymentIntentStatus::Processing => return Err(PaymentError::Unfinished(found.status.to_string())),
            _ => return Ok(None),
        }
        let code = found.currency.to_string().to_ascii_uppercase();
        let currency = parse_currency(&code).map_err(|_| PaymentError::UnknownCurrency(code))?;
        Ok(Some((currency, found.amount_received, self.given_back(intent).await?)))
    }

    /// The sum of all refunds that did not fail.
    async fn given_back(&self, intent: &str) -> Result<i64, PaymentError> {
        let counts = |status: Option<&str>| !matches!(status, Some("failed" | "canceled"));
        let refunds = all_refunds(&self.stripe, intent).await?;
        Ok(refunds.iter().filter(|refund| counts(refund.status.as_deref())).map(|refund| refund.amount).sum())
    }
}
