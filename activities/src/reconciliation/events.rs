//! The events that the books count against the log of what was published.

use std::collections::BTreeSet;

use kassa_domain::{OrderId, OrderStatus};
use kassa_store::EventLog;
use kassa_store::orders::{ChangedFilter, OrderView};
use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding, FindingKind};
use kassa_workflows::fulfilment;
use kassa_workflows::reconciliation::{workflow_of_late_payment, workflow_of_refund, workflows_of};

use super::{Engine, Reconciliation, ReconciliationError, StoreError, at, count, findings_of};

/// What has events.
const STATUSES: [OrderStatus; 4] =
    [OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered, OrderStatus::Cancelled];

impl Reconciliation {
    pub(super) async fn compare_events(
        &self,
        engine: &Engine,
        page: &ComparePage,
    ) -> Result<Compared, ReconciliationError> {
        let filter = ChangedFilter { statuses: STATUSES.to_vec(), from: at(page.since), to: at(page.until) };
        let (orders, next) = self.changed(&filter, page.cursor.as_deref()).await?;
        let judged = orders.iter().map(|order| self.judge_events(engine, &order.order_id, order.events)).collect();
        let findings = findings_of(judged).await?;
        Ok(Compared { checked: count(&orders), findings, next })
    }

    async fn judge_events(
        &self,
        engine: &Engine,
        order: &OrderId,
        events: u32,
    ) -> Result<Option<Finding>, ReconciliationError> {
        if unpublished(&self.log, order, events).await?.is_empty() {
            return Ok(None);
        }
        let Some(books) = self.orders.find(order).await? else { return Ok(None) };
        if engine.first_open(publishers_of(&books)).await?.is_some() {
            return Ok(None);
        }
        // They may have been published before the workflow ended; from now on, nobody does.
        let missing = unpublished(&self.log, order, events).await?;
        Ok((!missing.is_empty()).then(|| {
            let numbers: Vec<_> = missing.iter().map(u32::to_string).collect();
            let detail = format!("of {events} events these were never published: {}", numbers.join(", "));
            Finding::new(FindingKind::EventsMissing, detail).order(order)
        }))
    }
}

/// The numbers of the events of an order that were not published, as far as anybody knows.
pub(crate) async fn unpublished(log: &EventLog, order: &OrderId, events: u32) -> Result<Vec<u32>, StoreError> {
    let recorded = log.of_order(order).await?.into_iter();
    let published: BTreeSet<_> = recorded.filter(|event| event.published).map(|event| event.sequence).collect();
    Ok((1..=events).filter(|sequence| !published.contains(sequence)).collect())
}

/// Every workflow that may still be publishing an event of the order. A step to its customer is named after the version that
/// the order had when it was asked for.
pub(crate) fn publishers_of(order: &OrderView) -> Vec<String> {
    let refunds = order.refunds.iter().map(|refund| workflow_of_refund(&refund.refund_id));
    let late = order.payment.iter().map(|payment| workflow_of_late_payment(&payment.payment_intent));
    let steps = [OrderStatus::Shipped, OrderStatus::Delivered].into_iter().filter(|_| order.shipment.is_some());
    let steps = steps.flat_map(|step| {
        (1..order.version).map(move |version| fulfilment::workflow_id(&order.order_id, step, version))
    });
    workflows_of(&order.order_id).into_iter().chain(refunds).chain(late).chain(steps).collect()
}
