//! Payments at Stripe against the books: money without an order, of a cancelled order, or beside the payment of an order.

use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding};

use super::{AtStripe, Engine, Reconciliation, ReconciliationError, at, findings_of, judge};

impl Reconciliation {
    pub(super) async fn compare_payments(
        &self,
        engine: &Engine,
        page: &ComparePage,
    ) -> Result<Compared, ReconciliationError> {
        let read = self.stripe.payments(at(page.since), at(page.until), page.cursor.as_deref()).await?;
        let judged = read.items.iter().map(|payment| self.judge_payment(engine, page, payment)).collect();
        let findings = findings_of(judged).await?;
        Ok(Compared { checked: read.read, findings, next: read.next })
    }

    async fn judge_payment(
        &self,
        engine: &Engine,
        page: &ComparePage,
        payment: &AtStripe,
    ) -> Result<Vec<Finding>, ReconciliationError> {
        let books = match &payment.order_id {
            Some(order) => self.orders.find(order).await?,
            None => None,
        };
        match (judge::payment(payment, books.as_ref()), &payment.order_id) {
            (None, _) => Ok(Vec::new()),
            // Nothing that is looked at again would change: nobody makes an order of it any more.
            (Some(finding), None) => Ok(vec![finding]),
            (Some(_), Some(order)) => self.confirmed_money(engine, page, order, Some(&payment.payment_intent)).await,
        }
    }
}
