//! Operators: they see what waits for them, and decide.

use anyhow::{Context as _, ensure};
use kassa_domain::OrderId;
use kassa_workflows::checkout::Checkout;
use kassa_workflows::parking::{Operator, Reasoned};
use reqwest::Method;
use serde::Deserialize;
use temporalio_client::WorkflowExecuteUpdateOptions;

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

    /// An operator decides about what waits in a workflow of any kind: all of them take the same updates.
    pub async fn decide(&self, workflow: &str, decides: Decides) -> anyhow::Result<()> {
        let handle = self.temporal.get_workflow_handle::<Checkout>(workflow);
        let (operator, options) = ("kim".to_owned(), WorkflowExecuteUpdateOptions::default());
        match decides {
            Decides::Retry => handle.execute_update(Checkout::retry, Operator { operator }, options).await?,
            Decides::Abort => {
                let by = Reasoned { operator, reason: "it takes too long".to_owned() };
                handle.execute_update(Checkout::abort, by, options).await?;
            }
        }
        Ok(())
    }
}
