//! The workflows of orders, as an operator sees them in the web UI.

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, OrderStatus};
use kassa_store::notifications::Filter;
use kassa_workflows::checkout::Checkout;
use kassa_workflows::{cancellation, fulfilment, late_payment, notification, refund, workflow_id};
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::IntoRequest as _;
use temporalio_client::{
    Client, WorkflowCountOptions, WorkflowDescribeOptions, WorkflowExecutionDescription, WorkflowExecutionStatus,
    WorkflowFetchHistoryOptions, WorkflowHandle, WorkflowHistory,
};
use temporalio_common::UntypedWorkflow;
use temporalio_common::data_converters::{SerializationContextData, WorkflowSerializationContext};
use temporalio_common::payload_visitor::decode_payloads;
use temporalio_common::protos::constants::LOCAL_ACTIVITY_MARKER_NAME;
use temporalio_common::protos::coresdk::external_data::LocalActivityMarkerData;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_common::protos::temporal::api::workflowservice::v1::DeleteWorkflowExecutionRequest;

use crate::{Shop, eventually};

impl Shop {
    /// The workflow of an order.
    pub fn workflow(&self, order: &OrderId) -> WorkflowHandle<Client, Checkout> {
        self.temporal.get_workflow_handle::<Checkout>(workflow_id(order))
    }

    /// What Temporal knows about the workflow of an order, if there is one.
    pub async fn describe(&self, order: &OrderId) -> anyhow::Result<Option<WorkflowExecutionDescription>> {
        self.describe_workflow(&workflow_id(order)).await
    }

