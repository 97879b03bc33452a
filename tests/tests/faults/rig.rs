//! A worker that reaches the outside systems through proxies, and can be killed.

use kassa_devstack::stack::Application;
use kassa_domain::ProductId;
use kassa_tests::Shop;
use kassa_tests::proxy::Proxies;

/// What every product costs, in cents.
pub(crate) const PRICE: i64 = 1_250;

/// How many pieces of every product there are at first.
pub(crate) const STOCK: u64 = 10;

/// A card that is declined.
pub(crate) const DECLINED_CARD: &str = "pm_card_chargeDeclined";

/// What a test breaks things with.
#[derive(Debug)]
pub(crate) struct Rig {
    /// Between the worker and the outside systems.
    pub(crate) proxies: Proxies,
    /// The only worker of the shop.
    pub(crate) worker: Application,
    /// What the worker is started with besides.
    further: Vec<(String, String)>,
}

impl Rig {
    /// Replaces the worker of the shop.
    pub(crate) async fn set_up(shop: &mut Shop) -> anyhow::Result<Self> {
        Self::set_up_with(shop, Vec::new()).await
    }

    /// Replaces the worker of the shop by one with further environment variables, which replace those of the same name.
    pub(crate) async fn set_up_with(shop: &mut Shop, further: Vec<(String, String)>) -> anyhow::Result<Self> {
        shop.stack.worker.stop().await?;
        let proxies = Proxies::start(&shop.stack).await?;
        let worker = shop.stack.another_worker("worker-behind-proxies")?;
        let mut rig = Self { proxies, worker, further };
        rig.start_worker().await?;
        Ok(rig)
    }

    /// Starts the worker, unless it runs.
    pub(crate) async fn start_worker(&mut self) -> anyhow::Result<()> {
        Ok(self.worker.start_with(&self.environment()).await?)
    }

    /// What the worker is started with.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.proxies.environment().into_iter().chain(self.further.iter().cloned()).collect()
    }
}

/// A product that nobody else buys.
pub(crate) async fn on_sale(shop: &Shop) -> anyhow::Result<ProductId> {
    shop.create_product(PRICE, STOCK.cast_signed()).await
}
