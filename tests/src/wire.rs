//! A proxy between a worker and Temporal that knows what the worker reports, in the hands of a test.
//!
//! Everything that a worker adds to a history is written by a report: the end of a workflow task with all its commands, or the
//! end of an activity. A test says at which report of a workflow it wants to stop the world ([`Wire::stop_at`]): before the
//! server has seen it, or after the server has written it and before the worker knows. From then on nothing that the worker
//! says about this workflow gets through.

mod carry;
mod report;
mod tracks;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::proxy::Moment;
use tracks::Tracks;

/// How long a report that a test waits for may take to come, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(5);

/// A proxy in front of Temporal. It ends when it is dropped.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    tracks: Arc<Tracks>,
    serving: JoinHandle<()>,
}

impl Wire {
    /// Starts a proxy in front of the server at this address.
    pub async fn start(upstream: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tracks = Arc::new(Tracks::default());
        let tracked = Arc::clone(&tracks);
        let serving = tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(carry::connection(stream, upstream, Arc::clone(&tracked)));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, tracks, serving })
    }

    /// What sends a worker through the proxy.
    pub fn environment(&self) -> (String, String) {
        ("TEMPORAL_ADDRESS".to_owned(), self.address.to_string())
    }

    /// Stops everything that is said about a workflow at its n-th report, which is counted from one.
    pub fn stop_at(&self, workflow: &str, nth: usize, moment: Moment) -> Stop {
        let (caught, is_caught) = watch::channel(false);
        self.tracks.stop_at(workflow, nth, moment, caught);
        Stop { workflow: workflow.to_owned(), at: (nth, moment), caught: is_caught }
    }

    /// How many reports about a workflow have come, also those that the server has refused.
    pub fn heard(&self, workflow: &str) -> usize {
        self.tracks.heard(workflow)
    }

    /// The reports about a workflow that the server has taken: what each of them has the server write.
    pub fn reports(&self, workflow: &str) -> Vec<String> {
        self.tracks.reports(workflow)
    }

    /// How many ends of workflow tasks and activities the server has written for a workflow.
    pub fn written(&self, workflow: &str) -> usize {
        self.tracks.written(workflow)
    }

    /// Stops nothing any more. What has been stopped so far never arrives.
    pub fn release(&self) {
        self.tracks.release();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A report at which the world stops.
#[derive(Debug)]
pub struct Stop {
    workflow: String,
    at: (usize, Moment),
    caught: watch::Receiver<bool>,
}

impl Stop {
    /// Waits until the report has come, and the server has written it if that was wanted.
    pub async fn caught(&mut self) -> anyhow::Result<()> {
        match timeout(PATIENCE, self.caught.wait_for(|caught| *caught)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => anyhow::bail!("{} was released before report {:?}", self.workflow, self.at),
            Err(_) => anyhow::bail!("{} did not come to report {:?} within {PATIENCE:?}", self.workflow, self.at),
        }
    }
}