    /// What Temporal knows about a workflow, if there is one.
    pub async fn describe_workflow(&self, id: &str) -> anyhow::Result<Option<WorkflowExecutionDescription>> {
        let handle = self.temporal.get_workflow_handle::<UntypedWorkflow>(id);
        match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(description) => Ok(Some(description)),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(None),
            Err(error) => Err(error).context("describing a workflow"),
        }
    }

    /// The events of the workflow of an order.
    pub async fn history(&self, order: &OrderId) -> anyhow::Result<Vec<HistoryEvent>> {
        self.history_of(&workflow_id(order)).await
    }

    /// The events of any workflow, with their payloads opened.
    pub async fn history_of(&self, id: &str) -> anyhow::Result<Vec<HistoryEvent>> {
        let mut history = History { events: self.raw_history_of(id).await? };
        let context = SerializationContextData::Workflow(WorkflowSerializationContext::new());
        decode_payloads(&mut history, &self.codec, &context).await.context("opening a history")?;
        Ok(history.events)
    }

    /// The events of any workflow, as Temporal keeps them.
    pub async fn raw_history_of(&self, id: &str) -> anyhow::Result<Vec<HistoryEvent>> {
        let handle = self.temporal.get_workflow_handle::<UntypedWorkflow>(id);
        let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
        history.into_events().await.context("fetching a history")
    }

    /// The events of a workflow with their payloads opened, in the form that a replay reads.
    pub async fn history_json(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        let history = WorkflowHistory::from(History { events: self.history_of(id).await? });
        history.to_json().await.context("writing a history")
    }

    /// What a failure says, and what it says about its causes.
    ///
    /// # Panics
    ///
    /// When it is encrypted with a key that the shop does not have.
    pub fn words_of(&self, failure: &Failure) -> String {
        let own = self.codec.message(failure).expect("a key of this shop");
        let cause = failure.cause.as_ref().map(|cause| self.words_of(cause)).unwrap_or_default();
        format!("{own} {cause}")
    }

    /// How many workflows match a query, in the list that operators search. It is a moment behind.
    pub async fn count_workflows(&self, query: &str) -> anyhow::Result<usize> {
        let count = self.temporal.count_workflows(query, WorkflowCountOptions::default()).await;
        Ok(count.context("counting workflows")?.count())
    }

    /// Deletes the workflow of an order and its history, as Temporal does by itself when its time is over.
    pub async fn forget(&self, order: &OrderId) -> anyhow::Result<()> {
        let execution = WorkflowExecution { workflow_id: workflow_id(order), ..Default::default() };
        let namespace = self.temporal.options().namespace.clone();
        let request = DeleteWorkflowExecutionRequest { namespace, workflow_execution: Some(execution) };
        let mut client = self.temporal.clone();
        WorkflowService::delete_workflow_execution(&mut client, request.into_request())
            .await
            .context("deleting a workflow")?;
        eventually(&format!("the workflow of {order} is forgotten"), async || {
            ensure!(self.describe(order).await?.is_none(), "it is still there");
            Ok(())
        })
        .await
    }

    /// Waits until the workflow of an order has completed.
    pub async fn closed(&self, order: &OrderId) -> anyhow::Result<WorkflowExecutionDescription> {
        self.completed(&workflow_id(order)).await
    }

    /// Waits until a workflow has completed.
    pub async fn completed(&self, id: &str) -> anyhow::Result<WorkflowExecutionDescription> {
        eventually(&format!("the workflow {id} completes"), async || {
            let description = self.describe_workflow(id).await?.context("there is no workflow")?;
            ensure!(description.status() == WorkflowExecutionStatus::Completed, "it is {:?}", description.status());
            Ok(description)
        })
        .await
    }

    /// Waits until an order's cancellation, refunds, late payments and shipping have completed, as far as there are any, and
    /// nobody is sending any mail about it.
    pub async fn settled(&self, order: &OrderId) -> anyhow::Result<()> {
        let Some(stored) = self.orders.find(order).await? else { return Ok(()) };
        let refunds = stored.refunds.iter().map(|refund| refund::workflow_id(&refund.refund_id));
        // A step is named after the version from which it was taken.
        let steps = [OrderStatus::Shipped, OrderStatus::Delivered].into_iter().filter(|_| stored.shipment.is_some());
        let steps = steps.flat_map(|step| (1..stored.version).map(move |from| (step, from)));
        let steps = steps.map(|(step, from)| fulfilment::workflow_id(order, step, from));
        let late = self.payments(order).into_iter().map(|payment| late_payment::workflow_id(&payment.id));
        for id in refunds.chain([cancellation::workflow_id(order)]).chain(steps).chain(late) {
            if self.describe_workflow(&id).await?.is_some() {
                self.completed(&id).await?;
            }
        }
        let messages = self.notifications.list(&Filter::Order(order.clone()), 100, None).await?.notifications;
        for id in messages.iter().map(|message| notification::workflow_id(&message.message_id)) {
            eventually(&format!("{id} is over"), async || {
                let description = self.describe_workflow(&id).await?;
                let open = description.is_some_and(|found| found.status() == WorkflowExecutionStatus::Running);
                ensure!(!open, "it is open");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// The current details that the web UI shows of a workflow: how far the order is, and what it waits for.
    pub async fn current_details(&self, order: &OrderId) -> anyhow::Result<String> {
        self.operator().details_of(&workflow_id(order)).await
    }

    /// Waits until the order is parked, and returns the current details that tell the operator.
    pub async fn parked(&self, order: &OrderId) -> anyhow::Result<String> {
        self.parked_workflow(&workflow_id(order)).await
    }

    /// Waits until a workflow is parked, and returns the current details that tell the operator.
    pub async fn parked_workflow(&self, id: &str) -> anyhow::Result<String> {
        eventually(&format!("{id} is parked"), async || {
            let details = self.operator().details_of(id).await?;
            ensure!(details.contains("Needs an operator"), "it shows {details}");
            Ok(details)
        })
        .await
    }
}

/// The activities of a history that were done, by their wire names and in the order in which they ended. Failed ones
/// are marked with an exclamation mark.
pub fn activities(history: &[HistoryEvent]) -> Vec<String> {
    let scheduled = |id: i64| {
        let event = history.iter().find(|event| event.event_id == id)?;
        match event.attributes.as_ref()? {
            Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
                Some(scheduled.activity_type.as_ref()?.name.clone())
            }
            _ => None,
        }
    };
    let done = history.iter().filter_map(|event| match event.attributes.as_ref()? {
        Attributes::ActivityTaskCompletedEventAttributes(done) => scheduled(done.scheduled_event_id),
        Attributes::ActivityTaskFailedEventAttributes(failed) => {
            scheduled(failed.scheduled_event_id).map(|name| format!("{name}!"))
        }
        Attributes::ActivityTaskTimedOutEventAttributes(late) => {
            scheduled(late.scheduled_event_id).map(|name| format!("{name}!"))
        }
        Attributes::MarkerRecordedEventAttributes(_) => {
            let (data, failed) = local_activity(event)?;
            Some(format!("{}{}", data.activity_type, if failed { "!" } else { "" }))
        }
        _ => None,
    });
    done.collect()
}

/// What a workflow was told from outside, in the order of its history: the updates that it took, by their names, and `cancel`.
pub fn told(history: &[HistoryEvent]) -> Vec<String> {
    let told = history.iter().filter_map(|event| match event.attributes.as_ref()? {
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted) => {
            Some(accepted.accepted_request.as_ref()?.input.as_ref()?.name.clone())
        }
        Attributes::WorkflowExecutionCancelRequestedEventAttributes(_) => Some("cancel".to_owned()),
        _ => None,
    });
    told.collect()
}

/// When a local activity was asked for in a history, the last time, in nanoseconds since 1970 and by the clock of its worker.
pub fn asked_at(history: &[HistoryEvent], activity: &str) -> Option<i128> {
    let asked = history.iter().rev().filter_map(local_activity).find(|(data, _)| data.activity_type == activity);
    let at = asked?.0.original_schedule_time?;
    Some(i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos))
}

/// What the marker of a local activity says, and whether the activity has failed.
fn local_activity(event: &HistoryEvent) -> Option<(LocalActivityMarkerData, bool)> {
    match event.attributes.as_ref()? {
        Attributes::MarkerRecordedEventAttributes(marker) if marker.marker_name == LOCAL_ACTIVITY_MARKER_NAME => {
            let data = marker.details.get("data")?.payloads.first()?;
            Some((serde_json::from_slice(&data.data).ok()?, marker.failure.is_some()))
        }
        _ => None,
    }
}
