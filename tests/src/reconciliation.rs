//! Having everything compared, and breaking what is compared.

use anyhow::{Context as _, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use kassa_devstack::stack::{STRIPE_SECRET_KEY, sdk_config};
use kassa_domain::{OrderId, ProductId};
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_store::config::{dynamodb_client, rdsdata_client};
use kassa_workflows::TASK_QUEUE;
use kassa_workflows::contracts::reconciliation::{Check, FindingKind};
use kassa_workflows::reconciliation::{Found, Reconcile, ReconciliationInput, ReconciliationPolicy, Report};
use serde_json::Value;
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions, WorkflowTerminateOptions};
use temporalio_common::UntypedWorkflow;
use uuid::Uuid;

use crate::{Shop, eventually};

/// Judges everything that has happened before this very moment.
pub fn at_once() -> ReconciliationPolicy {
    ReconciliationPolicy { grace_ms: 0, ..ReconciliationPolicy::default() }
}

impl Shop {
    /// Has everything compared, and waits for the report.
    pub async fn reconcile(&self, policy: ReconciliationPolicy) -> anyhow::Result<Report> {
        self.reconcile_as(&format!("reconciliation-{}", Uuid::new_v4()), policy).await
    }

    /// Has everything compared by a workflow of this name, and waits for the report.
    pub async fn reconcile_as(&self, id: &str, policy: ReconciliationPolicy) -> anyhow::Result<Report> {
        let input = ReconciliationInput { since: None, policy, progress: None };
        let options = WorkflowStartOptions::new(TASK_QUEUE, id).build();
        let handle = self.temporal.start_workflow(Reconcile::run, input, options).await?;
        handle.get_result(WorkflowGetResultOptions::default()).await.context("waiting for a report")
    }

    /// Has everything compared until so many payments at Stripe are old enough to be judged: it counts time in seconds.
    pub async fn reconcile_payments(&self, payments: u64) -> anyhow::Result<Report> {
        eventually("all payments are compared", async || {
            let report = self.reconcile(at_once()).await?;
            let checked = report.checks.iter().find(|check| check.check == Check::Payments).map(|check| check.checked);
            ensure!(checked >= Some(payments), "{report:#?}");
            Ok(report)
        })
        .await
    }

    /// Has everything compared until this is found, and returns it.
    pub async fn finds(&self, kind: FindingKind) -> anyhow::Result<Found> {
        eventually(&format!("{} is found", kind.as_str()), async || {
            let report = self.reconcile(at_once()).await?;
            ensure!(report.is_complete(), "{report:#?}");
            let found = report.findings.iter().find(|found| found.finding.kind == kind);
            found.cloned().with_context(|| format!("{report:#?}"))
        })
        .await
    }

    /// Has everything compared until this workflow is named, and returns the finding.
    pub async fn names(&self, workflow_id: &str, policy: &ReconciliationPolicy) -> anyhow::Result<Found> {
        eventually(&format!("{workflow_id} is named"), async || {
            let report = self.reconcile(policy.clone()).await?;
            let found = report.findings.iter().find(|found| found.finding.workflow_id.as_deref() == Some(workflow_id));
            found.cloned().with_context(|| format!("{report:#?}"))
        })
        .await
    }

    /// Ends a workflow as an operator can, without its noticing.
    pub async fn terminate(&self, workflow_id: &str) -> anyhow::Result<()> {
        let handle = self.temporal.get_workflow_handle::<UntypedWorkflow>(workflow_id);
        handle.terminate(WorkflowTerminateOptions::default()).await.context("terminating a workflow")
    }

    /// Adds to a counter of a product, past everything that keeps it right.
    pub async fn miscount(&self, product: &ProductId, counter: &str, pieces: i64) -> anyhow::Result<()> {
        let config = self.stack.store_config().dynamodb;
        let client = dynamodb_client(&sdk_config().await, &config);
        client
            .update_item()
            .table_name(config.tables.products())
            .key("id", AttributeValue::S(product.to_string()))
            .update_expression("ADD #counter :pieces")
            .expression_attribute_names("#counter", counter)
            .expression_attribute_values(":pieces", AttributeValue::N(pieces.to_string()))
            .send()
            .await
            .context("miscounting")?;
        Ok(())
    }

    /// Takes an event out of the log.
    pub async fn forget_event(&self, order: &OrderId, sequence: u32) -> anyhow::Result<()> {
        let config = self.stack.store_config().dynamodb;
        let client = dynamodb_client(&sdk_config().await, &config);
        client
            .delete_item()
            .table_name(config.tables.event_log())
            .key("order_id", AttributeValue::S(order.to_string()))
            .key("sequence", AttributeValue::N(sequence.to_string()))
            .send()
            .await
            .context("forgetting an event")?;
        Ok(())
    }

    /// Executes a statement in the books.
    pub async fn in_the_books(&self, sql: &str) -> anyhow::Result<()> {
        let config = self.stack.store_config().rds_data;
        let client = rdsdata_client(&sdk_config().await, &config);
        let statement = client.execute_statement().resource_arn(config.resource_arn).secret_arn(config.secret_arn);
        statement.database(config.database).sql(sql).send().await.context("executing a statement")?;
        Ok(())
    }

    /// Has Stripe do something by hand, and returns its answer.
    pub async fn at_stripe(&self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Value> {
        let url = format!("{}/v1/{path}", self.stack.stripe.url());
        let answer = self.http.post(url).bearer_auth(STRIPE_SECRET_KEY).form(form).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status.is_success(), "{body:#}");
        Ok(body)
    }

    /// Charges a card at Stripe by hand, and returns the payment intent.
    pub async fn charge_by_hand(&self, amount: i64, order: Option<&OrderId>) -> anyhow::Result<String> {
        let amount = amount.to_string();
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", "eur"),
            ("confirm", "true"),
            ("payment_method", "pm_card_visa"),
            ("payment_method_types[]", "card"),
        ];
        form.extend(order.map(|order| ("metadata[order_id]", order.as_str())));
        if let Some(order) = order {
            // Or its webhook would have it dealt with at once.
            let lost = Fault::new("webhooks.*", Stage::Before, Outcome::Reset).for_order(order.as_str());
            self.stack.stripe.faults().add(lost.times(u32::MAX));
        }
        let intent = self.at_stripe("payment_intents", &form).await?;
        intent["id"].as_str().map(str::to_owned).context("an intent without an id")
    }
}
