//! Waiting for a time.
//!
//! A timer is never on the cancellation token of its workflow. The SDK (temporalio-workflow 1.1.1) cancels such a timer as soon as
//! it reads that the workflow is cancelled. If the timer has fired in the same workflow task, the SDK then finds no timer to
//! fire and panics, and every further attempt at that task fails in the same way. So each timer has a token of its own.

#![expect(clippy::disallowed_methods, reason = "timers are started here and nowhere else")]

use std::time::Duration;

use temporalio_workflow::{TimerOptions, TimerResult, WorkflowCancellationToken, WorkflowContext, workflows::select};

/// Waits until a pause is over, also if the workflow is cancelled.
pub(crate) async fn pause<W: 'static>(ctx: &WorkflowContext<W>, pause: Duration, summary: &str) {
    let _fired = ctx.timer(timer(pause, &WorkflowCancellationToken::new(), summary)).await;
}

/// Waits until a condition holds or a pause is over. Returns false if the workflow is cancelled first.
pub(crate) async fn wait_within<W: 'static>(
    ctx: &WorkflowContext<W>,
    pause: Duration,
    summary: &str,
    condition: impl FnMut(&W) -> bool,
) -> bool {
    let token = WorkflowCancellationToken::new();
    let goes_on = select! {
        holds = ctx.wait_condition(condition) => holds.is_ok(),
        timer = ctx.timer(timer(pause, &token, summary)) => timer == TimerResult::Fired,
    };
    // By now the whole workflow task has been read: a timer that has fired in it is not cancelled any more.
    token.cancel();
    goes_on
}

fn timer(pause: Duration, token: &WorkflowCancellationToken, summary: &str) -> TimerOptions {
    TimerOptions::builder(pause).cancellation_token(token.clone()).summary(summary.to_owned()).build()
}
