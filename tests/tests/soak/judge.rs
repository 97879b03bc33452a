//! The verdict: what became of the orders, and what of it is wrong.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_domain::OrderStatus;
use kassa_tests::Shop;
use kassa_tests::operators::Operator;
use kassa_tests::reconciliation::at_once;

use crate::buyer::Served;
use crate::shelf::Shelf;

/// How many orders are read at the same time.
const AT_ONCE: usize = 16;

/// How no workflow may have ended. A checkout that is asked to stop takes its order back, and completes like any other.
const BROKEN_OFF: [&str; 4] = ["Failed", "TimedOut", "Terminated", "Canceled"];

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

    verdict.violations.extend(broken_off(&shop.operator()).await?);

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
    let told_confirmed = served.iter().filter(|served| served.told_confirmed).map(|served| &served.order);
    let oracle = oracle.orders(served.iter().map(|served| &served.order)).told_confirmed(told_confirmed);
    let oracle = oracle.mail_may_repeat().at_rest();
    if let Err(error) = oracle.check().await {
        verdict.violations.extend(format!("{error:#}").lines().map(str::to_owned));
    }
    Ok(verdict)
}

/// The workflows that have not come to their end, and are not open either.
async fn broken_off(operator: &Operator) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for status in BROKEN_OFF {
        let ids = operator.list(&format!("ExecutionStatus = '{status}'")).await?;
        found.extend(ids.into_iter().map(|id| format!("{id} has ended as {status}")));
    }
    Ok(found)
}
