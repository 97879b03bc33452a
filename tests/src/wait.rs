//! Waiting for a condition with a deadline.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

/// Long enough for a busy machine. The time of a single question is not limited.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// The shortest and the longest pause between two looks at a condition.
const PAUSE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(500));

/// A pause is a tenth of the time waited so far, so hundreds of long waits at the same time do not keep the machine busy with
/// looking.
const PAUSES_PER_WAIT: u32 = 10;

/// Asks until the answer is `Ok`, and fails with the last error if there was none within [`DEADLINE`].
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    eventually_within(DEADLINE, what, ask).await
}

/// Like [`eventually`], with another deadline.
pub async fn eventually_within<T>(
    deadline: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let begin = Instant::now();
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let waited = begin.elapsed();
        if waited >= deadline {
            return Err(error).with_context(|| format!("not within {} s: {what}", deadline.as_secs_f32()));
        }
        sleep(pause_after(waited)).await;
    }
}

/// Returns the pause before the next look.
fn pause_after(waited: Duration) -> Duration {
    (waited / PAUSES_PER_WAIT).clamp(PAUSE.0, PAUSE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_the_wait_between_their_bounds() {
        let pauses = [0, 250, 1_000, 4_000, 5_000, 60_000].map(|waited| pause_after(Duration::from_millis(waited)));
        assert_eq!(pauses.map(|pause| pause.as_millis()), [25, 25, 100, 400, 500, 500]);
    }
}
