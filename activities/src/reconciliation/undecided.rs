//! Undecided orders against their workflows: an order whose checkout was ended from outside stays undecided for ever.

use kassa_domain::{OrderId, OrderStatus};
use kassa_store::orders::ChangedFilter;
use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding, FindingKind};
use kassa_workflows::{recovery, workflow_id};
use time::OffsetDateTime;

use super::{Engine, Reconciliation, ReconciliationError, at, count, findings_of};

const STATUSES: [OrderStatus; 3] = [OrderStatus::Pending, OrderStatus::AwaitingPayment, OrderStatus::PaymentFailed];

impl Reconciliation {
    pub(super) async fn compare_undecided(
        &self,
        engine: &Engine,
        page: &ComparePage,
    ) -> Result<Compared, ReconciliationError> {
        // However old: there are few.
        let from = OffsetDateTime::UNIX_EPOCH;
        let filter = ChangedFilter { statuses: STATUSES.to_vec(), from, to: at(page.until) };
        let (orders, next) = self.changed(&filter, page.cursor.as_deref()).await?;
        let judged = orders.iter().map(|order| self.judge_undecided(engine, &order.order_id)).collect();
        let findings = findings_of(judged).await?;
        Ok(Compared { checked: count(&orders), findings, next })
    }

    async fn judge_undecided(&self, engine: &Engine, order: &OrderId) -> Result<Option<Finding>, ReconciliationError> {
        // A cancellation decides nothing without the checkout that it has asked to stop.
        if engine.first_open([workflow_id(order), recovery::workflow_id(order)]).await?.is_some() {
            return Ok(None);
        }
        // It may have been decided since the page was read; from now on, nobody does.
        let status = self.orders.find(order).await?.map(|found| found.status);
        let status = status.filter(|status| STATUSES.contains(status));
        Ok(status.map(|status| {
            let detail = format!("the order is {status}, and no workflow will decide it");
            Finding::new(FindingKind::OrderUndecided, detail).order(order)
        }))
    }
}
