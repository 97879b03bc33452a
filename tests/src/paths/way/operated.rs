//! Orders that wait for an operator.

use anyhow::{Context as _, ensure};
use kassa_workflows::contracts::orders;
use kassa_workflows::search_attributes::{NEEDS_OPERATOR, ORDER_STATE};
use temporalio_client::WorkflowExecutionStatus;

use super::{LONG, Path, Way, decided, expect};
use crate::customer::Checkout;
use crate::operators::Decides;
use crate::wait::eventually_within;

impl Way<'_> {
    /// Buys while an operator decides about whatever waits for one.
    pub(super) async fn buy_with_an_operator(&self, checkout: &Checkout<'_>, status: u16) -> anyhow::Result<()> {
        let bought = async { expect(&decided(async || checkout.send().await).await?, status) };
        tokio::try_join!(bought, self.operate())?;
        Ok(())
    }

    async fn operate(&self) -> anyhow::Result<()> {
        let operator = self.shop.operator();
        eventually_within(LONG, "operators have nothing to decide any more", async || {
            let workflow = self.shop.describe_workflow(&self.workflow).await?.context("there is no workflow")?;
            let state = workflow.search_attributes().get(&ORDER_STATE);
            // An update is only sent to what waits for it: one that is refused leaves no trace in the history.
            if state.as_deref() == Some(NEEDS_OPERATOR) {
                let step = operator.waiting_in(&self.workflow).await?.context("it has been decided meanwhile")?;
                operator.decide(&self.workflow, self.decision(&step)).await?;
            }
            ensure!(workflow.status() == WorkflowExecutionStatus::Completed, "its state was {state:?}");
            Ok(())
        })
        .await
    }

    fn decision(&self, step: &str) -> Decides {
        // Whatever else waits does so because its worker has died, and can be done.
        if step != orders::CONFIRM {
            return Decides::Retry;
        }
        (self.mend)();
        if self.path == Path::Aborted { Decides::Abort } else { Decides::Retry }
    }
}
