//! What is held against the workflows that hold it: nothing is held for an order that nobody will sell any more.

use kassa_domain::OrderId;
use kassa_store::reservations::ReservationStatus;
use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding, FindingKind};
use kassa_workflows::reconciliation::workflows_of;

use super::{Engine, Reconciliation, ReconciliationError, at, count, findings_of};

impl Reconciliation {
    pub(super) async fn compare_reservations(
        &self,
        engine: &Engine,
        page: &ComparePage,
    ) -> Result<Compared, ReconciliationError> {
        let after = page.cursor.as_deref().map(str::parse).transpose().map_err(|_| ReconciliationError::Cursor)?;
        let read = self.reservations.all(&[ReservationStatus::Reserved], after.as_ref()).await?;
        let checked = count(&read.reservations);
        let old = read.reservations.into_iter().filter(|reservation| reservation.created_at < at(page.until));
        let old: Vec<_> = old.map(|reservation| reservation.order_id).collect();
        let judged = old.iter().map(|order| self.judge_held(engine, order)).collect();
        let findings = findings_of(judged).await?;
        Ok(Compared { checked, findings, next: read.next.map(|order| order.to_string()) })
    }

    async fn judge_held(&self, engine: &Engine, order: &OrderId) -> Result<Option<Finding>, ReconciliationError> {
        if engine.first_open(workflows_of(order)).await?.is_some() {
            return Ok(None);
        }
        // It may have ended since the page was read; from now on, nothing changes any more.
        let held = self.reservations.get(order).await?;
        let held = held.filter(|held| held.status == ReservationStatus::Reserved);
        Ok(held.map(|_| {
            let detail = "pieces are held, and no workflow will sell or return them";
            Finding::new(FindingKind::StockHeld, detail).order(order)
        }))
    }
}
