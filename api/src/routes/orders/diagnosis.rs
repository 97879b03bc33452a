//! What an order is at, for those who look after it.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::OrderId;
use kassa_store::Orders;
use kassa_workflows::parking::{Standing, Waiting};
use kassa_workflows::search_attributes::{NEEDS_OPERATOR, ORDER_STATE};
use serde::Serialize;
use temporalio_client::{WorkflowExecutionDescription, WorkflowExecutionStatus};
use temporalio_common::protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::rfc3339;
use crate::auth::Admin;
use crate::diagnosis::{self, Found};
use crate::extract::PathParameter;
use crate::orders::order_not_found;
use crate::problem::Problem;
use crate::wire::OrderStatusBody;
use crate::workflows::Workflows;

/// What an order is at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderDiagnosis, example = json!({
    "order_id": "ord_1f0c", "status": "PENDING", "needs_operator": false,
    "workflows": [{
        "workflow_id": "order-ord_1f0c", "run_id": "0198f0c6-7a54-7f0e-a3c5-0d1d3a3f6b11", "type": "checkout",
        "status": "RUNNING", "order_state": "PENDING", "step": "payments.charge", "waiting": [],
        "activities": [{
            "activity": "payments.charge", "state": "SCHEDULED", "attempt": 4,
            "last_error": "Stripe answered with status 503", "last_failed_at": "2026-11-21T08:15:03Z",
            "next_attempt_at": "2026-11-21T08:15:11Z", "gives_up_at": "2026-11-21T08:25:00Z"
        }],
        "started_at": "2026-11-21T08:15:00Z",
        "web_ui": "https://temporal.example/namespaces/default/workflows/order-ord_1f0c/0198f0c6-7a54-7f0e-a3c5-0d1d3a3f6b11/history"
    }]
}))]
pub(crate) struct DiagnosisBody {
    /// The order.
    order_id: String,
    /// Where it is in the books; left out of one that is not written yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    status: Option<OrderStatusBody>,
    /// Whether one of its workflows waits for an operator.
    needs_operator: bool,
    /// What works on it, or has done so: the checkout first. Temporal forgets what has long been over.
    workflows: Vec<WorkflowBody>,
}

/// A workflow of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiagnosedWorkflow)]
pub(crate) struct WorkflowBody {
    /// Its identifier.
    workflow_id: String,
    /// Its run.
    run_id: String,
    /// What kind of workflow it is.
    #[serde(rename = "type")]
    kind: String,
    /// Where it is.
    status: WorkflowStatusBody,
    /// The search attribute `OrderState`: an order status, `Held`, `NeedsOperator` or `Resumed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    order_state: Option<String>,
    /// What it is at: an activity, or words of its own. Left out when it is over, and while no worker answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    step: Option<String>,
    /// What waits for an operator.
    waiting: Vec<WaitingBody>,
    /// What is tried at the moment, or will be tried again. What it does at our own databases is not among it, unless as
    /// `task`.
    activities: Vec<ActivityBody>,
    /// The task in which it goes on, if one is under way; without a worker, or after a defect, it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    task: Option<TaskBody>,
    /// When it began (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    started_at: Option<String>,
    /// When it was over (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    closed_at: Option<String>,
    /// Where to look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    web_ui: Option<String>,
}

/// Where a workflow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = WorkflowStatus)]
pub(crate) enum WorkflowStatusBody {
    /// At work.
    Running,
    /// Over.
    Completed,
    /// Ended by a defect.
    Failed,
    /// Cancelled.
    Canceled,
    /// Ended from outside.
    Terminated,
    /// Ended by its time limit.
    TimedOut,
    /// Something that this version does not know.
    Unknown,
}

/// A step that waits for an operator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingStep)]
pub(crate) struct WaitingBody {
    /// The step.
    step: String,
    /// Why it could not be done.
    error: String,
    /// The updates that it takes.
    updates: Vec<String>,
}

/// Something that is tried.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingActivity)]
pub(crate) struct ActivityBody {
    /// What it is.
    activity: String,
    /// Whether it runs.
    state: ActivityStateBody,
    /// Which attempt this is, or the next one will be, counted from 1.
    attempt: i32,
    /// What went wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    last_error: Option<String>,
    /// When that was (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    last_failed_at: Option<String>,
    /// When it is tried again (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    next_attempt_at: Option<String>,
    /// When it is not tried any more (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    gives_up_at: Option<String>,
}

/// Whether an activity runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PendingActivityState)]
pub(crate) enum ActivityStateBody {
    /// It waits for its time or a worker.
    Scheduled,
    /// A worker is at it.
    Started,
    /// It is to be given up.
    CancelRequested,
    /// Somebody has paused it.
    Paused,
}

/// The task in which a workflow goes on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkflowTask)]
pub(crate) struct TaskBody {
    /// Which attempt this is, counted from 1. More than one means that a worker died at it, or that it meets a defect.
    attempt: i32,
    /// Since when there is one (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    since: Option<String>,
}

