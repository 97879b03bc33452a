//! Having everything compared, and reading what came of it.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use kassa_domain::ReconciliationId;
use kassa_workflows::contracts::reconciliation::Finding;
use kassa_workflows::reconciliation::{CheckReport, Found, Reconcile, ReconciliationInput, Report, workflow_id};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Admin;
use crate::extract::{Json, PathParameter};
use crate::problem::{Problem, ProblemCode};
use crate::workflows::{Outcome, Start, Workflows};

/// How long a client waits before it asks for the report, in seconds.
const ASK_AGAIN: u16 = 5;

/// The problems of these operations that do not follow from their shape.
pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("create_reconciliation", &[ProblemCode::TemporarilyUnavailable]),
    ("get_reconciliation", &[ProblemCode::ReconciliationNotFound, ProblemCode::TemporarilyUnavailable]),
];

/// What is compared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"since": "2026-01-01T00:00:00Z"}))]
pub(crate) struct CreateReconciliation {
    /// From when on payments, refunds and orders are compared (RFC 3339); as far back as is configured if it is left out.
    #[serde(default, deserialize_with = "point_in_time")]
    #[schema(value_type = Option<String>, format = "date-time")]
    since: Option<OffsetDateTime>,
}

fn point_in_time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let wrong = |_| serde::de::Error::custom("allowed is a time such as 2026-01-01T00:00:00Z");
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| OffsetDateTime::parse(&text, &Rfc3339).map_err(wrong)).transpose()
}

/// A reconciliation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciliation, example = json!({
    "id": "rec_1f0c", "status": "COMPLETED",
    "report": {
        "since": "2026-01-01T00:00:00Z", "until": "2026-01-02T11:45:00Z", "found": 1, "new": 1,
        "checks": [{"check": "undecided", "checked": 3}],
        "findings": [{
            "kind": "order_undecided", "order_id": "ord_1f0c", "started": "recovery",
            "workflow_id": "recovery-ord_1f0c", "detail": "the order is PENDING, and no workflow will decide it"
        }]
    }
}))]
pub(crate) struct ReconciliationBody {
    /// Its identifier.
    id: String,
    /// Where it is.
    status: ReconciliationStatus,
    /// What came of it, once it is COMPLETED.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    report: Option<ReportBody>,
}

/// Where a reconciliation is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ReconciliationStatus {
    /// It compares.
    Running,
    /// There is a report.
    Completed,
    /// It was ended from outside.
    Failed,
}

/// What came of a reconciliation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationReport)]
pub(crate) struct ReportBody {
    /// From when on it looked (RFC 3339).
    #[schema(format = "date-time")]
    since: String,
    /// What happened after was not judged (RFC 3339).
    #[schema(format = "date-time")]
    until: String,
    /// How much does not agree.
    found: u64,
    /// How much of it nothing was known of before.
    new: u64,
    /// What was compared.
    checks: Vec<CheckBody>,
    /// What does not agree; of very many, the first 500.
    findings: Vec<FindingBody>,
}

/// What was compared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationCheck)]
pub(crate) struct CheckBody {
    /// The name of the check.
    check: &'static str,
    /// How much was compared.
    checked: u64,
    /// Why it did not come to its end, if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    failure: Option<String>,
}

/// Something that does not agree.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationFinding)]
pub(crate) struct FindingBody {
    /// What does not agree; `docs/reconciliation.md` explains each kind.
    kind: &'static str,
    /// The order, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    order_id: Option<String>,
    /// The product, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    product_id: Option<String>,
    /// The payment at Stripe, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    payment_intent: Option<String>,
    /// The refund, here or at Stripe, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    refund: Option<String>,
    /// What differs.
    detail: String,
    /// What was done: `recovery` (a workflow mends it), `parked` (a workflow waits for an operator), `known` (one of these was
    /// started before), `named` (it is about this workflow).
    started: &'static str,
    /// The workflow.
    workflow_id: String,
}

impl From<Report> for ReportBody {
    fn from(report: Report) -> Self {
        Self {
            since: rfc3339(report.since),
            until: rfc3339(report.until),
            found: report.found,
            new: report.new,
            checks: report.checks.into_iter().map(CheckBody::from).collect(),
            findings: report.findings.into_iter().map(FindingBody::from).collect(),
        }
    }
}

