//! Recorded checkouts replay: a change of the workflow that would break orders in flight fails here, before it is
//! deployed.
//!
//! The histories in `tests/histories` are what real orders left behind. After a change that is guarded by a patch, or
//! before anything was ever deployed, they are recorded anew on a stack of their own:
//!
//! ```sh
//! KASSA_RECORD_HISTORIES=1 cargo test -p kassa-tests --test replay
//! ```

#![expect(unreachable_pub, reason = "the workflow macros want public methods, and nobody links a test")]

mod histories;
mod record;
mod reordered;

use anyhow::{Context as _, bail, ensure};
use kassa_tests::workflows::activities;
use kassa_workflows::checkout::Checkout;
use kassa_workflows::contracts::{inventory, orders, payments};
use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{
    WorkflowReplayError, WorkflowReplayFailure, WorkflowReplayer, WorkflowReplayerOptions,
};

use histories::{Path, addresses, load};
use reordered::ReorderedCheckout;

async fn replay(options: WorkflowReplayerOptions, path: Path) -> anyhow::Result<Result<(), WorkflowReplayError>> {
    let history = WorkflowHistory::from_json(&load(path).await?).context("reading a history")?;
    Ok(WorkflowReplayer::new(options)?.replay_workflow(history).await)
}

async fn replays(path: Path) -> anyhow::Result<()> {
    let checkout = WorkflowReplayerOptions::new().register_workflow::<Checkout>()?.build();
    replay(checkout, path).await?.with_context(|| format!("{path:?} does not replay"))
}

#[tokio::test]
async fn a_confirmed_order_replays() -> anyhow::Result<()> {
    replays(Path::Confirmed).await
}

#[tokio::test]
async fn a_declined_order_replays() -> anyhow::Result<()> {
    replays(Path::Declined).await
}

#[tokio::test]
async fn an_order_that_was_taken_back_after_the_capture_replays() -> anyhow::Result<()> {
    replays(Path::Compensated).await
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
            Path::Declined => &[payments::CHARGE, payments::REFUND, inventory::RELEASE, orders::CANCEL],
            Path::Compensated => {
                &["orders.confirm!", payments::REFUND, inventory::RESTOCK, inventory::RELEASE, orders::CANCEL]
            }
        };
        let found = done.windows(expected.len()).any(|part| part == expected);
        ensure!(found, "{path:?} holds {done:?} and not {expected:?}");
    }
    Ok(())
}

#[tokio::test]
async fn histories_hold_nobody_s_data() -> anyhow::Result<()> {
    for path in Path::ALL {
        let addresses = addresses(&load(path).await?)?;
        ensure!(!addresses.is_empty(), "{path:?} has no address, so this looks in the wrong place");
        for address in addresses {
            ensure!(address.ends_with("@example.com"), "{path:?} holds {address}");
        }
    }
    Ok(())
}
