//! Asking the engine about workflows, and starting those that mend.

use std::time::SystemTime;

use kassa_workflows::contracts::reconciliation::Finding;
use kassa_workflows::finding::{self, ParkedFinding};
use kassa_workflows::recovery::{self, Recovery, RecoveryInput};
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::IntoRequest as _;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
    WorkflowStartOptions,
};
use temporalio_common::UntypedWorkflow;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

/// The engine, as an activity reaches it.
pub(crate) struct Engine {
    client: Client,
}

/// The engine could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("Temporal did not say {what}")]
pub struct EngineError {
    what: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl EngineError {
    fn new(what: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { what, source: Box::new(source) }
    }
}

/// How a workflow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It runs.
    Open,
    /// It has ended, at this time if that is known.
    Closed(Option<SystemTime>),
    /// There is none, or it was long ago.
    Unknown,
}

/// What came of starting a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// It runs now.
    Started,
    /// There was one of this name.
    Before,
}

impl Engine {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// How a workflow stands at this moment: unlike lists, this is never behind.
    pub(super) async fn standing(&self, workflow_id: &str) -> Result<Standing, EngineError> {
        let handle = self.client.get_workflow_handle::<UntypedWorkflow>(workflow_id);
        match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(description) if description.status() == WorkflowExecutionStatus::Running => Ok(Standing::Open),
            Ok(description) => Ok(Standing::Closed(description.close_time())),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(Standing::Unknown),
            Err(error) => Err(EngineError::new("how a workflow stands", error)),
        }
    }

    /// The first of these workflows that runs.
    pub(crate) async fn first_open(
        &self,
        workflows: impl IntoIterator<Item = String>,
    ) -> Result<Option<String>, EngineError> {
        for workflow in workflows {
            if self.standing(&workflow).await? == Standing::Open {
                return Ok(Some(workflow));
            }
        }
        Ok(None)
    }

    /// A page of workflows. It is a moment behind.
    pub(super) async fn list(
        &self,
        query: String,
        next_page_token: Vec<u8>,
    ) -> Result<(Vec<WorkflowExecutionInfo>, Vec<u8>), EngineError> {
        let namespace = self.client.options().namespace.clone();
        let request = ListWorkflowExecutionsRequest { namespace, page_size: 100, next_page_token, query };
        let mut client = self.client.clone();
        let listed = WorkflowService::list_workflow_executions(&mut client, request.into_request()).await;
        let listed = listed.map_err(|error| EngineError::new("which workflows there are", error))?.into_inner();
        Ok((listed.executions, listed.next_page_token))
    }

    /// Starts the recovery of an order, unless there was one.
    pub(super) async fn recover(&self, queue: &str, input: RecoveryInput) -> Result<Start, EngineError> {
        let id = recovery::workflow_id(&input.order_id);
        let options = options(queue, id, format!("Recovery of {}", input.order_id));
        started(self.client.start_workflow(Recovery::run, input, options).await.map(drop))
    }

    /// Shows a finding to operators, unless it was shown before.
    pub(super) async fn park(&self, queue: &str, finding: &Finding) -> Result<Start, EngineError> {
        let summary = format!("Finding {}: {}", finding.kind.as_str(), finding.about());
        let options = options(queue, finding::workflow_id(finding), summary);
        started(self.client.start_workflow(ParkedFinding::run, finding.clone(), options).await.map(drop))
    }
}

fn options(queue: &str, workflow_id: String, summary: String) -> WorkflowStartOptions {
    WorkflowStartOptions::new(queue, workflow_id)
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
        .static_summary(summary)
        .build()
}

fn started(started: Result<(), WorkflowStartError>) -> Result<Start, EngineError> {
    match started {
        Ok(()) => Ok(Start::Started),
        Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Start::Before),
        Err(error) => Err(EngineError::new("whether a workflow was started", error)),
    }
}