/// Says what an order is at, and what keeps it.
///
/// Every workflow of the order: which step it is at, what is tried for which time, what went wrong the last time and when it
/// is tried again, and what waits for an operator, with the updates that lead on.
#[utoipa::path(
    get, path = "/api/orders/{id}/diagnosis", tag = "orders", security(("access_token" = ["admin"])),
    params((
        "id" = String, Path, description = "The order.", pattern = "^ord_[a-z0-9_-]{1,64}$", example = "ord_1f0c"
    )),
    responses((status = OK, description = "What works on it, and what keeps that.", body = DiagnosisBody)),
)]
pub(crate) async fn get_order_diagnosis(
    _: Admin,
    State(orders): State<Orders>,
    State(workflows): State<Workflows>,
    PathParameter(id): PathParameter<OrderId>,
) -> Result<JsonBody<DiagnosisBody>, Problem> {
    let order = orders.find(&id).await?;
    let found = diagnosis::of(&workflows, &id, order.as_ref()).await?;
    if order.is_none() && found.is_empty() {
        return Err(order_not_found(&id));
    }
    let bodies = found.into_iter().map(|found| body(&workflows, found)).collect::<Vec<_>>();
    Ok(JsonBody(DiagnosisBody {
        order_id: id.into(),
        status: order.map(|order| order.status.into()),
        needs_operator: bodies.iter().any(WorkflowBody::needs_operator),
        workflows: bodies,
    }))
}

impl WorkflowBody {
    fn needs_operator(&self) -> bool {
        let is_open = self.status == WorkflowStatusBody::Running;
        is_open && (!self.waiting.is_empty() || self.order_state.as_deref() == Some(NEEDS_OPERATOR))
    }
}

fn body(workflows: &Workflows, Found { described, standing }: Found) -> WorkflowBody {
    let raw = described.raw();
    let (stage, waiting) = standing.map(|Standing { stage, waiting }| (stage, waiting)).unzip();
    let activities: Vec<_> = raw.pending_activities.iter().map(|pending| activity(workflows, pending)).collect();
    // A worker that does not answer leaves what Temporal knows by itself.
    let step = stage.or_else(|| activities.first().map(|activity| activity.activity.clone()));
    WorkflowBody {
        workflow_id: described.id().to_owned(),
        run_id: described.run_id().to_owned(),
        kind: described.workflow_type().to_owned(),
        status: status(&described),
        order_state: described.search_attributes().get(&ORDER_STATE),
        step,
        waiting: waiting.unwrap_or_default().into_iter().map(WaitingBody::from).collect(),
        activities,
        task: raw.pending_workflow_task.as_ref().map(|task| TaskBody {
            attempt: task.attempt,
            since: task.original_scheduled_time.as_ref().and_then(|time| moment(time.seconds, time.nanos)),
        }),
        started_at: described.start_time().map(|time| rfc3339(time.into())),
        closed_at: described.close_time().map(|time| rfc3339(time.into())),
        web_ui: workflows.web_ui(described.id(), described.run_id()),
    }
}

fn status(described: &WorkflowExecutionDescription) -> WorkflowStatusBody {
    match described.status() {
        WorkflowExecutionStatus::Running => WorkflowStatusBody::Running,
        WorkflowExecutionStatus::Completed => WorkflowStatusBody::Completed,
        WorkflowExecutionStatus::Failed => WorkflowStatusBody::Failed,
        WorkflowExecutionStatus::Canceled => WorkflowStatusBody::Canceled,
        WorkflowExecutionStatus::Terminated => WorkflowStatusBody::Terminated,
        WorkflowExecutionStatus::TimedOut => WorkflowStatusBody::TimedOut,
        _ => WorkflowStatusBody::Unknown,
    }
}

fn activity(workflows: &Workflows, pending: &PendingActivityInfo) -> ActivityBody {
    let state = match pending.state() {
        _ if pending.paused => ActivityStateBody::Paused,
        PendingActivityState::Started => ActivityStateBody::Started,
        PendingActivityState::CancelRequested => ActivityStateBody::CancelRequested,
        PendingActivityState::Paused | PendingActivityState::PauseRequested => ActivityStateBody::Paused,
        PendingActivityState::Scheduled | PendingActivityState::Unspecified => ActivityStateBody::Scheduled,
    };
    let failed = pending.last_failure.as_ref();
    let failed_at = pending.last_attempt_complete_time.as_ref().filter(|_| failed.is_some());
    // Only what waits for its time has one.
    let next = pending.next_attempt_schedule_time.as_ref().filter(|_| state == ActivityStateBody::Scheduled);
    ActivityBody {
        activity: pending.activity_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
        state,
        attempt: pending.attempt,
        // The message only: what else a failure carries is not meant to be read by people.
        last_error: failed.map(|failure| workflows.message(failure)),
        last_failed_at: failed_at.and_then(|time| moment(time.seconds, time.nanos)),
        next_attempt_at: next.and_then(|time| moment(time.seconds, time.nanos)),
        gives_up_at: pending.expiration_time.as_ref().and_then(|time| moment(time.seconds, time.nanos)),
    }
}

fn moment(seconds: i64, nanos: i32) -> Option<String> {
    let whole = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    Some(rfc3339(whole + Duration::nanoseconds(nanos.into())))
}

impl From<Waiting> for WaitingBody {
    fn from(Waiting { step, error, updates }: Waiting) -> Self {
        Self { step, error, updates }
    }
}
