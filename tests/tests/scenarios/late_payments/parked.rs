//! Revivals that wait for an operator: tried again, and given up.

use anyhow::Context as _;
use kassa_domain::StockLevel;
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_tests::operators::Decides;
use kassa_tests::reconciliation::at_once;
use kassa_tests::{Shop, eventually, on_exclusive_shop};
use kassa_workflows::reconciliation::Found;
use kassa_workflows::{late_payment, recovery};

use super::{IMPATIENT, Unpaid};

/// An order whose pieces are sold again and which the books were away to confirm, and the workflow that waits with it.
async fn parked(shop: &Shop) -> anyhow::Result<(Unpaid<'_>, String)> {
    let unpaid = Unpaid::expired(shop).await?;
    let away = Fault::fail_before("WITH revived AS").with_error(FaultError::StatementTimeout);
    shop.stack.rds_data.faults().inject(away.times(u32::MAX));
    unpaid.settles(true)?;
    let late = late_payment::workflow_id(&unpaid.intent);
    eventually("the payment is noticed", async || {
        shop.describe_workflow(&late).await?.map(drop).context("there is no workflow")
    })
    .await?;
    let details = shop.parked_workflow(&late).await?;
    assert!(details.contains("at `late_payments.revive`"), "{details}");
    assert!(details.contains("`retry` or `abort`"), "{details}");
    shop.stack.rds_data.faults().clear();
    assert_eq!(shop.stock(&unpaid.product).await?, StockLevel { available: 0, reserved: 0, sold: 2 });
    Ok((unpaid, late))
}

#[test]
fn revival_that_waits_for_an_operator_is_nobody_elses_business() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let (unpaid, late) = parked(shop).await?;

        let report = shop.reconcile(at_once()).await?;

        let about = |found: &&Found| {
            found.finding.order_id.as_ref() == Some(&unpaid.order)
                || found.finding.payment_intent.as_ref() == Some(&unpaid.intent)
        };
        let found: Vec<_> = report.findings.iter().filter(about).collect();
        assert!(found.is_empty(), "{found:#?}");
        assert!(shop.describe_workflow(&recovery::workflow_id(&unpaid.order)).await?.is_none());
        assert_eq!(shop.stock(&unpaid.product).await?, StockLevel { available: 0, reserved: 0, sold: 2 });
        shop.operator().decide(&late, Decides::Retry).await?;
        shop.completed(&late).await?;
        unpaid.assert_revived().await?;
        unpaid.judged().await
    })
}

#[test]
fn revival_that_an_operator_aborts_gives_money_and_pieces_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let (unpaid, late) = parked(shop).await?;

        shop.operator().decide(&late, Decides::Abort).await?;

        shop.completed(&late).await?;
        unpaid.assert_refunded().await?;
        assert_eq!(shop.stock(&unpaid.product).await?, StockLevel { available: 2, reserved: 0, sold: 0 });
        assert_eq!(unpaid.events().await?, ["order.cancelled", "order.refunded"]);
        let subjects = unpaid.subjects().await?;
        assert!(subjects.contains(&format!("A refund for your order {}", unpaid.order)), "{subjects:?}");
        unpaid.judged().await
    })
}
