//! The verdict: what became of the orders, and what of it is wrong.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_domain::OrderStatus;
use kassa_tests::Shop;
use kassa_tests::reconciliation::at_once;

use crate::buyer::Served;
use crate::shelf::Shelf;

/// How many orders are read at the same time.
const AT_ONCE: usize = 16;

/// What became of the orders.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// How many orders ended how.
    pub(crate) outcomes: BTreeMap<String, usize>,
    /// How many are sold.
    pub(crate) sold: usize,
    /// Everything that is wrong.
    pub(crate) violations: Vec<String>,
}

/// Has everything compared by the shop itself, and then by the oracle, which trusts nobody.
pub(crate) async fn judge(shop: &Shop, shelf: &Shelf, served: &[Served]) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    verdict.violations.extend(served.iter().flat_map(|served| served.complaints.clone()));

    let report = shop.reconcile(at_once()).await?;
    if !report.is_clean() {
        let found = report.findings.iter().map(|found| format!("a reconciliation found {:?}", found.finding));
        verdict.violations.extend(found);
        let failed = report.checks.iter().filter_map(|check| check.failure.as_ref());
        verdict.violations.extend(failed.map(|failure| format!("a reconciliation failed: {failure}")));
    }

    let orders = stream::iter(served.iter().map(|served| shop.orders.find(&served.order)));
    let orders: Vec<_> = orders.buffer_unordered(AT_ONCE).try_collect().await?;
    for order in orders {
        let outcome = match &order {
            None => "refused at once".to_owned(),
            Some(order) => match &order.failure_reason {
                Some(reason) => format!("{}, {reason}", order.status),
                None => order.status.to_string(),
            },
        };
        let sold = [OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered];
        verdict.sold += usize::from(order.is_some_and(|order| sold.contains(&order.status)));
        *verdict.outcomes.entry(outcome).or_default() += 1;
    }

    let oracle = shelf.0.iter().fold(shop.oracle(), |oracle, (product, received)| oracle.product(product, *received));
    let oracle = oracle.orders(served.iter().map(|served| &served.order)).mail_may_repeat().at_rest();
    if let Err(error) = oracle.check().await {
        verdict.violations.extend(format!("{error:#}").lines().map(str::to_owned));
    }
    Ok(verdict)
}
