//! Checkouts as customers send them, and what they cost in the stand-ins.

use std::time::Duration;

use anyhow::ensure;
use kassa_domain::ProductId;
use kassa_tests::Shop;
use kassa_tests::proxy::Proxies;
use kassa_workflows::workflow_id;
use reqwest::StatusCode;

use crate::measure::{Answered, in_flight, one_at_a_time, timed};

/// What checkouts cost in the stand-ins, on average.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) checkouts: usize,
    /// Per checkout, until its answer.
    pub(crate) all: Duration,
    /// By Stripe's own counter.
    pub(crate) stripe: Duration,
}

/// Buys a piece.
pub(crate) async fn checkout(shop: &Shop, product: &ProductId) -> anyhow::Result<Answered> {
    let checkout = shop.customer().buys(product, 1);
    let (answer, time) = timed(checkout.send()).await?;
    ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
    Ok(Answered { time, workflow: workflow_id(&checkout.order_id()) })
}

/// Starts worker and API again with proxies in front of the stand-ins.
pub(crate) async fn behind_proxies(shop: &mut Shop) -> anyhow::Result<Proxies> {
    let proxies = Proxies::start(&shop.stack).await?;
    shop.stack.worker.stop().await?;
    shop.stack.api.stop().await?;
    shop.stack.worker.start_with(&proxies.environment()).await?;
    shop.stack.api.start_with(&proxies.environment()).await?;
    Ok(proxies)
}

/// What a checkout costs in the stand-ins. Mail and events do not count: they come after the answer.
pub(crate) async fn time_in_stand_ins(
    shop: &Shop,
    proxies: &Proxies,
    checkouts: usize,
    at_once: usize,
    checkout: impl AsyncFn() -> anyhow::Result<Answered>,
) -> anyhow::Result<Spent> {
    let spent = || proxies.dynamodb.spent() + proxies.rds_data.spent() + proxies.stripe.spent();
    let (before, busy) = (spent(), shop.stack.stripe.stats().busy);
    if at_once == 1 {
        one_at_a_time(shop, checkouts, checkout).await?;
    } else {
        in_flight(shop, checkouts, at_once, checkout).await?;
    }
    let per_checkout = |time: Duration| time / u32::try_from(checkouts).unwrap_or(u32::MAX);
    Ok(Spent {
        checkouts,
        all: per_checkout(spent().saturating_sub(before)),
        stripe: per_checkout(shop.stack.stripe.stats().busy.saturating_sub(busy)),
    })
}
