//! What strikes all orders at once: processes that die, servers that go away, payments that are paused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use kassa_devstack::stack::Application;
use kassa_store::payment_valve::MAX_RATE;
use kassa_tests::Shop;
use kassa_tests::proxy::{Call, Failure, Kind, Moment, Proxies, Proxy};
use reqwest::Method;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::desk::Desk;

/// How long something is away.
const AWAY: Duration = Duration::from_secs(3);

/// What strikes all orders at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disaster {
    WorkerKilled,
    MailAndEventsAway,
    WorkerReplaced,
    PaymentsPaused,
    ApiKilled,
    StripeAway,
    BothWorkersKilled,
    PostgresRestarted,
    DynamoDbAway,
    TemporalKilled,
}

impl Disaster {
    pub(crate) const ALL: [Self; 10] = [
        Self::WorkerKilled,
        Self::MailAndEventsAway,
        Self::WorkerReplaced,
        Self::PaymentsPaused,
        Self::ApiKilled,
        Self::StripeAway,
        Self::BothWorkersKilled,
        Self::PostgresRestarted,
        Self::DynamoDbAway,
        Self::TemporalKilled,
    ];
}

/// What disasters take hold of.
#[derive(Debug)]
pub(crate) struct Disasters {
    proxies: Arc<Proxies>,
    workers: [Application; 2],
}

impl Disasters {
    /// Has two workers that reach the outside systems through proxies take the place of the shop's.
    pub(crate) async fn set_up(shop: &mut Shop, proxies: Arc<Proxies>) -> anyhow::Result<Self> {
        shop.stack.worker.stop().await?;
        let workers = [shop.stack.another_worker("first-worker")?, shop.stack.another_worker("second-worker")?];
        let mut disasters = Self { proxies, workers };
        disasters.start_workers().await?;
        Ok(disasters)
    }

    async fn start_workers(&mut self) -> anyhow::Result<()> {
        let environment = self.proxies.environment();
        for worker in &mut self.workers {
            worker.start_with(&environment).await?;
        }
        Ok(())
    }

    /// Strikes as planned, each time when so many orders have begun.
    pub(crate) async fn strike(
        &mut self,
        shop: &mut Shop,
        desk: &Desk,
        planned: &[(usize, Disaster)],
        mut begun: watch::Receiver<usize>,
    ) -> anyhow::Result<BTreeMap<Disaster, usize>> {
        let mut struck = BTreeMap::new();
        for (at, disaster) in planned {
            let begun = *begun.wait_for(|begun| begun >= at).await?;
            if begun == usize::MAX {
                break;
            }
            self.happen(shop, desk, *disaster).await?;
            *struck.entry(*disaster).or_default() += 1;
            // Nothing here looks at what was answered long ago.
            for proxy in [&self.proxies.dynamodb, &self.proxies.rds_data, &self.proxies.aws, &self.proxies.stripe] {
                proxy.forget();
            }
        }
        Ok(struck)
    }

    async fn happen(&mut self, shop: &mut Shop, desk: &Desk, disaster: Disaster) -> anyhow::Result<()> {
        match disaster {
            Disaster::WorkerKilled => {
                self.workers[0].kill().await?;
                sleep(AWAY).await;
            }
            Disaster::BothWorkersKilled => {
                for worker in &mut self.workers {
                    worker.kill().await?;
                }
            }
            Disaster::WorkerReplaced => self.workers[1].stop().await?,
            Disaster::ApiKilled => {
                shop.stack.api.kill().await?;
                shop.stack.api.start().await?;
            }
            Disaster::TemporalKilled => {
                shop.stack.temporal.kill().await?;
                shop.stack.temporal.start_again().await?;
            }
            // In order, because a temporary database does not write through to the disk what it has committed.
            Disaster::PostgresRestarted => {
                shop.stack.postgres.stop().await?;
                shop.stack.postgres.start_again().await?;
            }
            Disaster::DynamoDbAway => away(&self.proxies.dynamodb).await,
            Disaster::MailAndEventsAway => away(&self.proxies.aws).await,
            Disaster::StripeAway => away(&self.proxies.stripe).await,
            Disaster::PaymentsPaused => {
                valve(desk, &json!({ "state": "CLOSED", "reason": "Stripe is down" })).await?;
                sleep(AWAY).await;
                valve(desk, &json!({ "state": "OPEN", "rate": MAX_RATE })).await?;
            }
        }
        self.start_workers().await
    }

    /// Stops the workers.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        for worker in &mut self.workers {
            worker.stop().await?;
        }
        Ok(())
    }
}

/// A system cannot be reached for a while.
async fn away(proxy: &Proxy) {
    let failing = proxy.fail(Call::any(), Failure::new(Moment::BeforeEffect, Kind::Reset).times(usize::MAX));
    sleep(AWAY).await;
    failing.lift();
}

async fn valve(desk: &Desk, body: &serde_json::Value) -> anyhow::Result<()> {
    let answer = desk.insist(&desk.of_staff(Method::PUT, "/api/payments/valve").json(body)).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}
