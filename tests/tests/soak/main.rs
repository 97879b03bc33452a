//! Many orders of all kinds, while everything goes wrong that can: at the end, money, stock, books, mail and events agree,
//! and nothing is open that nobody sees.
//!
//! The plan is drawn from a seed: who buys what and how, what goes wrong with which of their calls, and
//! after how many orders a server dies. The same seed gives the same plan, though not the same interleaving: that is up to
//! the machine. The short run is a test like any other; this is a long one:
//!
//! ```sh
//! KASSA_SOAK_ORDERS=5000 cargo test --test soak -- --nocapture
//! ```
//!
//! `KASSA_SOAK_SEED=4711` plays another plan.

mod buyer;
mod calls;
mod desk;
mod disasters;
mod duty;
#[path = "../faults/effects.rs"]
mod effects;
mod judge;
mod plan;
mod report;
mod shelf;

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use futures::{StreamExt as _, stream};
use kassa_tests::Shop;
use kassa_tests::dice::number_in;
use kassa_tests::proxy::Proxies;
use kassa_tests::valve::QUICK;
use tokio::sync::watch;

use buyer::Buyers;
use calls::CallFaults;
use desk::Desk;
use disasters::Disasters;
use duty::Duty;
use plan::Plan;
use report::Report;
use shelf::Shelf;

/// The seed and the size of the short run, which is in the everyday check: the same plan every time, so that no change is
/// blamed for chance.
const SEED: u64 = 475_572;
const ORDERS: u64 = 500;

/// How many customers are there at the same time.
const AT_ONCE: usize = 48;

/// Nobody is waited for long, and declined cards may be followed by others.
const SETTINGS: [(&str, &str); 6] = [
    ("KASSA_PAYMENT_HOLD_MS", "8000"),
    ("KASSA_PAYMENT_POLL_MS", "1000"),
    ("KASSA_CARD_ATTEMPTS", "3"),
    ("KASSA_STEP_PATIENCE_MS", "30000"),
    QUICK[0],
    QUICK[1],
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_whatever_goes_wrong() -> anyhow::Result<()> {
    let seed = number_in("KASSA_SOAK_SEED")?.unwrap_or(SEED);
    let orders = usize::try_from(number_in("KASSA_SOAK_ORDERS")?.unwrap_or(ORDERS))?;
    println!("KASSA_SOAK_SEED={seed} KASSA_SOAK_ORDERS={orders}");
    let began = Instant::now();
    let plan = Plan::draw(seed, orders);

    let mut shop = Shop::own_with(&SETTINGS).await?;
    let proxies = Arc::new(Proxies::start(&shop.stack).await?);
    let shelf = Shelf::fill(&shop, orders).await?;
    let desk = Desk::open(&shop, seed).await?;
    let faults = CallFaults::new(Arc::clone(&proxies));
    let webhooks = calls::break_webhooks(&shop, &desk, &plan);
    let mut disasters = Disasters::set_up(&mut shop, Arc::clone(&proxies)).await?;

    let duty = Duty::begin(shop.operator());
    let (started, count) = watch::channel(0);
    let buyers = Arc::new(Buyers { desk: desk.clone(), shelf: shelf.clone(), faults: faults.clone() });
    let buying = async {
        let stories = plan.stories.iter().cloned().map(|story| {
            let (buyers, started) = (Arc::clone(&buyers), &started);
            async move {
                started.send_modify(|started| *started += 1);
                // A task of its own, so that customers do not wait for each other's turn.
                tokio::spawn(async move { buyers.serve(&story).await }).await
            }
        });
        let served: Vec<_> = stream::iter(stories).buffer_unordered(AT_ONCE).collect().await;
        // Whatever has not struck by now will not.
        started.send_replace(usize::MAX);
        served
    };
    let striking = disasters.strike(&mut shop, &desk, &plan.disasters, count);
    let (served, struck) = tokio::join!(buying, striking);
    let struck = struck?;
    let served = served.into_iter().collect::<Result<Vec<_>, _>>()?;
    let bought = began.elapsed();

    faults.lift();
    let webhooks = webhooks.lift(&shop);
    let rest = duty.end().await?;
    let verdict = judge::judge(&shop, &shelf, &served).await?;

    let report = Report {
        seed,
        bought,
        took: began.elapsed(),
        plan: &plan,
        calls: faults.tally(),
        webhooks,
        struck,
        rest,
        verdict,
    };
    println!("{report}");
    let failures = report.failures();
    ensure!(failures.is_empty(), "KASSA_SOAK_SEED={seed} KASSA_SOAK_ORDERS={orders}:\n  {}", failures.join("\n  "));
    disasters.end().await?;
    shop.stop().await
}
