//! Shops that one test at a time has for itself.
//!
//! Starting a shop takes longer than most tests, so a test hands its shop on to the next one. There are never more shops than
//! test threads.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kassa_store::payment_valve::{ChangeValve, MAX_RATE, Position};

use crate::shop::RUNTIME;
use crate::{Shop, touched};

/// The shops that no test uses at the moment.
static FREE: Mutex<Vec<Exclusive>> = Mutex::new(Vec::new());

/// Runs a test on a shop that no other test uses at the same time. The oracle judges what the test leaves. A shop whose test
/// failed is not used again.
pub fn on_exclusive_shop(test: impl AsyncFnOnce(&mut Exclusive) -> anyhow::Result<()>) -> anyhow::Result<()> {
    RUNTIME.block_on(touched::noted(async {
        let mut shop = Exclusive::take().await?;
        test(&mut shop).await?;
        touched::judge(&shop).await?;
        shop.hand_on();
        Ok(())
    }))
}

/// A shop that one test at a time has for itself.
#[derive(Debug)]
pub struct Exclusive {
    shop: Shop,
    /// True if the API was started with other settings than usual.
    api_changed: bool,
}

impl Exclusive {
    /// Returns a shop that no test uses, and starts one if there is none. The API has its usual settings and payments are not
    /// paused, whatever the last test changed.
    async fn take() -> anyhow::Result<Self> {
        let free = free().pop();
        let mut exclusive = match free {
            Some(exclusive) => exclusive,
            None => Self { shop: Shop::own().await?, api_changed: false },
        };
        if mem::take(&mut exclusive.api_changed) {
            exclusive.start_api(&[]).await?;
        }
        if exclusive.valve.get().await?.position == Position::Closed {
            let change =
                ChangeValve { position: Position::Open { rate: MAX_RATE }, operator: "tests".to_owned(), reason: None };
            exclusive.valve.change(&change).await?;
        }
        Ok(exclusive)
    }

    /// Starts the API again with further settings, until the test ends.
    pub async fn restart_api(&mut self, environment: &[(&str, &str)]) -> anyhow::Result<()> {
        self.api_changed = true;
        self.start_api(environment).await
    }

    async fn start_api(&mut self, environment: &[(&str, &str)]) -> anyhow::Result<()> {
        self.stack.api.stop().await?;
        Ok(self.stack.api.start_with(environment).await?)
    }

    /// Hands the shop on to the next test, with all injected faults cleared.
    fn hand_on(self) {
        self.stack.stripe.faults().clear();
        self.stack.rds_data.faults().clear();
        free().push(self);
    }
}

fn free() -> MutexGuard<'static, Vec<Exclusive>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Deref for Exclusive {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

impl DerefMut for Exclusive {
    fn deref_mut(&mut self) -> &mut Shop {
        &mut self.shop
    }
}
