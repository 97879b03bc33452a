//! Creating intents and finding them again.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kassa_domain::{Currency, Money, OrderId};
use kassa_stripe_client::Error;
use kassa_workflows::contracts::awaited::{AWAITED, AWAITED_KEY, ORDER_ID_KEY};
use kassa_workflows::contracts::payments::{Captured, Charge};
use stripe_client_core::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_core::payment_intent::{
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods,
    CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects, ListPaymentIntent, RetrievePaymentIntent,
    SearchPaymentIntent,
};
use stripe_shared::{PaymentIntent, PaymentIntentStatus};

use super::{PaymentError, Payments};

/// How much later than Stripe's clock ours may be when intents are listed by their time of creation.
pub(super) const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// What Stripe calls a page.
pub(crate) const PAGE: i64 = 100;

/// Sends `request` once under `key`; retrying is the engine's business.
pub(super) fn once(key: &str) -> Result<RequestStrategy, Error> {
    let key = IdempotencyKey::new(key).map_err(|error| Error::InvalidRequest { reason: error.to_string() })?;
    Ok(RequestStrategy::Idempotent(key))
}

fn create(charge: &Charge) -> Result<CreatePaymentIntent, PaymentError> {
    let mut metadata = HashMap::from([(ORDER_ID_KEY.to_owned(), charge.order_id.to_string())]);
    if charge.return_url.is_some() {
        metadata.insert(AWAITED_KEY.to_owned(), AWAITED.to_owned());
    }
    Ok(CreatePaymentIntent::new(charge.amount.amount, currency(charge.amount.currency)?).metadata(metadata))
}

/// A currency as Stripe writes it.
pub(super) fn currency(currency: Currency) -> Result<stripe_types::Currency, PaymentError> {
    let code = currency.code();
    code.to_ascii_lowercase().parse().map_err(|_| PaymentError::Currency(code))
}

impl Payments {
    /// Creates the intent of an order and confirms it, in one call.
    pub(super) async fn create_confirmed(&self, charge: &Charge, key: &str) -> Result<PaymentIntent, PaymentError> {
        // Payment methods that lead away are paid for later, or never; an authentication only takes a moment.
        let mut methods = CreatePaymentIntentAutomaticPaymentMethods::new(true);
        methods.allow_redirects = Some(CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects::Never);
        let mut request = create(charge)?
            .automatic_payment_methods(methods)
            .payment_method(charge.payment_method.clone())
            .description(format!("Order {}", charge.order_id))
            .confirm(true);
        if let Some(return_url) = &charge.return_url {
            request = request.return_url(return_url.as_str());
        }
        Ok(request.customize().request_strategy(once(key)?).send(&self.stripe).await?)
    }

    /// Takes possession of `key`, so that no charge can be made under it any more, with an intent that is never
    /// confirmed. Stripe answers with an idempotency mismatch if a charge came first.
    pub(super) async fn occupy(&self, charge: &Charge, key: &str) -> Result<PaymentIntent, PaymentError> {
        let request = create(charge)?.description(format!("Order {} will not be charged", charge.order_id));
        Ok(request.customize().request_strategy(once(key)?).send(&self.stripe).await?)
    }

    pub(super) async fn retrieve(&self, intent: &str) -> Result<PaymentIntent, PaymentError> {
        Ok(RetrievePaymentIntent::new(intent).send(&self.stripe).await?)
    }

    /// Looks for an order's intent that is not closed, however old it is, beside this one. Searching is a minute behind, so this
    /// is for charges that are older.
    pub(super) async fn another(
        &self,
        order: &OrderId,
        known: &PaymentIntent,
    ) -> Result<Option<PaymentIntent>, PaymentError> {
        let query = format!("metadata['{ORDER_ID_KEY}']:'{order}'");
        let found = SearchPaymentIntent::new(query).limit(PAGE).send(&self.stripe).await?.data;
        let is_another =
            |intent: &PaymentIntent| intent.id != known.id && intent.status != PaymentIntentStatus::Canceled;
        match found.into_iter().find(is_another) {
            Some(found) => self.retrieve(found.id.as_str()).await.map(Some),
            None => Ok(None),
        }
    }

    /// Looks for an order's intent among those created since then. Listing, unlike searching, is up to date the
    /// moment an intent exists (Stripe API reference, "Search": data becomes searchable within a minute).
    pub(super) async fn find(&self, order: &OrderId, since: SystemTime) -> Result<Option<PaymentIntent>, PaymentError> {
        let since = since.checked_sub(CLOCK_SKEW).and_then(|since| since.duration_since(UNIX_EPOCH).ok());
        let since = since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0);
        let mut after: Option<String> = None;
        loop {
            let mut list = ListPaymentIntent::new().limit(PAGE).created(stripe_types::RangeQueryTs::gte(since));
            if let Some(after) = after.take() {
                list = list.starting_after(after);
            }
            let page = list.send(&self.stripe).await?;
            let has_more = page.has_more;
            let last = page.data.last().map(|intent| intent.id.to_string());
            let belongs =
                |intent: &PaymentIntent| intent.metadata.get(ORDER_ID_KEY).is_some_and(|id| id == order.as_str());
            if let Some(found) = page.data.into_iter().find(belongs) {
                return Ok(Some(found));
            }
            match last.filter(|_| has_more) {
                Some(last) => after = Some(last),
                None => return Ok(None),
            }
        }
    }
}

/// What an intent has brought in.
pub(super) fn captured(intent: &PaymentIntent, currency: Currency) -> Captured {
    let amount = Money::new(intent.amount_received, currency);
    Captured { payment_intent: intent.id.to_string(), amount }
}
