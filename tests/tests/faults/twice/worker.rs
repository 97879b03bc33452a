//! A worker in this process that runs everything twice.

use std::thread::{self, JoinHandle};

use anyhow::{Context as _, anyhow};
use kassa_config::Settings;
use kassa_devstack::stack::{TASK_QUEUE, sdk_config};
use kassa_tests::Shop;
use kassa_worker::{Config, connect_with, options};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::doubling::Doubling;

/// The worker, until it is stopped.
pub(super) struct DoubledWorker {
    stop: Box<dyn Fn() + Send>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl DoubledWorker {
    /// Starts a worker as the product registers it, with the only difference that it runs every activity twice.
    pub(super) async fn start(shop: &Shop, doubling: &Doubling) -> anyhow::Result<Self> {
        // Of two values, the later one counts.
        let environment = shop.stack.environment().iter().rev();
        let settings = Settings::from_pairs(environment.map(|(name, value)| (name.as_str(), value.as_str())));
        let activities = connect_with(&sdk_config().await, &Config::read(&settings)?)?;
        let mut options = options(TASK_QUEUE, activities)?;
        options.activity_inbound_interceptor(doubling.clone());

        let runtime = RuntimeOptions::builder().build().map_err(|error| anyhow!(error))?;
        let runtime = Runtime::from_current_tokio(runtime)?;
        let mut worker = Worker::new(&runtime, shop.temporal.clone(), options).map_err(|error| anyhow!("{error}"))?;
        let stop = Box::new(worker.shutdown_handle());
        let handle = Handle::current();
        // A Worker cannot move between threads once it runs.
        let thread = thread::Builder::new().name("doubled-worker".to_owned()).spawn(move || {
            let ended = handle.block_on(worker.run()).map_err(|error| anyhow!("{error}"));
            drop(runtime);
            ended
        })?;
        Ok(Self { stop, thread })
    }

    /// Stops it in order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        (self.stop)();
        let ended = spawn_blocking(|| self.thread.join()).await?;
        ended.map_err(|_| anyhow!("the worker panicked")).flatten().context("the worker ended badly")
    }
}
