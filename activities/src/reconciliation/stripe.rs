//! Reading from Stripe what is compared.

use kassa_domain::{Money, OrderId, RefundId, parse_currency};
use kassa_stripe_client::{Error, PooledStripe};
use kassa_workflows::contracts::awaited::ORDER_ID_KEY;
use stripe_checkout::checkout_session::ListCheckoutSession;
use stripe_core::payment_intent::{ListPaymentIntent, RetrievePaymentIntent, SearchPaymentIntent};
use stripe_core::refund::ListRefund;
use stripe_shared::{CheckoutSession, CheckoutSessionStatus, PaymentIntent, Refund};
use stripe_types::{RangeBoundsTs, RangeQueryTs};
use time::OffsetDateTime;

use crate::payments::{PAGE, REFUND_ID, all_refunds};

/// Stripe, for reading only.
#[derive(Debug)]
pub(crate) struct Stripe {
    client: PooledStripe,
}

/// A payment, as Stripe knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AtStripe {
    /// Its intent (`pi_...`).
    pub(crate) payment_intent: String,
    /// The order that its metadata names, if they name one.
    pub(crate) order_id: Option<OrderId>,
    /// The currency, in capital letters.
    pub(crate) currency: String,
    /// What it has brought in.
    pub(crate) received: i64,
    /// What was given back of it.
    pub(crate) refunded: i64,
}

/// A refund, as Stripe knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefundAtStripe {
    /// Its id there (`re_...`).
    pub(super) id: String,
    /// Our own id, if its metadata name one.
    pub(super) refund_id: Option<RefundId>,
    /// How much.
    pub(super) amount: i64,
    /// Whether the money did not go back.
    pub(super) failed: bool,
}

/// A page of payments that have brought something in.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// How many there were, with those that are of no interest.
    pub(super) read: u64,
    pub(super) next: Option<String>,
}

impl AtStripe {
    /// What Stripe keeps of it.
    pub(crate) const fn kept(&self) -> i64 {
        self.received - self.refunded
    }

    /// An amount of this payment, for people.
    pub(super) fn amount(&self, amount: i64) -> String {
        match parse_currency(&self.currency) {
            Ok(currency) => Money::new(amount, currency).to_string(),
            Err(_) => format!("{amount} minor units of {}", self.currency),
        }
    }
}

impl Stripe {
    pub(crate) fn new(client: PooledStripe) -> Self {
        Self { client }
    }

    /// A payment; nothing if Stripe does not know it.
    pub(crate) async fn payment(&self, intent: &str) -> Result<Option<AtStripe>, Error> {
        let request = RetrievePaymentIntent::new(intent).expand(["latest_charge".to_owned()]);
        match request.send(&self.client).await {
            Ok(intent) => Ok(Some(at_stripe(&intent))),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of the payments of a span of time that have brought something in.
    pub(super) async fn payments(
        &self,
        from: OffsetDateTime,
        to: OffsetDateTime,
        after: Option<&str>,
    ) -> Result<Page<AtStripe>, Error> {
        let mut list =
            ListPaymentIntent::new().limit(PAGE).created(span(from, to)).expand(["data.latest_charge".to_owned()]);
        if let Some(after) = after {
            list = list.starting_after(after);
        }
        let page = list.send(&self.client).await?;
        let next = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        let read = super::count(&page.data);
        let items = page.data.iter().map(at_stripe).filter(|payment| payment.received > 0).collect();
        Ok(Page { items, read, next })
    }

    /// A page of the refunds of a span of time, as the payments that they give back.
    pub(super) async fn refunded_payments(
        &self,
        from: OffsetDateTime,
        to: OffsetDateTime,
        after: Option<&str>,
    ) -> Result<Page<(OrderId, String)>, Error> {
        let mut list = ListRefund::new().limit(PAGE).created(span(from, to)).expand(["data.payment_intent".to_owned()]);
        if let Some(after) = after {
            list = list.starting_after(after);
        }
        let page = list.send(&self.client).await?;
        let next = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        let intents = page.data.iter().filter_map(|refund| refund.payment_intent.as_ref()?.as_object());
        let mut items: Vec<_> = intents.filter_map(|intent| Some((order_of(intent)?, intent.id.to_string()))).collect();
        items.sort();
        items.dedup();
        Ok(Page { items, read: super::count(&page.data), next })
    }

    /// All refunds of a payment.
    pub(super) async fn refunds(&self, intent: &str) -> Result<Vec<RefundAtStripe>, Error> {
        Ok(all_refunds(&self.client, intent).await?.iter().map(refund_at_stripe).collect())
    }

    /// The payments whose metadata name this order. Searching is a minute behind (Stripe API reference, "Search"), so this is
    /// for orders that are older.
    pub(crate) async fn payments_of(&self, order: &OrderId) -> Result<Vec<AtStripe>, Error> {
        let query = format!("metadata['{ORDER_ID_KEY}']:'{order}'");
        let search = SearchPaymentIntent::new(query).limit(PAGE).expand(["data.latest_charge".to_owned()]);
        Ok(search.send(&self.client).await?.data.iter().map(at_stripe).collect())
    }

    /// The pages on which an order can, or could, be paid, among those that were opened in a span of time.
    pub(crate) async fn sessions_of(
        &self,
        order: &OrderId,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut list = ListCheckoutSession::new().limit(PAGE).created(span(from, to));
            if let Some(after) = after.take() {
                list = list.starting_after(after);
            }
            let page = list.send(&self.client).await?;
            after = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
            found.extend(page.data.iter().filter(|page| concerns(page, order)).map(|page| page.id.to_string()));
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}

fn concerns(page: &CheckoutSession, order: &OrderId) -> bool {
    page.client_reference_id.as_deref() == Some(order.as_str()) && page.status != Some(CheckoutSessionStatus::Expired)
}

fn span(from: OffsetDateTime, to: OffsetDateTime) -> RangeQueryTs {
    let bounds =
        RangeBoundsTs { gte: Some(from.unix_timestamp()), lt: Some(to.unix_timestamp()), ..Default::default() };
    RangeQueryTs::Bounds(bounds)
}

fn order_of(intent: &PaymentIntent) -> Option<OrderId> {
    intent.metadata.get(ORDER_ID_KEY)?.parse().ok()
}

fn at_stripe(intent: &PaymentIntent) -> AtStripe {
    let charge = intent.latest_charge.as_ref().and_then(|charge| charge.as_object());
    AtStripe {
        payment_intent: intent.id.to_string(),
        order_id: order_of(intent),
        currency: intent.currency.to_string().to_ascii_uppercase(),
        received: intent.amount_received,
        refunded: charge.map_or(0, |charge| charge.amount_refunded),
    }
}

fn refund_at_stripe(refund: &Refund) -> RefundAtStripe {
    let own = refund.metadata.as_ref().and_then(|metadata| metadata.get(REFUND_ID));
    RefundAtStripe {
        id: refund.id.to_string(),
        refund_id: own.and_then(|id| id.parse().ok()),
        amount: refund.amount,
        failed: matches!(refund.status.as_deref(), Some("failed" | "canceled")),
    }
}
