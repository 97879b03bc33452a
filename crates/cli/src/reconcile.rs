//! Having everything compared.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use kassa_config::{Settings, codec, reconciliation, temporal};
use kassa_domain::ReconciliationId;
use kassa_workflows::TASK_QUEUE;
use kassa_workflows::contracts::reconciliation::{Finding, Started};
use kassa_workflows::reconciliation::{CheckReport, Found, Reconcile, ReconciliationInput, Report, workflow_id};
use temporalio_client::{Client, Connection, WorkflowGetResultOptions, WorkflowStartOptions};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// Starts a reconciliation, waits for its report and prints it: a line for every finding on standard output, and what was
/// compared on standard error.
pub(crate) async fn reconcile(since: Option<&str>) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env();
    let input = ReconciliationInput {
        since: since.map(point_in_time).transpose()?,
        policy: reconciliation(&settings)?,
        progress: None,
    };
    let task_queue = settings.text("KASSA_TASK_QUEUE")?.unwrap_or_else(|| TASK_QUEUE.to_owned());
    let (connection, client) = temporal("kassa", codec(&settings)?)?;
    let connection = Connection::connect(connection).await.context("Temporal cannot be reached")?;
    let client = Client::new(connection, client).map_err(|error| anyhow!("{error}"))?;

    let id = workflow_id(&ReconciliationId::from_unique(Uuid::now_v7().as_u128()));
    let options =
        WorkflowStartOptions::new(task_queue, id.clone()).static_summary("Reconciliation on demand".to_owned()).build();
    let started = client.start_workflow(Reconcile::run, input, options).await;
    let handle = started.context("the reconciliation cannot be started")?;
    eprintln!("{id} has begun");
    let report = handle.get_result(WorkflowGetResultOptions::default()).await;
    let report = report.with_context(|| format!("{id} has not come to its end"))?;
    print(&report)?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn point_in_time(text: &str) -> anyhow::Result<i64> {
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| anyhow!("--since is not valid: set it to a time such as 2026-01-01T00:00:00Z"))?;
    Ok(i64::try_from(at.unix_timestamp_nanos() / 1_000_000)?)
}

fn print(report: &Report) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    for Found { finding, started } in &report.findings {
        let Finding { kind, detail, .. } = finding;
        let done = match started {
            Started::Recovery { workflow_id } => format!("{workflow_id} mends it"),
            Started::Parked { workflow_id } => format!("{workflow_id} waits for an operator"),
            Started::Known { workflow_id } => format!("{workflow_id} was started before"),
            Started::Named { workflow_id } => format!("see {workflow_id}"),
        };
        writeln!(output, "{}: {}: {detail}; {done}", kind.as_str(), finding.about())?;
    }
    for CheckReport { check, checked, failure } in &report.checks {
        let failure = failure.as_ref().map(|failure| format!(", and then failed: {failure}")).unwrap_or_default();
        eprintln!("{}: {checked} compared{failure}", check.as_str());
    }
    eprintln!("{} findings, {} of them new", report.found, report.new);
    Ok(())
}
