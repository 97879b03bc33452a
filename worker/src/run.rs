//! Runs the Workers until they are told to stop.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions};
use temporalio_common::telemetry::{PrometheusExporterOptions, TelemetryOptions, start_prometheus_metric_exporter};
use temporalio_common::worker::{VersioningBehavior, WorkerDeploymentOptions, WorkerDeploymentVersion};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::{Config, WorkerVersion, connect, options, schedule};

/// The first pause between two attempts to reach Temporal; each is twice as long as the one before.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause between two attempts to reach Temporal.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs as many Workers as configured until `stop` comes, then lets them finish or hand back what they do.
///
/// # Errors
/// When the configuration cannot be used, or a Worker ends without having been told to.
pub async fn run(
    config: &Config,
    (connection, client): (ConnectionOptions, ClientOptions),
    stop: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let runtime = Runtime::from_current_tokio(runtime_options(config)?)?;
    tokio::pin!(stop);

    let connections = tokio::select! {
        connections = reach(&connection, config.worker.workers) => connections,
        () = &mut stop => return Ok(()),
    };

    let (ended, mut ends) = mpsc::channel(config.worker.workers);
    let mut shutdowns: Vec<Box<dyn Fn() + Send>> = Vec::new();
    let mut scheduling = JoinSet::new();
    for (number, connection) in (1..).zip(connections) {
        let client = Client::new(connection, client.clone()).map_err(|error| anyhow!("{error}"))?;
        if scheduling.is_empty() {
            let (queue, config) = (config.worker.task_queue.clone(), config.reconciliation.clone());
            scheduling.spawn(schedule::establish(client.clone(), queue, config));
        }
        let mut options = options(&config.worker.task_queue, connect(config).await?)?;
        if let Some(version) = &config.worker.version {
            options.deployment_options = pinned(version);
        }
        let worker = Worker::new(&runtime, client, options).map_err(|error| anyhow!("{error}"))?;
        shutdowns.push(Box::new(worker.shutdown_handle()));
        spawn(number, worker, ended.clone())?;
    }
    drop(ended);
    let build_id = config.worker.version.as_ref().map(|version| &version.build_id);
    tracing::info!(workers = config.worker.workers, task_queue = config.worker.task_queue, build_id, "polling");

    let mut failure = None;
    tokio::select! {
        () = &mut stop => tracing::info!("told to stop: finishing or handing back what runs"),
        end = ends.recv() => failure = Some(end),
    }
    for shut_down in &shutdowns {
        shut_down();
    }
    while let Some(end) = ends.recv().await {
        end?;
    }
    match failure {
        None => Ok(()),
        Some(Some(Err(error))) => Err(error),
        Some(_) => Err(anyhow!("a Worker ended without having been told to")),
    }
}

/// Takes part in versioning: Temporal sends this worker only workflows that its version began, and new ones while it is the
/// current version.
fn pinned(version: &WorkerVersion) -> WorkerDeploymentOptions {
    let WorkerVersion { deployment, build_id } = version;
    let version = WorkerDeploymentVersion::builder().deployment_name(deployment.as_str()).build_id(build_id.as_str());
    WorkerDeploymentOptions::new(version.build())
        .use_worker_versioning(true)
        .default_versioning_behavior(VersioningBehavior::Pinned)
        .build()
}

/// A Worker cannot move between threads, and all its workflows run on the one it is on.
fn spawn(number: usize, mut worker: Worker, ended: mpsc::Sender<anyhow::Result<()>>) -> anyhow::Result<()> {
    let handle = Handle::current();
    thread::Builder::new()
        .name(format!("worker-{number}"))
        .spawn(move || {
            let end = handle.block_on(worker.run()).map_err(|error| anyhow!("Worker {number} failed: {error}"));
            // Nobody listens any more only when the process is ending anyway.
            drop(ended.blocking_send(end));
        })
        .context("no thread for a Worker")?;
    Ok(())
}

fn runtime_options(config: &Config) -> anyhow::Result<RuntimeOptions> {
    let telemetry = TelemetryOptions::builder();
    let telemetry = match config.worker.metrics {
        None => telemetry.build(),
        Some(address) => {
            let exporter = PrometheusExporterOptions::builder().socket_addr(address).build();
            let server = start_prometheus_metric_exporter(exporter)
                .with_context(|| format!("no metrics can be served on {address} (KASSA_WORKER_METRICS_LISTEN)"))?;
            let meter: Arc<dyn temporalio_common::telemetry::metrics::CoreMeter> = server.meter;
            telemetry.metrics(meter).build()
        }
    };
    RuntimeOptions::builder().telemetry_options(telemetry).build().map_err(|error| anyhow!(error))
}

/// A connection for each Worker: those that share one may not poll the same task queue. Temporal may well start after
/// us; until it is there, every attempt is logged.
async fn reach(options: &ConnectionOptions, workers: usize) -> Vec<Connection> {
    let mut connections = Vec::with_capacity(workers);
    let mut pause = SHORTEST_PAUSE;
    while connections.len() < workers {
        let mut own = options.clone();
        own.identity = format!("{}/{}", options.identity, connections.len() + 1);
        match Connection::connect(own).await {
            Ok(connection) => connections.push(connection),
            Err(error) => {
                tracing::warn!(%error, address = %options.target, "Temporal cannot be reached, trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    connections
}
