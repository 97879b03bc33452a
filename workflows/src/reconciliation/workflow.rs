//! The workflow: one check after the other, page by page.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use std::time::{Duration, UNIX_EPOCH};

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{ContinueAsNewOptions, WorkflowContext, WorkflowContextView, WorkflowResult};

use super::{Progress, ReconciliationInput, Report};
use crate::contracts::reconciliation::{Check, ComparePage, Compared, OpenFindings, Reconciliation};
use crate::options;
use crate::parking::Failure;

/// One reconciliation from its start to its report.
#[workflow]
pub struct Reconcile {
    input: ReconciliationInput,
    progress: Progress,
}

#[workflow_methods]
impl Reconcile {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: ReconciliationInput) -> Self {
        let begin = || Progress { report: Report::default(), done: 0, cursor: None };
        let progress = input.progress.clone().unwrap_or_else(begin);
        Self { input, progress }
    }

    /// Compares everything, and sees to it that something is done about what does not agree.
    #[run(name = "reconciliation")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Report> {
        Self::begin(ctx);
        Self::show(ctx);
        let mut pages = 0;
        while let Some(check) = ctx.state(|s| Check::ALL.get(s.progress.done).copied()) {
            Self::page(ctx, check).await;
            Self::show(ctx);
            pages += 1;
            let enough = ctx.state(|s| pages >= s.input.policy.pages_per_run) || ctx.continue_as_new_suggested();
            if enough && ctx.state(|s| s.progress.done < Check::ALL.len()) {
                let (input, progress) = ctx.state(|s| (s.input.clone(), s.progress.clone()));
                let next = ReconciliationInput { progress: Some(progress), ..input };
                ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
            }
        }
        Ok(ctx.state(|s| s.progress.report.clone()))
    }

    /// How far it is.
    #[query(name = "report")]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.progress.report.clone()
    }
}

impl Reconcile {
    /// Decides what span of time is looked at, once for all pages.
    fn begin(ctx: &WorkflowContext<Self>) {
        if ctx.state(|s| s.input.progress.is_some()) {
            return;
        }
        let now = ctx.workflow_time().and_then(|now| now.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        ctx.state_mut(|s| {
            let policy = &s.input.policy;
            let before = |span: u64| millis(now.saturating_sub(Duration::from_millis(span)));
            let since = s.input.since.unwrap_or_else(|| before(policy.look_back_ms));
            s.progress.report = Report::new(since, before(policy.grace_ms));
        });
    }

    /// Compares one page. A check that cannot come to its end does not keep the others from theirs.
    async fn page(ctx: &WorkflowContext<Self>, check: Check) {
        let (policy, progress) = ctx.state(|s| (s.input.policy.clone(), s.progress.clone()));
        let open_since = progress.report.until.saturating_sub(to_i64(policy.open_limit_ms));
        let page = ComparePage {
            check,
            cursor: progress.cursor,
            since: progress.report.since,
            until: progress.report.until,
            grace_ms: policy.grace_ms,
            open_since,
            refunds_open_since: open_since.saturating_sub(to_i64(policy.steps.refund_patience_ms)),
        };
        let summary = format!("Compare {}", check.as_str());
        let comparing =
            ctx.execute_activity(Reconciliation::compare, page, options::comparison(&policy.steps, &summary));
        match comparing.await.map_err(Failure::from) {
            Ok(Compared { checked, findings, next }) => {
                let findings: Vec<_> =
                    ctx.state(|s| findings.into_iter().filter(|f| !s.progress.report.knows(f)).collect());
                let opened = Self::open(ctx, OpenFindings { findings, policy: policy.steps }).await;
                ctx.state_mut(|s| {
                    s.progress.report.count(check, checked);
                    match opened {
                        Ok(()) => s.go_on(next),
                        Err(failure) => s.give_up(check, failure),
                    }
                });
            }
            Err(failure) => ctx.state_mut(|s| s.give_up(check, failure)),
        }
    }

    async fn open(ctx: &WorkflowContext<Self>, open: OpenFindings) -> Result<(), Failure> {
        if open.findings.is_empty() {
            return Ok(());
        }
        let opening = options::comparison(&open.policy, "Start what mends the findings");
        let findings = open.findings.clone();
        let opened = ctx.execute_activity(Reconciliation::open, open, opening).await.map_err(Failure::from)?;
        ctx.state_mut(|s| {
            for (finding, started) in findings.into_iter().zip(opened.started) {
                s.progress.report.add(finding, started);
            }
        });
        Ok(())
    }

    fn go_on(&mut self, next: Option<String>) {
        if next.is_none() {
            self.progress.done += 1;
        }
        self.progress.cursor = next;
    }

    fn give_up(&mut self, check: Check, failure: Failure) {
        self.progress.report.fail(check, failure.into_message());
        self.go_on(None);
    }

    fn show(ctx: &WorkflowContext<Self>) {
        ctx.set_current_details(ctx.state(|s| s.progress.report.details()));
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn to_i64(span: u64) -> i64 {
    i64::try_from(span).unwrap_or(i64::MAX)
}
