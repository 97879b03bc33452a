//! Long activities that are missed soon when their worker dies.

use std::convert::Infallible;
use std::time::Duration;

use temporalio_sdk::activities::ActivityContext;
use tokio::time::sleep;

/// Several times within the time after which Temporal gives such an activity to another worker.
const EVERY: Duration = Duration::from_secs(5);

/// Does `work`, and tells Temporal meanwhile that somebody is at it.
pub(crate) async fn alive<T>(ctx: &ActivityContext, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        never = beat(ctx) => match never {},
    }
}

async fn beat(ctx: &ActivityContext) -> Infallible {
    loop {
        sleep(EVERY).await;
        if let Err(error) = ctx.record_heartbeat(()).await {
            // Without heartbeats the attempt is given to another worker, which is harmless.
            tracing::warn!(%error, "a heartbeat could not be written");
        }
    }
}
