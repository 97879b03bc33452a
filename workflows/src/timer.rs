//! Timers that a cancelled workflow does not wait for.

use std::time::Duration;

use temporalio_workflow::{TimerOptions, TimerResult, WorkflowCancellationToken, WorkflowContext, workflows::select};

/// Waits until a condition holds or a pause is over. Returns false if the workflow is cancelled first.
///
/// The timer has a token of its own. The SDK (temporalio-workflow 1.1.1) cancels a timer on the workflow's token as soon as it
/// reads that the workflow is cancelled. If the timer has fired in the same workflow task, the SDK then finds no timer to
/// fire and panics, and every further attempt at that task fails in the same way.
pub(crate) async fn wait_within<W: 'static>(
    ctx: &WorkflowContext<W>,
    pause: Duration,
    summary: &str,
    condition: impl FnMut(&W) -> bool,
) -> bool {
    let token = WorkflowCancellationToken::new();
    let timer = TimerOptions::builder(pause).cancellation_token(token.clone()).summary(summary.to_owned()).build();
    let goes_on = select! {
        holds = ctx.wait_condition(condition) => holds.is_ok(),
        timer = ctx.timer(timer) => timer == TimerResult::Fired,
    };
    // By now the whole workflow task has been read: a timer that has fired in it is not cancelled any more.
    token.cancel();
    goes_on
}
