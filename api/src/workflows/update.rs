//! Asking a workflow that is there already.

use temporalio_client::{RpcOptions, WorkflowUpdateHandle};
use temporalio_client::{WorkflowStartUpdateOptions, errors::WorkflowUpdateError};
use temporalio_common::{HasWorkflowDefinition, UpdateDefinition};

use super::{WorkflowError, Workflows, not_answered};

impl Workflows {
    /// Asks the workflow, and waits for its answer. Asked again under the same id, it gives the first answer again, also
    /// after its end. [`WorkflowError::Interrupted`] if there is no such workflow, or it does not take this now.
    pub async fn update<U>(
        &self,
        workflow_id: &str,
        update: U,
        question: U::Input,
        update_id: String,
    ) -> Result<U::Output, WorkflowError>
    where
        U: UpdateDefinition + Send + 'static,
        U::Workflow: HasWorkflowDefinition<Run = U::Workflow> + Send + Sync,
        U::Input: Send + 'static,
        U::Output: Send + 'static,
    {
        let handle = self.client()?.get_workflow_handle::<U::Workflow>(workflow_id);
        let options = WorkflowStartUpdateOptions::builder().update_id(update_id).build();
        // A task of its own: a client that hangs up ends its request, not what it has asked for.
        let limit = self.config.answer_timeout;
        let start = tokio::spawn(async move {
            let start = handle.start_update(update, question, options);
            tokio::time::timeout(limit, start).await
        });
        let answer = async {
            let started: Result<WorkflowUpdateHandle<_, _>, WorkflowUpdateError> = match start.await {
                Ok(Ok(started)) => started,
                Ok(Err(_elapsed)) => return Err(WorkflowError::Undecided),
                Err(panic) => return Err(WorkflowError::Defect(panic.into())),
            };
            let update = started.map_err(not_answered)?;
            update.get_result(RpcOptions::default()).await.map_err(not_answered)
        };
        // Whether it got there is not known; asking again under the same id tells.
        tokio::time::timeout(limit, answer).await.unwrap_or(Err(WorkflowError::Undecided))
    }
}
