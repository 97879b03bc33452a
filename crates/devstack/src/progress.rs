//! How a start tells whoever is watching what it is doing.

use std::time::{Duration, Instant};

/// Receives the steps of a start. Several steps can be under way at once.
pub trait Progress: Send + Sync {
    /// A step that takes a noticeable time begins.
    fn started(&self, step: &str);

    /// A step has ended well.
    fn finished(&self, step: &str, took: Duration);

    /// Whether the output of long-running helpers, such as the compiler, may go straight to the terminal.
    fn shows_output(&self) -> bool {
        false
    }
}

/// Says nothing; for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _step: &str) {}

    fn finished(&self, _step: &str, _took: Duration) {}
}

/// Runs one step and reports its beginning, and its end if it succeeded.
pub async fn step<T, E>(progress: &dyn Progress, name: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let begin = Instant::now();
    progress.started(name);
    let result = work.await?;
    progress.finished(name, begin.elapsed());
    Ok(result)
}
