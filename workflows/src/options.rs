//! How long each step may take and how it is retried.

use std::time::Duration;

use temporalio_workflow::{
    ActivityCloseTimeouts, ActivityOptions, LocalActivityOptions, RetryPolicy, WorkflowCancellationToken,
};

use crate::checkout::Policy;

/// Retries start fast, because most failures are a dropped connection or a lost race, and slow down to one a
/// half minute, so that an outage is not prolonged by those who wait for its end.
fn backoff() -> RetryPolicy {
    RetryPolicy::builder()
        .initial_interval(Duration::from_millis(100))
        .backoff_coefficient(2.0)
        .maximum_interval(Duration::from_secs(30))
        .build()
}

/// A step at one of our own databases. One attempt has the time of a call to Stripe: the clients give up on a call after half
/// of it, and a transaction may be tried twice. Back-offs of more than 2 seconds are durable timers, so that the workflow task is
/// given back meanwhile.
pub(crate) fn database(
    policy: &Policy,
    token: Option<&WorkflowCancellationToken>,
    summary: &str,
) -> LocalActivityOptions {
    LocalActivityOptions::builder()
        .start_to_close_timeout(policy.call_timeout())
        .schedule_to_close_timeout(policy.patience())
        .retry_policy(backoff())
        .timer_backoff_threshold(Duration::from_secs(2))
        .maybe_cancellation_token(token.cloned())
        .summary(summary.to_owned())
        .build()
}

/// The first attempt to charge, inside the workflow task: Stripe usually answers within a second, and an order whose
/// charge succeeds at once needs neither a second workflow task nor an activity task. It has half of the time after
/// which a workflow task times out, and one attempt: whatever goes wrong is repeated as a regular activity under the same idempotency key.
pub(crate) fn first_charge(summary: &str) -> LocalActivityOptions {
    LocalActivityOptions::builder()
        .start_to_close_timeout(Duration::from_secs(5))
        .schedule_to_close_timeout(Duration::from_secs(5))
        .retry_policy(RetryPolicy::builder().maximum_attempts(1).build())
        .summary(summary.to_owned())
        .build()
}

/// A call to Stripe, as a regular activity: it may be slow, and operators see its attempts. One attempt has half as much time
/// again as the call, so that the client gives up first and its own error is what is recorded.
pub(crate) fn stripe(policy: &Policy, token: Option<&WorkflowCancellationToken>, summary: &str) -> ActivityOptions {
    remote(policy.call_timeout() * 3 / 2, policy.patience(), token, summary)
}

/// One quick attempt inside the workflow task at something that is repeated as a regular activity if it fails.
pub(crate) fn once(token: &WorkflowCancellationToken, summary: &str) -> LocalActivityOptions {
    LocalActivityOptions::builder()
        .start_to_close_timeout(Duration::from_secs(3))
        .schedule_to_close_timeout(Duration::from_secs(3))
        .retry_policy(RetryPolicy::builder().maximum_attempts(1).build())
        .cancellation_token(token.clone())
        .summary(summary.to_owned())
        .build()
}

/// Mail and events, which come after the answer. They may wait for the end of a long outage. The clients give up on a call
/// after half the time of an attempt.
pub(crate) fn tail(policy: &Policy, token: &WorkflowCancellationToken, summary: &str) -> ActivityOptions {
    remote(policy.call_timeout(), policy.tail_patience(), Some(token), summary)
}

/// A page of a reconciliation, or looking at one order everywhere. It may read all reservations there are, so an attempt has
/// long; a worker that dies over it is missed much sooner, because an order that is being recovered waits for it.
pub(crate) fn comparison(policy: &Policy, summary: &str) -> ActivityOptions {
    let mut options = remote(Duration::from_mins(5), policy.patience(), None, summary);
    options.heartbeat_timeout = Some(policy.call_timeout());
    options
}

fn remote(
    attempt: Duration,
    patience: Duration,
    token: Option<&WorkflowCancellationToken>,
    summary: &str,
) -> ActivityOptions {
    // An attempt may not be longer than the whole; tests make the whole short.
    let timeouts = ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: patience,
        start_to_close: attempt.min(patience),
    };
    ActivityOptions::with_close_timeouts(timeouts)
        .retry_policy(backoff())
        .maybe_cancellation_token(token.cloned())
        .summary(summary)
        .build()
}
