//! After the faults: everything comes to its end, by itself or by an operator's decision.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;
use futures::StreamExt as _;
use kassa_tests::Shop;
use kassa_tests::operators::Decides;
use kassa_tests::wait::eventually_within;
use kassa_workflows::search_attributes::{NEEDS_OPERATOR, ORDER_STATE};
use temporalio_client::WorkflowListOptions;
use tokio::time::Instant;

/// How long it may take until everything has ended or waits for an operator: longer than any step is tried, and than
/// stock is held.
const LONGEST: Duration = Duration::from_mins(4);

/// How long operators go on deciding.
const DECIDING: Duration = Duration::from_mins(10);

/// What had to be decided.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// How often operators had a step tried again, by its name.
    pub(crate) decided: BTreeMap<String, usize>,
    /// Workflows that are open, and that nobody sees waiting, or nobody could end.
    pub(crate) stuck: Vec<String>,
}

/// An open workflow.
struct Open {
    id: String,
    needs_operator: bool,
}

/// Waits until nothing is open any more. Whatever does not end is visibly parked, and an operator has it tried again.
pub(crate) async fn come_to_rest(shop: &Shop) -> anyhow::Result<Rest> {
    let mut rest = Rest::default();
    let end = Instant::now() + DECIDING;
    loop {
        let settled = eventually_within(LONGEST, "everything has ended or is parked", async || {
            let open = open(shop).await?;
            let moving: Vec<_> = open.iter().filter(|open| !open.needs_operator).map(|open| open.id.as_str()).collect();
            ensure!(moving.is_empty(), "{} are open and not parked: {moving:?}", moving.len());
            Ok(open)
        });
        let Ok(parked) = settled.await else {
            let open = open(shop).await?.into_iter();
            rest.stuck = open.filter(|open| !open.needs_operator).map(|open| open.id).collect();
            return Ok(rest);
        };
        if parked.is_empty() {
            return Ok(rest);
        }
        if Instant::now() >= end {
            rest.stuck = parked.into_iter().map(|open| open.id).collect();
            return Ok(rest);
        }
        for workflow in parked {
            let details = shop.details_of(&workflow.id).await?;
            let step = details.split("**Needs an operator** at `").nth(1).and_then(|rest| rest.split('`').next());
            // The list is a moment behind what the workflow itself shows, and so is what it shows behind a decision.
            if let Some(step) = step
                && shop.decide(&workflow.id, Decides::Retry).await.is_ok()
            {
                *rest.decided.entry(step.to_owned()).or_default() += 1;
            }
        }
    }
}

async fn open(shop: &Shop) -> anyhow::Result<Vec<Open>> {
    let mut found = Vec::new();
    let mut workflows = shop.temporal.list_workflows("ExecutionStatus = 'Running'", WorkflowListOptions::default());
    while let Some(workflow) = workflows.next().await {
        let workflow = workflow?;
        let state = workflow.search_attributes().get(&ORDER_STATE);
        found.push(Open { id: workflow.id().to_owned(), needs_operator: state.as_deref() == Some(NEEDS_OPERATOR) });
    }
    Ok(found)
}
