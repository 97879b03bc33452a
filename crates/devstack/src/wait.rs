//! Waiting for a condition with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often a condition is looked at. Short, because most servers here are ready within a second.
const INTERVAL: Duration = Duration::from_millis(20);

/// Asks until there is an answer; `None` when there was none in time.
pub async fn until<T>(within: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(INTERVAL).await;
    }
}
