//! Refunds at Stripe against the books: those that the books do not know, and those that failed after all.

use kassa_workflows::contracts::reconciliation::{ComparePage, Compared};

use super::{Engine, Reconciliation, ReconciliationError, at, findings_of};

impl Reconciliation {
    pub(super) async fn compare_refunds(
        &self,
        engine: &Engine,
        page: &ComparePage,
    ) -> Result<Compared, ReconciliationError> {
        let read = self.stripe.refunded_payments(at(page.since), at(page.until), page.cursor.as_deref()).await?;
        let judged =
            read.items.iter().map(|(order, intent)| self.confirmed_money(engine, page, order, Some(intent))).collect();
        let findings = findings_of(judged).await?;
        Ok(Compared { checked: read.read, findings, next: read.next })
    }
}
