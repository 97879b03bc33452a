//! Operators: they see what waits for them, and decide.

use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use kassa_domain::OrderId;
use kassa_workflows::checkout::Checkout;
use kassa_workflows::parking::{Operator as By, Reasoned};
use reqwest::Method;
use serde::Deserialize;
use temporalio_client::{
    Client, UntypedQuery, WorkflowExecuteUpdateOptions, WorkflowListOptions, WorkflowQueryOptions,
};
use temporalio_common::UntypedWorkflow;
use temporalio_common::data_converters::RawValue;

use crate::{Answer, Shop};

/// What works on an order, or has done so, as its diagnosis tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Diagnosis {
    /// Whether one of the workflows waits for an operator.
    pub needs_operator: bool,
    /// All workflows of the order.
    pub workflows: Vec<Diagnosed>,
}

/// A workflow of an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Diagnosed {
    /// Its identifier.
    pub workflow_id: String,
    /// `RUNNING` as long as it is open.
    pub status: String,
    /// What waits for an operator.
    #[serde(default)]
    pub waiting: Vec<Waits>,
}

/// A step that waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Waits {
    /// The wire name of its activity.
    pub step: String,
    /// The updates that it takes.
    pub updates: Vec<String>,
}

/// What an operator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decides {
    /// To try again.
    Retry,
    /// To take the order back.
    Abort,
}

impl Diagnosis {
    /// Whether nothing of the order is open any more.
    pub fn is_over(&self) -> bool {
        self.workflows.iter().all(|workflow| workflow.status != "RUNNING")
    }
}

impl Shop {
    /// What the API tells an operator about an order.
    pub async fn diagnosis(&self, order: &OrderId) -> anyhow::Result<Diagnosis> {
        let answer = Answer::of(self.as_admin(Method::GET, &format!("/api/orders/{order}/diagnosis"))).await?;
        ensure!(answer.status == 200, "diagnosing {order}: {answer:?}");
        serde_json::from_value(answer.body).context("reading a diagnosis")
    }

    /// Somebody who looks at the web UI.
    pub fn operator(&self) -> Operator {
        Operator { temporal: self.temporal.clone() }
    }
}

/// Somebody who looks at the web UI. Needs nothing of the shop but Temporal.
#[derive(Clone)]
pub struct Operator {
    temporal: Client,
}

impl Operator {
    /// The identifiers of the workflows that a query of the web UI lists.
    pub async fn list(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let workflows = self.temporal.list_workflows(query, WorkflowListOptions::default());
        let ids = workflows.map_ok(|workflow| workflow.id().to_owned()).try_collect();
        ids.await.with_context(|| format!("listing workflows with {query}"))
    }

    /// The current details that the web UI shows of a workflow.
    pub async fn details_of(&self, id: &str) -> anyhow::Result<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Metadata {
            #[serde(default)]
            current_details: String,
        }

        let handle = self.temporal.get_workflow_handle::<UntypedWorkflow>(id);
        let query = UntypedQuery::new("__temporal_workflow_metadata");
        let answer = handle.query(query, RawValue::new(Vec::new()), WorkflowQueryOptions::default()).await;
        let answer = answer.context("asking a workflow for its metadata")?;
        let payload = answer.payloads.first().context("the metadata is empty")?;
        let metadata: Metadata = serde_json::from_slice(&payload.data).context("reading the metadata")?;
        Ok(metadata.current_details)
    }

    /// The wire name of the activity that waits for a decision in a workflow, if one does.
    pub async fn waiting_in(&self, id: &str) -> anyhow::Result<Option<String>> {
        let details = self.details_of(id).await?;
        let step = details.split("**Needs an operator** at `").nth(1).and_then(|rest| rest.split('`').next());
        Ok(step.map(str::to_owned))
    }

    /// Decides about what waits in a workflow of any kind: all of them take the same updates.
    pub async fn decide(&self, workflow: &str, decides: Decides) -> anyhow::Result<()> {
        let handle = self.temporal.get_workflow_handle::<Checkout>(workflow);
        let (operator, options) = ("kim".to_owned(), WorkflowExecuteUpdateOptions::default());
        match decides {
            Decides::Retry => handle.execute_update(Checkout::retry, By { operator, step: None }, options).await?,
            Decides::Abort => {
                let by = Reasoned { operator, reason: "it takes too long".to_owned(), step: None };
                handle.execute_update(Checkout::abort, by, options).await?;
            }
        }
        Ok(())
    }
}
