//! The worker and the API, as child processes that can be stopped, killed and started again.

use std::time::Duration;

use rustix::process::Signal;

use crate::error::Result;
use crate::http::client;
use crate::ports::Port;
use crate::process::{Launch, Process};

/// How long a start may take. Neither has much to do; a loaded machine makes it longer.
const START: Duration = Duration::from_mins(1);

/// A worker or an API.
#[derive(Debug)]
pub struct Application {
    launch: Launch,
    ready: String,
    /// Keeps the port for this application, also while it does not run, unless the stack does.
    _port: Option<Port>,
    process: Option<Process>,
}

impl Application {
    /// A process that is ready when `ready` answers with a success. It is not started yet.
    pub(super) fn new(launch: Launch, ready: String) -> Self {
        Self { launch, ready, _port: None, process: None }
    }

    /// Keeps a port that is not one of the stack's.
    pub(super) fn keeping(self, port: Port) -> Self {
        Self { _port: Some(port), ..self }
    }

    /// Starts it, unless it runs, and waits until it is ready.
    pub async fn start(&mut self) -> Result<()> {
        self.start_with::<&str>(&[]).await
    }

    /// Like [`Application::start`], with further environment variables, which replace those of the same name.
    pub async fn start_with<T: AsRef<str>>(&mut self, env: &[(T, T)]) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let launch =
            env.iter().fold(self.launch.clone(), |launch, (name, value)| launch.env(name.as_ref(), value.as_ref()));
        let mut process = launch.spawn().await?;
        let client = client();
        process.ready(START, async || client.get(&self.ready).send().await.ok()?.error_for_status().ok()).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops it in order, if it runs.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop().await.map(drop),
            None => Ok(()),
        }
    }

    /// Kills it with SIGKILL, if it runs.
    pub async fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().await.map(drop),
            None => Ok(()),
        }
    }

    /// Lets it stand still with SIGSTOP, as a machine does that is out of memory or being moved.
    pub fn freeze(&mut self) {
        if let Some(process) = &mut self.process {
            process.send(Signal::STOP);
        }
    }

    /// Lets it go on after [`Application::freeze`], as if nothing had happened.
    pub fn thaw(&mut self) {
        if let Some(process) = &mut self.process {
            process.send(Signal::CONT);
        }
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.exit_status().is_none())
    }

    /// What answers once it is ready: the metrics of a worker, the probe of an API.
    pub fn ready_url(&self) -> &str {
        &self.ready
    }

    /// The process, if it has been started.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }
}
