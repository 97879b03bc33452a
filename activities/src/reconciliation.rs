//! Comparing what Stripe, both databases and the workflows say about the same things: one file per check.
//!
//! Everything is read while the shop sells, so two answers may differ only because one of them is older. What looks wrong
//! is therefore looked at again before it is told: nothing of an order while a workflow may be changing it, and only what
//! is the same the second time.

mod books;
mod engine;
mod events;
mod judge;
mod open;
mod payments;
mod refunds;
mod reservations;
mod returns;
mod stock;
mod stripe;
mod undecided;
mod workflows;

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_domain::OrderId;
use kassa_store::orders::{ChangedFilter, ChangedOrder, OrderView, RefundStatus};
use kassa_store::products::InvalidCursor;
use kassa_store::{EventLog, Orders, Products, Reservations, StoreError};
use kassa_stripe_client::{Error as StripeError, PooledStripe};
use kassa_workflows::contracts::reconciliation::{
    self as contract, Check, ComparePage, Compared, Finding, OpenFindings, OpenedFindings,
};
use kassa_workflows::reconciliation::{workflow_of_late_payment, workflow_of_refund, workflows_of};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use time::OffsetDateTime;

pub(crate) use self::engine::{Engine, EngineError};
pub(crate) use self::events::{publishers_of, unpublished};
pub(crate) use self::judge::owed;
pub(crate) use self::stripe::{AtStripe, Stripe};
use crate::alive::alive;
use crate::error::{Classified, activity_error};

/// How many orders of a page are looked at at the same time.
const AT_ONCE: usize = 8;

/// How many orders one page holds.
const PAGE: usize = 100;

/// The activities that compare.
#[derive(Debug)]
pub struct Reconciliation {
    orders: Orders,
    reservations: Reservations,
    products: Products,
    log: EventLog,
    stripe: Stripe,
}

/// Why a page was not compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconciliationError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stripe said no, or nothing.
    #[error("{0}")]
    Stripe(#[from] StripeError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The page has a place that no page ends at.
    #[error("there is no page at this place")]
    Cursor,
}

impl From<InvalidCursor> for ReconciliationError {
    fn from(InvalidCursor: InvalidCursor) -> Self {
        Self::Cursor
    }
}

impl Classified for ReconciliationError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "StoreError",
            Self::Stripe(_) => "StripeError",
            Self::Engine(_) => "EngineError",
            Self::Cursor => "UnknownPage",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Stripe(error) => error.is_retryable() || matches!(error.status(), Some(401 | 403)),
            Self::Engine(_) => true,
            Self::Cursor => false,
        }
    }
}

impl Reconciliation {
    /// The activities over everything that is compared.
    pub fn new(
        orders: Orders,
        reservations: Reservations,
        products: Products,
        log: EventLog,
        stripe: PooledStripe,
    ) -> Self {
        Self { orders, reservations, products, log, stripe: Stripe::new(stripe) }
    }

    async fn compare_page(&self, engine: &Engine, page: &ComparePage) -> Result<Compared, ReconciliationError> {
        match page.check {
            Check::Payments => self.compare_payments(engine, page).await,
            Check::Refunds => self.compare_refunds(engine, page).await,
            Check::Books => self.compare_books(engine, page).await,
            Check::Stock => self.compare_stock(page).await,
            Check::Reservations => self.compare_reservations(engine, page).await,
            Check::Returns => self.compare_returns(engine, page).await,
            Check::Undecided => self.compare_undecided(engine, page).await,
            Check::Events => self.compare_events(engine, page).await,
            Check::Workflows => workflows::compare(engine, page).await,
        }
    }

    /// Everything about the money of an order that does not agree right now, with this payment at Stripe among others.
    async fn judge_money(
        &self,
        order_id: &OrderId,
        payment_intent: Option<&str>,
        until: OffsetDateTime,
    ) -> Result<(Option<OrderView>, Vec<Finding>), ReconciliationError> {
        let books = self.orders.find(order_id).await?;
        let booked = books.as_ref().and_then(|order| order.payment.as_ref()).map(|payment| &*payment.payment_intent);
        let mut found = books.as_ref().map(|order| judge::books(order, until)).unwrap_or_default();
        let other = payment_intent.filter(|intent| booked != Some(intent));
        for intent in booked.into_iter().chain(other) {
            match self.stripe.payment(intent).await? {
                Some(at_stripe) => {
                    found.extend(judge::payment(&at_stripe, books.as_ref()));
                    if let Some(order) = books.as_ref().filter(|_| booked == Some(intent)) {
                        // Refunds are only looked at where there are some.
                        if at_stripe.refunded > 0 || !order.refunds.is_empty() {
                            found.extend(judge::refunds(&self.stripe.refunds(intent).await?, order));
                        }
                    }
                }
                None => found.extend(books.as_ref().map(|order| judge::missing(order, intent))),
            }
        }
        Ok((books, found))
    }

