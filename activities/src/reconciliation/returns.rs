//! Cancelled orders against their reservations: what was held for them, or sold to them, has to have returned.

use kassa_domain::{OrderId, OrderStatus};
use kassa_store::orders::ChangedFilter;
use kassa_store::reservations::ReservationStatus;
use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding, FindingKind};
use kassa_workflows::reconciliation::{workflow_of_late_payment, workflows_of};

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
        if !self.has_pieces(order).await? {
            return Ok(None);
        }
        // A payment that came late may be about to revive the order, and is in no books before it has.
        let payments = self.stripe.payments_of(order).await?;
        let late = payments.iter().map(|payment| workflow_of_late_payment(&payment.payment_intent));
        let workflows: Vec<_> = workflows_of(order).into_iter().chain(late).collect();
        if engine.first_open(workflows).await?.is_some() {
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
