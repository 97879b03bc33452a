//! Paid orders in the books against Stripe: payments that are not there, other amounts, refunds that nothing makes.

use kassa_domain::OrderStatus;
use kassa_store::orders::ChangedFilter;
use kassa_workflows::contracts::reconciliation::{ComparePage, Compared};

use super::{Engine, Reconciliation, ReconciliationError, at, count, findings_of};

/// What may have been paid.
const STATUSES: [OrderStatus; 4] =
    [OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered, OrderStatus::Cancelled];

impl Reconciliation {
    pub(super) async fn compare_books(
        &self,
        engine: &Engine,
        page: &ComparePage,
    ) -> Result<Compared, ReconciliationError> {
        let filter = ChangedFilter { statuses: STATUSES.to_vec(), from: at(page.since), to: at(page.until) };
        let (orders, next) = self.changed(&filter, page.cursor.as_deref()).await?;
        let judged = orders.iter().map(|order| self.confirmed_money(engine, page, &order.order_id, None)).collect();
        let findings = findings_of(judged).await?;
        Ok(Compared { checked: count(&orders), findings, next })
    }
}
