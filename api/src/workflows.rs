//! Starting workflows, waiting for what they answer, and whether Temporal can be reached at all.

mod update;

use std::time::Duration;

use temporalio_client::errors::{
    WorkflowInteractionError, WorkflowQueryError, WorkflowStartError, WorkflowUpdateError, WorkflowUpdateWithStartError,
};
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{self, IntoRequest};
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, RpcOptions, WorkflowCountOptions, WorkflowDescribeOptions,
    WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowSignalOptions, WorkflowStartOptions, WorkflowUpdateHandle,
    WorkflowUpdateWithStartOptions,
};
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use temporalio_common::search_attributes::{SearchAttributeUpdate, SearchAttributes};
use temporalio_common::{HasWorkflowDefinition, QueryDefinition, SignalDefinition, UntypedWorkflow, UpdateDefinition};
use tokio::sync::watch;

use crate::config::WorkflowConfig;
use crate::problem::Problem;

/// How long a question about a workflow that may or may not exist may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The first and the longest pause between attempts to connect.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Why a workflow gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The first connection has not come about yet.
    #[error("there is no connection to Temporal yet")]
    NotConnected,
    /// Temporal cannot be reached, or does not say whether the workflow was started.
    #[error("Temporal is unavailable")]
    Unavailable(#[source] Box<tonic::Status>),
    /// Temporal did not say in time whether the workflow was started.
    #[error("Temporal did not answer in time")]
    Silent,
    /// The workflow is durable and still at it.
    #[error("the workflow has not answered yet")]
    Undecided,
    /// The workflow was closed from outside before it had answered.
    #[error("the workflow was closed before it answered")]
    Interrupted,
    /// A defect: messages that cannot be written or read.
    #[error("the workflow could not be asked")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<WorkflowError> for Problem {
    /// For workflows that nobody closes from outside; whoever knows more about an interruption says so.
    fn from(error: WorkflowError) -> Self {
        match &error {
            WorkflowError::NotConnected
            | WorkflowError::Unavailable(_)
            | WorkflowError::Silent
            | WorkflowError::Undecided => Self::unavailable("Temporal", &error),
            WorkflowError::Interrupted | WorkflowError::Defect(_) => Self::internal(&error),
        }
    }
}

/// Which workflow is started or joined, and what operators see of it from the start. Never personal data: all of it is
/// stored in clear text.
#[derive(Debug)]
pub struct Start {
    /// Names the workflow. One that has ended is not started again.
    pub workflow_id: String,
    /// Names the question: asked again, it gets the first answer again.
    pub update_id: String,
    /// One line for the list of workflows.
    pub summary: String,
    /// More about it, as Markdown.
    pub details: Option<String>,
    /// What it is searched by.
    pub search_attributes: Vec<SearchAttributeUpdate>,
}

/// How a workflow stands.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It runs.
    Running,
    /// It has come to this.
    Completed(T),
    /// It was ended from outside, or has failed.
    Ended,
}

/// Starts workflows and asks them. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Workflows {
    client: watch::Receiver<Option<Client>>,
    config: WorkflowConfig,
}