    /// Everything about the money of an order that does not agree, now and a moment later, while nothing changes it.
    async fn confirmed_money(
        &self,
        engine: &Engine,
        page: &ComparePage,
        order_id: &OrderId,
        payment_intent: Option<&str>,
    ) -> Result<Vec<Finding>, ReconciliationError> {
        let until = at(page.until);
        let (books, found) = self.judge_money(order_id, payment_intent, until).await?;
        if found.is_empty() || is_busy(engine, order_id, payment_intent, books.as_ref()).await? {
            return Ok(Vec::new());
        }
        let (books, again) = self.judge_money(order_id, payment_intent, until).await?;
        if is_busy(engine, order_id, payment_intent, books.as_ref()).await? {
            return Ok(Vec::new());
        }
        Ok(found.into_iter().filter(|finding| again.contains(finding)).collect())
    }

    /// A page of decided or undecided orders, by the time of their latest change.
    async fn changed(
        &self,
        filter: &ChangedFilter,
        cursor: Option<&str>,
    ) -> Result<(Vec<ChangedOrder>, Option<String>), ReconciliationError> {
        let after = cursor.map(place).transpose()?;
        let after = after.as_ref().map(|(at, order)| (*at, order));
        let page = self.orders.changed(filter, after, PAGE).await?;
        let last = page.last().filter(|_| page.len() == PAGE);
        let next = last.map(|last| format!("{} {}", last.updated_at.unix_timestamp_nanos(), last.order_id));
        Ok((page, next))
    }
}

/// Whether a workflow may be changing the order, or dealing with this payment of it, right now.
async fn is_busy(
    engine: &Engine,
    order_id: &OrderId,
    payment_intent: Option<&str>,
    books: Option<&OrderView>,
) -> Result<bool, ReconciliationError> {
    let refunds = books.into_iter().flat_map(|order| &order.refunds);
    let refunds = refunds
        .filter(|refund| refund.status == RefundStatus::Pending)
        .map(|refund| workflow_of_refund(&refund.refund_id));
    let booked = books.and_then(|order| order.payment.as_ref()).map(|payment| &*payment.payment_intent);
    let late = booked.into_iter().chain(payment_intent).map(workflow_of_late_payment);
    let workflows: Vec<_> = workflows_of(order_id).into_iter().chain(refunds).chain(late).collect();
    Ok(engine.first_open(workflows).await?.is_some())
}

/// A point in time in milliseconds since 1970.
fn at(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn place(cursor: &str) -> Result<(OffsetDateTime, OrderId), ReconciliationError> {
    let parse = || {
        let (nanos, order) = cursor.split_once(' ')?;
        Some((OffsetDateTime::from_unix_timestamp_nanos(nanos.parse().ok()?).ok()?, order.parse().ok()?))
    };
    parse().ok_or(ReconciliationError::Cursor)
}

/// What several judgements come to, some of which are made at the same time.
async fn findings_of<Found: IntoIterator<Item = Finding>>(
    judged: Vec<impl Future<Output = Result<Found, ReconciliationError>>>,
) -> Result<Vec<Finding>, ReconciliationError> {
    let found: Vec<_> = stream::iter(judged).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// How many there are.
fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

#[activities]
impl Reconciliation {
    /// Reads one page and compares it. Changes nothing.
    #[activity(definition = contract::definitions::Compare)]
    pub async fn compare(self: Arc<Self>, ctx: ActivityContext, input: ComparePage) -> Result<Compared, ActivityError> {
        let engine = Engine::new(ctx.client());
        alive(&ctx, self.compare_page(&engine, &input)).await.map_err(|error| activity_error(&error))
    }

    /// Starts what mends each finding, once: the names of the workflows are the guard.
    #[activity(definition = contract::definitions::Open)]
    pub async fn open(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: OpenFindings,
    ) -> Result<OpenedFindings, ActivityError> {
        let engine = Engine::new(ctx.client());
        let queue = ctx.info().task_queue.clone();
        let started = alive(&ctx, open::all(&engine, &queue, &input)).await;
        Ok(OpenedFindings { started: started.map_err(|error| activity_error(&ReconciliationError::from(error)))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text_form() {
        let order: OrderId = "ord_1".parse().expect("an id");
        let nanos = 1_700_000_000_123_456_000;
        let (at, found) = place(&format!("{nanos} {order}")).expect("a place");
        assert_eq!((at.unix_timestamp_nanos(), found), (nanos, order));
        for other in ["", "1", "x ord_1", "1 prod_1"] {
            assert!(place(other).is_err(), "{other}");
        }
    }
}
