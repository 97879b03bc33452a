//! Waiting for a condition with a deadline.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

/// Long enough for a machine that runs every test at once; each wait here takes well under a second on an idle one.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(25);

/// Asks until the answer is `Ok`, and fails with the last error if there was none within [`DEADLINE`].
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    eventually_within(DEADLINE, what, ask).await
}

/// Like [`eventually`], with another deadline.
pub async fn eventually_within<T>(
    deadline: Duration,
    what: &str,
    ask: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    eventually_every(INTERVAL, deadline, what, ask).await
}

/// Like [`eventually_within`], asking less often, because many others ask as well.
pub async fn eventually_every<T>(
    interval: Duration,
    deadline: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + deadline;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if Instant::now() >= end {
            return Err(error).with_context(|| format!("not within {} s: {what}", deadline.as_secs_f32()));
        }
        sleep(interval).await;
    }
}
