//! Runs the Workers of Kassa. Everything is configured through the environment.

use kassa_config::{Settings, temporal};
use kassa_worker::{Config, run};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::read(&Settings::from_env())?;
    config.log.install();
    let temporal = temporal("kassa-worker")?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    run(&config, temporal, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await
}
