//! What waits: workflows that are open for too long, and recoveries that need an operator.

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderStatus, StockLevel};
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::operators::Decides;
use kassa_tests::reconciliation::at_once;
use kassa_tests::{Page, eventually, on_exclusive_shop};
use kassa_workflows::checkout::Policy;
use kassa_workflows::contracts::reconciliation::{FindingKind, Started};
use kassa_workflows::reconciliation::ReconciliationPolicy;
use kassa_workflows::search_attributes::ORDER_STATE;
use kassa_workflows::{recovery, workflow_id};

/// Part of the statement that writes an order as cancelled when it is taken back, and of no other.
const CANCEL: &str = "WITH cancelled AS";

#[test]
fn workflow_that_is_open_for_too_long_is_named_and_goes_on() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2).on_page();
        let page = Page::of(&checkout.send().await?)?;
        let order = checkout.order_id();
        let id = workflow_id(&order);

        let found = shop.names(&id, &ReconciliationPolicy { open_limit_ms: 0, ..at_once() }).await?;

        assert_eq!(found.finding.kind, FindingKind::WorkflowOld);
        assert_eq!(found.started, Started::Named { workflow_id: id.clone() });
        let usual = shop.reconcile(at_once()).await?;
        let named = usual.findings.iter().any(|found| found.finding.workflow_id.as_ref() == Some(&id));
        assert!(usual.is_complete() && !named, "customers may take their time: {usual:#?}");
        assert!(shop.describe_workflow(&recovery::workflow_id(&order)).await?.is_none(), "it was only named");
        page.pay(GOOD_CARD).await?;
        shop.closed(&order).await?;
        assert_eq!(shop.order(&order).await?.body["status"], "CONFIRMED");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn recovery_that_cannot_write_waits_for_an_operator_who_has_it_tried_again() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2).on_page();
        let page = Page::of(&checkout.send().await?)?;
        let order = checkout.order_id();
        shop.terminate(&workflow_id(&order)).await?;
        let away = Fault::fail_before(CANCEL).with_error(FaultError::DatabaseResuming);
        shop.stack.rds_data.faults().inject(away.times(u32::MAX));
        // A recovery is as patient as the reconciliation that starts it, whose pages take their time, too.
        let steps = Policy { patience_ms: 3000, ..Policy::default() };
        let impatient = ReconciliationPolicy { steps, ..at_once() };

        eventually("the order is found", async || {
            let report = shop.reconcile(impatient.clone()).await?;
            let found = report.findings.iter().any(|found| found.finding.order_id.as_ref() == Some(&order));
            ensure!(found, "{report:#?}");
            Ok(())
        })
        .await?;

        let id = recovery::workflow_id(&order);
        let details = shop.parked_workflow(&id).await?;
        assert!(details.contains("at `orders.cancel`"), "{details}");
        assert!(details.contains("`retry`, `resolve` or `write_off`"), "{details}");
        assert_eq!(page.pay(GOOD_CARD).await?.0, 410, "the page is closed");
        assert_eq!(shop.order(&order).await?.body["status"], "AWAITING_PAYMENT");
        shop.stack.rds_data.faults().clear();
        shop.operator().decide(&id, Decides::Retry).await?;
        let attributes = shop.completed(&id).await?.search_attributes();
        assert_eq!(attributes.get(&ORDER_STATE).as_deref(), Some("CANCELLED"));
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert_eq!((stored.status, stored.failure_reason.as_deref()), (OrderStatus::Cancelled, Some("step_failed")));
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 5, reserved: 0, sold: 0 });
        shop.oracle().product(&tea, 5).order(&order).ended_from_outside().check().await
    })
}
