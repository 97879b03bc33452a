//! Runs the Workers of Kassa; `kassa-worker migrate` brings the database's schema up to date instead. Everything is
//! configured through the environment.

use std::env;

use anyhow::bail;
use kassa_config::{Settings, codec, store, temporal};
use kassa_worker::{Config, migrate, run};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => work().await,
        ["migrate"] => {
            for migration in migrate(&store(&Settings::from_env())?).await? {
                println!("applied {migration}");
            }
            println!("the database is up to date");
            Ok(())
        }
        _ => bail!("unknown arguments: run `kassa-worker` to poll for work, or `kassa-worker migrate`"),
    }
}

async fn work() -> anyhow::Result<()> {
    let settings = Settings::from_env();
    let config = Config::read(&settings)?;
    config.log.install();
    let temporal = temporal("kassa-worker", codec(&settings)?)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    run(&config, temporal, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await
}
