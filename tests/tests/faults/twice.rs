//! Every activity runs twice, and the world is as if it had run once.
//!
//! A worker in this process throws away the first result of every activity and says that it has failed, as a worker does that
//! dies before it could tell. The engine runs the activity again, whole, and both results have to be the same.

mod doubling;
mod flows;
mod late;
mod worker;

use std::collections::BTreeSet;

use anyhow::ensure;
use kassa_tests::valve::QUICK;
use kassa_tests::{Shop, on_own_shop};
use kassa_workflows::contracts::{ACTIVITY_NAMES, valve};

use doubling::Doubling;
use worker::DoubledWorker;

use crate::late::IMPATIENT;

/// The activities that are asked once, and not again if they fail: nothing is changed by them, and what is done without their
/// answer is judged like everything else.
const ASKED_ONCE: [&str; 1] = [valve::LOOK];

/// Another card is waited for, and held orders look soon.
/// Payments are resumed long before a held order looks again: each look is compared with the one after it.
const CARDS: [(&str, &str); 3] = [("KASSA_CARD_ATTEMPTS", "2"), ("KASSA_VALVE_LOOK_MS", "2000"), QUICK[1]];

/// Nobody waits long for anything.
const HASTY: [(&str, &str); 4] = [IMPATIENT[0], IMPATIENT[1], QUICK[0], QUICK[1]];

/// Starts the API again with further settings.
async fn restart_api(shop: &mut Shop, environment: &[(&str, &str)]) -> anyhow::Result<()> {
    shop.stack.api.stop().await?;
    Ok(shop.stack.api.start_with(environment).await?)
}

#[test]
fn every_activity_run_twice_gives_what_once_gives() -> anyhow::Result<()> {
    // Everything is compared in here, and that is quick in a shop in which little has happened.
    on_own_shop(&[], async |shop| {
        shop.stack.worker.stop().await?;
        let doubling = Doubling::default();
        let worker = DoubledWorker::start(shop, &doubling).await?;

        flows::usual(shop).await?;
        restart_api(shop, &CARDS).await?;
        flows::cards(shop).await?;
        restart_api(shop, &HASTY).await?;
        flows::impatient(shop).await?;
        worker.stop().await?;

        let differences = doubling.differences();
        ensure!(differences.is_empty(), "results differ:\n{}", differences.join("\n"));
        let doubled = doubling.doubled();
        println!("how often each activity was run twice: {doubled:#?}");
        let doubled: BTreeSet<_> = doubled.into_keys().collect();
        let expected = ACTIVITY_NAMES.into_iter().filter(|name| !ASKED_ONCE.contains(name));
        let missing: Vec<_> = expected.filter(|name| !doubled.contains(*name)).collect();
        ensure!(missing.is_empty(), "never run twice: {missing:?}");
        for name in ASKED_ONCE {
            ensure!(doubling.was_thrown_away(name), "{name} was never asked");
        }
        Ok(())
    })
}
