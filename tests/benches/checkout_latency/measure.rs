//! Taking times.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use kassa_tests::Shop;
use temporalio_client::WorkflowGetResultOptions;
use temporalio_common::UntypedWorkflow;

/// How long each of many requests took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Takes over the times of another measurement.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The time in milliseconds that this many percent of the requests did not exceed (nearest rank).
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5}", self.0.len())?;
        [50, 95, 99].into_iter().try_for_each(|percent| write!(f, " {:>8.1}", self.percentile(percent)))
    }
}

/// A request that was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    /// How long that took.
    pub(crate) time: Duration,
    /// The workflow behind it, which may still be at it.
    pub(crate) workflow: String,
}

/// Sends requests one after the other, each once the workflow of the one before has ended.
pub(crate) async fn one_at_a_time(
    shop: &Shop,
    times: usize,
    request: impl AsyncFn() -> anyhow::Result<Answered>,
) -> anyhow::Result<Latencies> {
    let mut latencies = Vec::new();
    for _ in 0..times {
        let answered = request().await?;
        ended(shop, &answered).await?;
        latencies.push(answered.time);
    }
    Ok(Latencies(latencies))
}

/// Sends requests with this many under way at once. Returns when all their workflows have ended.
pub(crate) async fn in_flight(
    shop: &Shop,
    times: usize,
    at_once: usize,
    request: impl AsyncFn() -> anyhow::Result<Answered>,
) -> anyhow::Result<Latencies> {
    let requests = stream::iter(0..times).map(|_| request());
    let answered: Vec<Answered> = requests.buffer_unordered(at_once).try_collect().await?;
    for answered in &answered {
        ended(shop, answered).await?;
    }
    Ok(Latencies(answered.into_iter().map(|answered| answered.time).collect()))
}

async fn ended(shop: &Shop, answered: &Answered) -> anyhow::Result<()> {
    let workflow = shop.temporal.get_workflow_handle::<UntypedWorkflow>(&answered.workflow);
    workflow.get_result(WorkflowGetResultOptions::default()).await.map_err(|error| anyhow!("{error}"))?;
    Ok(())
}

/// How long something takes.
pub(crate) async fn timed<T>(what: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(T, Duration)> {
    let start = Instant::now();
    let result = what.await?;
    Ok((result, start.elapsed()))
}