impl Workflows {
    /// Connects in the background and keeps trying, so that the API starts, and says what it waits for, while Temporal
    /// is still down. Once made, the connection mends itself.
    pub fn connect(connection: ConnectionOptions, client: ClientOptions, config: WorkflowConfig) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let mut pause = RECONNECT.0;
            loop {
                match Connection::connect(connection.clone()).await {
                    Ok(connected) => match Client::new(connected, client) {
                        Ok(client) => {
                            tracing::info!("connected to Temporal");
                            sender.send_replace(Some(client));
                            // The receivers live as long as this sender is wanted.
                            sender.closed().await;
                            return;
                        }
                        Err(error) => {
                            tracing::error!(error = %error, "the Temporal client cannot be made");
                            return;
                        }
                    },
                    Err(error) => {
                        let target = &connection.target;
                        tracing::warn!(temporal = %target, error = %error, "cannot connect to Temporal; trying again");
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = sender.closed() => return,
                }
                pause = (pause * 2).min(RECONNECT.1);
            }
        });
        Self { client: receiver, config }
    }

    /// Uses a client that is connected already; `None` behaves like one that is still connecting.
    pub fn new(client: Option<Client>, config: WorkflowConfig) -> Self {
        Self { client: watch::channel(client).1, config }
    }

    /// How workflows are started and waited for.
    pub fn config(&self) -> &WorkflowConfig {
        &self.config
    }

    /// The client, once it is connected.
    pub fn client(&self) -> Result<Client, WorkflowError> {
        self.client.borrow().clone().ok_or(WorkflowError::NotConnected)
    }

    /// Starts the workflow, or joins the one that there is, asks it, and waits for its answer.
    ///
    /// The answer is the same however often it is asked for: the update has a fixed id, and a workflow that has ended
    /// is not started again.
    pub async fn ask<W, U>(
        &self,
        workflow: W,
        input: W::Input,
        update: U,
        question: U::Input,
        start: Start,
    ) -> Result<U::Output, WorkflowError>
    where
        W: HasWorkflowDefinition + Send + 'static,
        W::Input: Send + 'static,
        U: UpdateDefinition<Workflow = W::Run> + Send + 'static,
        U::Input: Send + 'static,
        U::Output: Send,
    {
        let client = self.client()?;
        let workflow_id = start.workflow_id.clone();
        let options = self.options(start);
        // A task of its own: a client that hangs up ends its request, not the start of its workflow.
        let limit = self.config.answer_timeout;
        let start = tokio::spawn(async move {
            let start = client.start_update_with_start_workflow(workflow, input, update, question, options);
            tokio::time::timeout(limit, start).await
        });
        let answer = async {
            let started: Result<WorkflowUpdateHandle<_, _>, _> = match start.await {
                Ok(Ok(started)) => started,
                Ok(Err(_elapsed)) => return Err(WorkflowError::Silent),
                Err(panic) => return Err(WorkflowError::Defect(panic.into())),
            };
            let update = started.map_err(started_not)?;
            update.get_result(RpcOptions::default()).await.map_err(not_answered)
        };
        match tokio::time::timeout(limit, answer).await {
            Ok(Err(WorkflowError::Silent)) | Err(_) => Err(self.undecided(&workflow_id).await),
            Ok(result) => result,
        }
    }

    fn options(&self, start: Start) -> WorkflowUpdateWithStartOptions {
        WorkflowUpdateWithStartOptions::new(
            self.config.task_queue.clone(),
            start.workflow_id,
            WorkflowIdConflictPolicy::UseExisting,
        )
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .update_id(start.update_id)
        .search_attributes(SearchAttributes::new(start.search_attributes))
        .static_summary(start.summary)
        .maybe_static_details(start.details)
        .build()
    }

    /// Time is up: is there a durable workflow to come back for, or is nothing known?
    async fn undecided(&self, workflow_id: &str) -> WorkflowError {
        match self.exists(workflow_id).await {
            Ok(true) => WorkflowError::Undecided,
            Ok(false) => WorkflowError::Silent,
            Err(error) => error,
        }
    }

    /// Starts a workflow; one that there is already is left alone.
    pub async fn start<W>(&self, workflow: W, input: W::Input, start: Start) -> Result<(), WorkflowError>
    where
        W: HasWorkflowDefinition,
        W::Input: Send,
    {
        let client = self.client()?;
        let options = WorkflowStartOptions::new(self.config.task_queue.clone(), start.workflow_id)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .search_attributes(SearchAttributes::new(start.search_attributes))
            .static_summary(start.summary)
            .maybe_static_details(start.details)
            .build();
        match tokio::time::timeout(LOOKUP_TIMEOUT, client.start_workflow(workflow, input, options)).await {
            Ok(Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. })) => Ok(()),
            Ok(Err(WorkflowStartError::Rpc(status))) => Err(WorkflowError::Unavailable(Box::new(status))),
            Ok(Err(error)) => Err(WorkflowError::Defect(error.into())),
            Err(_) => Err(WorkflowError::Silent),
        }
    }

    /// How a workflow has ended, if it has; nothing if there is none.
    pub async fn outcome<W: HasWorkflowDefinition>(
        &self,
        workflow_id: &str,
    ) -> Result<Option<Outcome<W::Output>>, WorkflowError> {
        let handle = self.client()?.get_workflow_handle::<W>(workflow_id);
        let looking = async {
            match handle.describe(WorkflowDescribeOptions::default()).await {
                Err(WorkflowInteractionError::NotFound(_)) => return Ok(None),
                Err(WorkflowInteractionError::Rpc(status)) => return Err(WorkflowError::Unavailable(Box::new(status))),
                Err(error) => return Err(WorkflowError::Defect(error.into())),
                Ok(description) => match description.status() {
                    WorkflowExecutionStatus::Running | WorkflowExecutionStatus::ContinuedAsNew => {
                        return Ok(Some(Outcome::Running));
                    }
                    WorkflowExecutionStatus::Completed => {}
                    _ => return Ok(Some(Outcome::Ended)),
                },
            }
            let result = handle.get_result(WorkflowGetResultOptions::default()).await;
            result.map(|output| Some(Outcome::Completed(output))).map_err(|error| WorkflowError::Defect(error.into()))
        };
        tokio::time::timeout(LOOKUP_TIMEOUT, looking).await.unwrap_or(Err(WorkflowError::Silent))
    }

    /// Whether Temporal knows a workflow of this id, open or closed.
    pub async fn exists(&self, workflow_id: &str) -> Result<bool, WorkflowError> {
        Ok(self.describe(workflow_id).await?.is_some())
    }

    /// What Temporal knows about a workflow, open or closed; nothing of one that never was, or is gone by now.
    pub async fn describe(&self, workflow_id: &str) -> Result<Option<WorkflowExecutionDescription>, WorkflowError> {
        let handle = self.client()?.get_workflow_handle::<UntypedWorkflow>(workflow_id);
        let describe = handle.describe(WorkflowDescribeOptions::default());
        match tokio::time::timeout(LOOKUP_TIMEOUT, describe).await {
            Ok(Ok(description)) => Ok(Some(description)),
            Ok(Err(WorkflowInteractionError::NotFound(_))) => Ok(None),
            Ok(Err(WorkflowInteractionError::Rpc(status))) => Err(WorkflowError::Unavailable(Box::new(status))),
            Ok(Err(error)) => Err(WorkflowError::Defect(error.into())),
            Err(_) => Err(WorkflowError::Silent),
        }
    }

    /// Sends a workflow a signal that carries nothing. Sent twice under the same id, it arrives once; a workflow that has ended
    /// needs none.
    pub async fn signal<S>(&self, workflow_id: &str, signal: S, signal_id: &str) -> Result<(), WorkflowError>
    where
        S: SignalDefinition<Input = ()>,
        S::Workflow: HasWorkflowDefinition<Run = S::Workflow>,
    {
        let handle = self.client()?.get_workflow_handle::<S::Workflow>(workflow_id);
        let options = WorkflowSignalOptions::builder().request_id(signal_id.to_owned()).build();
        match tokio::time::timeout(LOOKUP_TIMEOUT, handle.signal(signal, (), options)).await {
            Ok(Ok(()) | Err(WorkflowInteractionError::NotFound(_))) => Ok(()),
            Ok(Err(WorkflowInteractionError::Rpc(status))) => Err(WorkflowError::Unavailable(Box::new(status))),
            Ok(Err(error)) => Err(WorkflowError::Defect(error.into())),
            Err(_) => Err(WorkflowError::Silent),
        }
    }

    /// Asks a workflow, open or closed, what it knows, and waits for no longer than that takes.
    pub async fn query<Q>(&self, workflow_id: &str, query: Q) -> Result<Q::Output, WorkflowError>
    where
        Q: QueryDefinition<Input = ()>,
        Q::Workflow: HasWorkflowDefinition<Run = Q::Workflow>,
        Q::Output: Send,
    {
        let handle = self.client()?.get_workflow_handle::<Q::Workflow>(workflow_id);
        match tokio::time::timeout(LOOKUP_TIMEOUT, handle.query(query, (), WorkflowQueryOptions::default())).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(WorkflowQueryError::Rpc(status))) => Err(WorkflowError::Unavailable(Box::new(status))),
            Ok(Err(error)) => Err(WorkflowError::Defect(error.into())),
            Err(_) => Err(WorkflowError::Silent),
        }
    }

    /// How many workflows match, in the list that operators search. It is a moment behind.
    pub async fn count(&self, query: &str) -> Result<usize, WorkflowError> {
        let client = self.client()?;
        let counting = client.count_workflows(query, WorkflowCountOptions::default());
        match tokio::time::timeout(LOOKUP_TIMEOUT, counting).await {
            Ok(Ok(count)) => Ok(count.count()),
            Ok(Err(error)) => Err(WorkflowError::Defect(error.into())),
            Err(_) => Err(WorkflowError::Silent),
        }
    }

    /// What a failure says; that it is sealed, if it is with a key that is not configured here.
    pub fn message(&self, failure: &Failure) -> String {
        self.config.codec.message(failure).unwrap_or_else(|unreadable| unreadable.to_string())
    }

    /// Where operators look at a run of a workflow, if that is configured.
    pub fn web_ui(&self, workflow_id: &str, run_id: &str) -> Option<String> {
        let base = self.config.web_ui.as_deref()?.trim_end_matches('/');
        let namespace = self.client().ok()?.options().namespace.clone();
        Some(format!("{base}/namespaces/{namespace}/workflows/{workflow_id}/{run_id}/history"))
    }

    /// Whether Temporal answers and has the namespace.
    pub async fn ping(&self) -> Result<(), WorkflowError> {
        let mut client = self.client()?;
        let request = DescribeNamespaceRequest { namespace: client.options().namespace.clone(), ..Default::default() };
        WorkflowService::describe_namespace(&mut client, request.into_request())
            .await
            .map_err(|status| WorkflowError::Unavailable(Box::new(status)))?;
        Ok(())
    }
}

fn started_not(error: WorkflowUpdateWithStartError) -> WorkflowError {
    match error {
        // The workflow has ended without ever having been asked this: somebody else ended it.
        WorkflowUpdateWithStartError::Start(WorkflowStartError::AlreadyStarted { .. }) => WorkflowError::Interrupted,
        WorkflowUpdateWithStartError::Start(WorkflowStartError::Rpc(status))
        | WorkflowUpdateWithStartError::Rpc(status) => WorkflowError::Unavailable(Box::new(status)),
        WorkflowUpdateWithStartError::Update(error) => not_answered(error),
        error => WorkflowError::Defect(error.into()),
    }
}

fn not_answered(error: WorkflowUpdateError) -> WorkflowError {
    match error {
        WorkflowUpdateError::Rpc(status) => WorkflowError::Unavailable(Box::new(status)),
        // Updates answer with outcomes only; what fails one is the end of its workflow.
        WorkflowUpdateError::NotFound(_) | WorkflowUpdateError::Failed(_) => WorkflowError::Interrupted,
        error => WorkflowError::Defect(error.into()),
    }
}