impl From<CheckReport> for CheckBody {
    fn from(CheckReport { check, checked, failure }: CheckReport) -> Self {
        Self { check: check.as_str(), checked, failure }
    }
}

impl From<Found> for FindingBody {
    fn from(Found { finding, started }: Found) -> Self {
        let Finding { kind, order_id, product_id, payment_intent, refund, detail, .. } = finding;
        Self {
            kind: kind.as_str(),
            order_id: order_id.map(String::from),
            product_id: product_id.map(String::from),
            payment_intent,
            refund,
            detail,
            started: started.as_str(),
            workflow_id: started.workflow_id().to_owned(),
        }
    }
}

fn rfc3339(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

/// Has everything compared.
///
/// Payments, refunds, orders, stock, events and workflows, as the schedule does, at once. What does not agree is mended, or
/// shown to an operator; asked for twice, it is done once.
#[utoipa::path(
    post, path = "/api/reconciliations", tag = "reconciliations", security(("access_token" = ["admin"])),
    request_body = CreateReconciliation,
    responses((
        status = ACCEPTED, description = "It has begun.", body = ReconciliationBody,
        headers(
            ("Location" = String, description = "Where its report can be read."),
            ("Retry-After" = u16, description = "Seconds to wait before asking for it."),
        ),
    )),
)]
pub(crate) async fn create_reconciliation(
    _: Admin,
    State(workflows): State<Workflows>,
    Json(request): Json<CreateReconciliation>,
) -> Result<(StatusCode, HeaderMap, JsonBody<ReconciliationBody>), Problem> {
    let id = ReconciliationId::from_unique(Uuid::now_v7().as_u128());
    let since = request.since.map(|since| since.unix_timestamp_nanos() / 1_000_000);
    let input = ReconciliationInput {
        since: since.and_then(|since| i64::try_from(since).ok()),
        policy: workflows.config().reconciliation.clone(),
        progress: None,
    };
    let start = Start {
        workflow_id: workflow_id(&id),
        update_id: String::new(),
        summary: "Reconciliation on demand".to_owned(),
        details: None,
        search_attributes: Vec::new(),
    };
    workflows.start(Reconcile::run, input, start).await?;
    let path = HeaderValue::try_from(format!("/api/reconciliations/{id}")).expect("ids are ASCII");
    let headers = HeaderMap::from_iter([(LOCATION, path), (RETRY_AFTER, HeaderValue::from(ASK_AGAIN))]);
    let body = ReconciliationBody { id: id.into(), status: ReconciliationStatus::Running, report: None };
    Ok((StatusCode::ACCEPTED, headers, JsonBody(body)))
}

/// What came of a reconciliation.
///
/// Of one that somebody asked for; what came of those that the schedule starts is in the web UI of Temporal, under
/// `reconciliation-` and the time.
#[utoipa::path(
    get, path = "/api/reconciliations/{id}", tag = "reconciliations", security(("access_token" = ["admin"])),
    params((
        "id" = String, Path, description = "The reconciliation.", pattern = "^rec_[a-z0-9_-]{1,64}$",
        example = "rec_1f0c"
    )),
    responses((status = OK, description = "How far it is, or what came of it.", body = ReconciliationBody)),
)]
pub(crate) async fn get_reconciliation(
    _: Admin,
    State(workflows): State<Workflows>,
    PathParameter(id): PathParameter<ReconciliationId>,
) -> Result<JsonBody<ReconciliationBody>, Problem> {
    let outcome = workflows.outcome::<Reconcile>(&workflow_id(&id)).await?;
    let (status, report) = match outcome {
        None => {
            let detail = format!("There is no reconciliation {id}, or it was long ago.");
            return Err(Problem::new(ProblemCode::ReconciliationNotFound, detail));
        }
        Some(Outcome::Running) => (ReconciliationStatus::Running, None),
        Some(Outcome::Completed(report)) => (ReconciliationStatus::Completed, Some(report.into())),
        Some(Outcome::Ended) => (ReconciliationStatus::Failed, None),
    };
    Ok(JsonBody(ReconciliationBody { id: id.into(), status, report }))
}
