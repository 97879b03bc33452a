//! The Temporal development server with its web UI.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::http::{client, loopback};
use crate::process::{Launch, Process};

/// The namespace that worker and API use.
pub const NAMESPACE: &str = "default";

/// The search attributes by which operators find orders. None of them holds personal data.
pub const SEARCH_ATTRIBUTES: [(&str, &str); 4] =
    [("OrderState", "Keyword"), ("CustomerId", "Keyword"), ("OrderTotal", "Int"), ("FailureReason", "Keyword")];

/// Settings of the server, each with a reason.
const DYNAMIC_CONFIGURATION: [&str; 3] = [
    // At the development server's default rate, every regular activity waits for the queue processor to poll: a
    // checkout takes several times as long.
    "history.transferProcessorMaxPollRPS=5000",
    // With four partitions a task now and then waits seconds in one that nobody polls at that moment.
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
];

/// How long a start may take. It is about a second; a full disk cache after an installation makes it more.
const START: Duration = Duration::from_mins(1);

/// The ports of a server, all on the loopback interface.
#[derive(Clone, Copy, Debug)]
pub struct TemporalPorts {
    /// The gRPC front end.
    pub front_end: u16,
    /// The web UI.
    pub ui: u16,
    /// The HTTP API.
    pub http: u16,
    /// The server's own metrics.
    pub metrics: u16,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The Temporal CLI.
    pub program: PathBuf,
    /// Where workflows are kept; in memory when there is none.
    pub database: Option<PathBuf>,
    /// Where to listen.
    pub ports: TemporalPorts,
    /// Whether to serve the web UI.
    pub ui: bool,
    /// Where the web UI has encrypted payloads opened.
    pub codec_endpoint: Option<String>,
    /// Where the log goes.
    pub log: PathBuf,
}

/// A running server.
#[derive(Debug)]
pub struct Temporal {
    options: Options,
    process: Process,
}

impl Temporal {
    /// Starts a server and waits until the namespace and its search attributes are there.
    pub async fn start(options: Options) -> Result<Self> {
        let process = launch(&options).await?;
        Ok(Self { options, process })
    }

    /// The gRPC address, in the form `TEMPORAL_ADDRESS` wants it.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.options.ports.front_end))
    }

    /// The URL of the web UI.
    pub fn ui_url(&self) -> String {
        loopback(self.options.ports.ui)
    }

    /// The URL of the server's own metrics.
    pub fn metrics_url(&self) -> String {
        format!("{}/metrics", loopback(self.options.ports.metrics))
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Stops it in order.
    pub async fn stop(&mut self) -> Result<()> {
        self.process.stop().await.map(drop)
    }

    /// Kills it, as a crash would.
    pub async fn kill(&mut self) -> Result<()> {
        self.process.kill().await.map(drop)
    }

    /// Starts it again on the same ports and database, after [`Temporal::stop`] or [`Temporal::kill`].
    ///
    /// Without a database file every workflow is gone.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = launch(&self.options).await?;
        Ok(())
    }
}

async fn launch(options: &Options) -> Result<Process> {
    let Options { program, database, ports, ui, codec_endpoint, log } = options;
    let mut launch = Launch::new("The Temporal server", program, log)
        .args(["server", "start-dev", "--ip", "127.0.0.1", "--namespace", NAMESPACE, "--log-level", "warn"])
        .args(["--port", &ports.front_end.to_string()])
        .args(["--http-port", &ports.http.to_string()])
        .args(["--metrics-port", &ports.metrics.to_string()]);
    launch = if *ui {
        launch.args(["--ui-port", &ports.ui.to_string(), "--ui-disable-news-fetch"])
    } else {
        launch.arg("--headless")
    };
    if let Some(endpoint) = codec_endpoint.as_ref().filter(|_| *ui) {
        launch = launch.args(["--ui-codec-endpoint", endpoint]);
    }
    if let Some(database) = database {
        if let Some(folder) = database.parent() {
            std::fs::create_dir_all(folder).map_err(Error::at("Creating the folder", folder))?;
        }
        // The defaults wait for the disk several times for every step of a workflow.
        launch = launch.arg("--db-filename").arg(database).args([
            "--sqlite-pragma",
            "journal_mode=WAL",
            "--sqlite-pragma",
            "synchronous=NORMAL",
        ]);
    }
    for value in DYNAMIC_CONFIGURATION {
        launch = launch.args(["--dynamic-config-value", value]);
    }
    for (name, kind) in SEARCH_ATTRIBUTES {
        launch = launch.args(["--search-attribute", &format!("{name}={kind}")]);
    }
    let mut process = launch.spawn().await?;

    let client = client();
    let url = format!("{}/api/v1/namespaces/{NAMESPACE}/search-attributes", loopback(ports.http));
    let ready = async || {
        let answer = client.get(&url).send().await.ok()?.error_for_status().ok()?;
        let known: SearchAttributes = answer.json().await.ok()?;
        SEARCH_ATTRIBUTES.iter().all(|(name, _)| known.custom_attributes.contains_key(*name)).then_some(())
    };
    process.ready(START, ready).await?;
    Ok(process)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchAttributes {
    #[serde(default)]
    custom_attributes: serde_json::Map<String, serde_json::Value>,
}
