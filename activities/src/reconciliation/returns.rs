//! Cancelled orders against their reservations: what was held for them, or sold to them, has to have returned.

use kassa_domain::{OrderId, OrderStatus};
use kassa_store::orders::ChangedFilter;
use kassa_store::reservations::ReservationStatus;
use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding, FindingKind};
use kassa_workflows::reconciliation::workflows_of;

use super::{Engine, Reconciliation, ReconciliationError, at, count, findings_of};

impl Reconciliation {
    pub(super) async fn compare_returns(
        &self,
        engine: &Engine,
        page: &ComparePage,
    ) -> Result<Compared, ReconciliationError> {
        let filter = ChangedFilter { statuses: vec![OrderStatus::Cancelled], from: at(page.since), to: at(page.until) };
        let (orders, next) = self.changed(&filter, page.cursor.as_deref()).await?;
        let judged = orders.iter().map(|order| self.judge_return(engine, &order.order_id)).collect();
        let findings = findings_of(judged).await?;
        Ok(Compared { checked: count(&orders), findings, next })
    }

    async fn judge_return(&self, engine: &Engine, order: &OrderId) -> Result<Option<Finding>, ReconciliationError> {
        if !self.has_pieces(order).await? || engine.first_open(workflows_of(order)).await?.is_some() {
            return Ok(None);
        }
        // They may have returned before the workflow ended; from now on, nothing changes any more.
        let detail = "the order is cancelled, and its pieces have not returned";
        Ok(self.has_pieces(order).await?.then(|| Finding::new(FindingKind::StockHeld, detail).order(order)))
    }

    async fn has_pieces(&self, order: &OrderId) -> Result<bool, ReconciliationError> {
        let status = self.reservations.get(order).await?.map(|reservation| reservation.status);
        Ok(matches!(status, Some(ReservationStatus::Reserved | ReservationStatus::Sold)))
    }
}
