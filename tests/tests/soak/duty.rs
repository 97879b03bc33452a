//! Operators are on duty all the time: whatever is parked, they have tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;
use kassa_tests::operators::{Decides, Operator};
use kassa_tests::wait::eventually_within;
use kassa_workflows::search_attributes::{NEEDS_OPERATOR, ORDER_STATE};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often they look at the list of what is parked.
const LOOKS: Duration = Duration::from_secs(1);

/// How long it may take, after the last customer and with nothing failing any more, until everything has ended: longer
/// than any step is tried, than stock is held, and than a cancellation pauses between two looks at its order.
const LONGEST: Duration = Duration::from_mins(10);

/// What had to be decided.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// How often operators had a step tried again, by its name.
    pub(crate) decided: BTreeMap<String, usize>,
    /// Workflows that do not end: nobody sees them waiting, or no decision helps.
    pub(crate) stuck: Vec<String>,
}

/// Operators at work.
pub(crate) struct Duty {
    operator: Operator,
    relieved: oneshot::Sender<()>,
    work: JoinHandle<BTreeMap<String, usize>>,
}

impl Duty {
    pub(crate) fn begin(operator: Operator) -> Self {
        let (relieved, end) = oneshot::channel();
        let work = tokio::spawn(work(operator.clone(), end));
        Self { operator, relieved, work }
    }

    /// Waits until nothing is open any more, and sends the operators home.
    pub(crate) async fn end(self) -> anyhow::Result<Rest> {
        let open = "ExecutionStatus = 'Running'";
        let settled = eventually_within(LONGEST, "everything has ended", async || {
            let open = self.operator.list(open).await?;
            ensure!(open.is_empty(), "{} are open: {open:?}", open.len());
            Ok(())
        });
        let stuck = match settled.await {
            Ok(()) => Vec::new(),
            Err(_) => self.operator.list(open).await?,
        };
        drop(self.relieved);
        Ok(Rest { decided: self.work.await?, stuck })
    }
}

/// Has everything tried again that is parked, until relieved. What cannot be seen or decided now is seen the next time:
/// Temporal may be away, and the list is a moment behind what the workflows show.
async fn work(operator: Operator, mut end: oneshot::Receiver<()>) -> BTreeMap<String, usize> {
    let parked = format!("ExecutionStatus = 'Running' AND {} = '{NEEDS_OPERATOR}'", ORDER_STATE.name());
    let mut decided = BTreeMap::new();
    loop {
        for workflow in operator.list(&parked).await.unwrap_or_default() {
            if let Ok(Some(step)) = operator.waiting_in(&workflow).await
                && operator.decide(&workflow, Decides::Retry).await.is_ok()
            {
                *decided.entry(step).or_default() += 1;
            }
        }
        tokio::select! {
            _ = &mut end => return decided,
            () = sleep(LOOKS) => {}
        }
    }
}
