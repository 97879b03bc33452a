//! Recorded workflows replay: a change of one that would break orders in flight fails here, before it is
//! deployed.
//!
//! The histories in `tests/histories` are what real orders left behind. After a change that is guarded by a patch, or
//! before anything was ever deployed, they are recorded anew on a stack of their own:
//!
//! ```sh
//! KASSA_RECORD_HISTORIES=1 cargo test --test replay
//! ```

#![expect(unreachable_pub, reason = "the workflow macros want public methods, and nobody links a test")]

mod histories;
mod patched;
mod record;
mod reordered;

use anyhow::{Context as _, bail, ensure};
use kassa_tests::Path;
use kassa_tests::workflows::{activities, told};
use kassa_workflows::cancellation::Cancellation;
use kassa_workflows::checkout::Checkout;
use kassa_workflows::contracts::{
    awaited, carts, inventory, late_payments, notifications, orders, payments, reconciliation, recovery, refunds, valve,
};
use kassa_workflows::finding::ParkedFinding;
use kassa_workflows::fulfilment::FulfilOrder;
use kassa_workflows::late_payment::LatePayments;
use kassa_workflows::notification::Notification;
use kassa_workflows::reconciliation::Reconcile;
use kassa_workflows::recovery::Recovery;
use kassa_workflows::refund::Refund;
use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{
    WorkflowReplayError, WorkflowReplayFailure, WorkflowReplayer, WorkflowReplayerOptions,
};

use histories::{addresses, load};
use reordered::ReorderedCheckout;

async fn replay(options: WorkflowReplayerOptions, path: Path) -> anyhow::Result<Result<(), WorkflowReplayError>> {
    let history = WorkflowHistory::from_json(&load(path).await?).context("reading a history")?;
    Ok(WorkflowReplayer::new(options)?.replay_workflow(history).await)
}

#[tokio::test]
async fn every_recorded_workflow_replays() -> anyhow::Result<()> {
    for path in Path::ALL {
        let workflows = WorkflowReplayerOptions::new()
            .register_workflow::<Checkout>()?
            .register_workflow::<Cancellation>()?
            .register_workflow::<Refund>()?
            .register_workflow::<FulfilOrder>()?
            .register_workflow::<Notification>()?
            .register_workflow::<Reconcile>()?
            .register_workflow::<Recovery>()?
            .register_workflow::<LatePayments>()?
            .register_workflow::<ParkedFinding>()?
            .build();
        replay(workflows, path).await?.with_context(|| format!("{path:?} does not replay"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_workflow_with_its_steps_in_another_order_does_not_replay() -> anyhow::Result<()> {
    let reordered = WorkflowReplayerOptions::new().register_workflow::<ReorderedCheckout>()?.build();
    match replay(reordered, Path::Confirmed).await? {
        Err(WorkflowReplayError::Replay(WorkflowReplayFailure::Nondeterminism { .. })) => Ok(()),
        other => bail!("{other:?}"),
    }
}

#[tokio::test]
async fn each_history_holds_what_its_name_says() -> anyhow::Result<()> {
    for path in Path::ALL {
        let history = WorkflowHistory::from_json(&load(path).await?)?;
        let done = activities(&history.into_events().await?);
        let expected: &[&str] = match path {
            Path::Confirmed => {
                &[orders::PLACE, inventory::RESERVE, payments::CHARGE, inventory::DEDUCT, orders::CONFIRM]
            }
            Path::OutOfStock => &[inventory::RESERVE, inventory::RELEASE, orders::CANCEL],
            Path::ParkedRetried => &["orders.confirm!", orders::CONFIRM],
            Path::CartSold => &[carts::SETTLE],
            Path::PaidOnPage => &[awaited::OPEN_PAGE, orders::AWAIT_PAYMENT, awaited::LOOK, inventory::DEDUCT],
            Path::Authenticated => {
                &[payments::CHARGE, orders::AWAIT_PAYMENT, awaited::LOOK, inventory::DEDUCT, orders::CONFIRM]
            }
            Path::CancelledWaiting => {
                &[orders::AWAIT_PAYMENT, awaited::WITHDRAW, inventory::RESTOCK, inventory::RELEASE, orders::CANCEL]
            }
            Path::NeverPaid => &[awaited::CLOSE, awaited::WITHDRAW, inventory::RELEASE, orders::CANCEL],
            Path::Held => &[valve::ADMIT, payments::CHARGE, inventory::DEDUCT, orders::CONFIRM],
            Path::HeldTooLong => &[valve::ADMIT, valve::LOOK, inventory::RELEASE, orders::CANCEL],
            Path::AnotherCard => &[
                orders::AWAIT_PAYMENT,
                awaited::LOOK,
                orders::PAYMENT_FAILED,
                payments::CONFIRM,
                inventory::DEDUCT,
                orders::CONFIRM,
            ],
            Path::Cancelled => &[orders::CANCEL_SALE],
            Path::Refunded => &[refunds::CLAIM, payments::CREATE_REFUND, refunds::SETTLE],
            Path::Shipped => &[orders::FULFIL],
            Path::Sent => &[notifications::SEND],
            Path::Reconciled => &[reconciliation::COMPARE, reconciliation::OPEN, reconciliation::COMPARE],
            Path::Shown => {
                ensure!(done.is_empty(), "it only waits: {done:?}");
                continue;
            }
            Path::TakenBack => {
                &[recovery::EXAMINE, awaited::WITHDRAW, inventory::RESTOCK, inventory::RELEASE, orders::CANCEL]
            }
            // Between the looks the workflow of the late payment was at it.
            Path::PaidLate => &[recovery::EXAMINE, recovery::EXAMINE],
            Path::GivenBack => &[
                late_payments::LOOK,
                late_payments::READ,
                late_payments::BOOK,
                payments::CREATE_REFUND,
                refunds::SETTLE,
            ],
            Path::Revived => &[late_payments::LOOK, late_payments::READ, late_payments::SELL, late_payments::REVIVE],
            Path::Declined => &[payments::CHARGE, payments::REFUND, inventory::RELEASE, orders::CANCEL],
            Path::Compensated | Path::Aborted => {
                &["orders.confirm!", payments::REFUND, inventory::RESTOCK, inventory::RELEASE, orders::CANCEL]
            }
        };
        let found = done.windows(expected.len()).any(|part| part == expected);
        ensure!(found, "{path:?} holds {done:?} and not {expected:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_people_have_told_an_order_is_in_its_history() -> anyhow::Result<()> {
    let expected = [(Path::ParkedRetried, "retry"), (Path::Aborted, "abort"), (Path::CancelledWaiting, "cancel")];
    for (path, expected) in expected {
        let history = WorkflowHistory::from_json(&load(path).await?)?;
        let found = told(&history.into_events().await?);
        ensure!(found.iter().any(|told| told == expected), "{path:?} was told {found:?} and not {expected}");
    }
    Ok(())
}

#[tokio::test]
async fn histories_hold_nobody_s_data() -> anyhow::Result<()> {
    let mut found = Vec::new();
    for path in Path::ALL {
        let addresses = addresses(&load(path).await?)?;
        let foreign = addresses.iter().find(|address| !address.ends_with("@example.com"));
        ensure!(foreign.is_none(), "{path:?} holds {foreign:?}");
        found.extend(addresses);
    }
    ensure!(!found.is_empty(), "there are no addresses, so this looks in the wrong place");
    Ok(())
}
