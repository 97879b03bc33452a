//! How long a customer waits for the answer to a checkout, next to what the engine and the stand-ins take alone.
//!
//! ```sh
//! cargo bench --bench checkout_latency            # a thorough run
//! cargo bench --bench checkout_latency -- --quick # a first impression
//! ```
//!
//! The floor is measured in the same run, in turns with the checkouts: an empty workflow on the same server that answers
//! an update-with-start after as many local activities as a checkout has before its answer, once alone and once with one
//! regular activity. The time inside the stand-ins is measured in a second pass, by proxies in front of them, because
//! a proxy would lengthen the first one.

#![expect(unreachable_pub, reason = "the workflow macros want public methods, and nobody links a benchmark")]

mod floor;
mod measure;
mod shop;

use kassa_devstack::StackOptions;
use kassa_tests::Shop;
use lexopt::Arg::Long;

use floor::Floor;
use measure::{Latencies, in_flight, one_at_a_time};

/// How many requests are under way at once in the second part.
const IN_FLIGHT: usize = 50;

/// How many samples each figure rests on.
#[derive(Debug, Clone, Copy)]
struct Samples {
    warm_up: usize,
    one_at_a_time: usize,
    in_flight: usize,
}

const THOROUGH: Samples = Samples { warm_up: 20, one_at_a_time: 150, in_flight: 500 };
const QUICK: Samples = Samples { warm_up: 5, one_at_a_time: 20, in_flight: 100 };

fn main() -> anyhow::Result<()> {
    let samples = samples()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(samples))
}

fn samples() -> anyhow::Result<Samples> {
    let mut samples = THOROUGH;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => samples = QUICK,
            // Cargo says so to every benchmark.
            Long("bench") => {}
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(samples)
}

async fn run(samples: Samples) -> anyhow::Result<()> {
    let options = StackOptions { temporal_in_memory: true, ..StackOptions::temporary() };
    let mut shop = Shop::start(options).await?;
    let floor = Floor::start(&shop)?;
    let product = shop.create_product(1_250, 1_000_000).await?;

    let checkout = async || shop::checkout(&shop, &product).await;
    let local = async || Floor::answer(&shop, floor::LOCAL_ACTIVITIES, 0).await;
    let mixed = async || Floor::answer(&shop, floor::LOCAL_ACTIVITIES, 1).await;

    let mut alone = [(); 3].map(|()| Latencies::default());
    one_at_a_time(&shop, samples.warm_up, &checkout).await?;
    one_at_a_time(&shop, samples.warm_up, &mixed).await?;
    for _ in 0..samples.one_at_a_time {
        // In turns, so that whatever else the machine does meets all of them.
        alone[0].extend(one_at_a_time(&shop, 1, &checkout).await?);
        alone[1].extend(one_at_a_time(&shop, 1, &local).await?);
        alone[2].extend(one_at_a_time(&shop, 1, &mixed).await?);
    }
    let crowded = [
        in_flight(&shop, samples.in_flight, IN_FLIGHT, &checkout).await?,
        in_flight(&shop, samples.in_flight, IN_FLIGHT, &local).await?,
        in_flight(&shop, samples.in_flight, IN_FLIGHT, &mixed).await?,
    ];

    let proxies = shop::behind_proxies(&mut shop).await?;
    let checkout = async || shop::checkout(&shop, &product).await;
    let spent = [
        shop::time_in_stand_ins(&shop, &proxies, samples.warm_up.max(samples.one_at_a_time / 3), 1, &checkout).await?,
        shop::time_in_stand_ins(&shop, &proxies, samples.in_flight, IN_FLIGHT, &checkout).await?,
    ];

    report("one at a time", &alone, &spent[0]);
    report(&format!("{IN_FLIGHT} in flight"), &crowded, &spent[1]);
    floor.stop().await?;
    shop.stop().await
}

fn report(title: &str, [checkout, local, mixed]: &[Latencies; 3], spent: &shop::Spent) {
    let locals = floor::LOCAL_ACTIVITIES;
    println!("\n{title:<56}    n   p50 ms   p95 ms   p99 ms");
    println!("  {:<54}{checkout}", "POST /api/checkout to its answer");
    println!("  {:<54}{local}", format!("floor, {locals} local activities"));
    println!("  {:<54}{mixed}", format!("floor, {locals} local activities and 1 regular one"));
    let milliseconds = spent.all.as_secs_f64() * 1_000.0;
    println!("  {:<54}{:>5} {milliseconds:>8.1}  (mean)", "inside the stand-ins, per checkout", spent.checkouts);
    println!("  {:<60}{:>8.1}  (mean)", "of it by Stripe's own counter", spent.stripe.as_secs_f64() * 1_000.0);
    for (name, floor) in [("local only", local), ("with a regular one", mixed)] {
        let goal = 1.5 * floor.percentile(50) + milliseconds;
        let ratio = checkout.percentile(50) / goal;
        println!("  p50 / (1.5 x floor {name} + stand-ins) = {ratio:.2}   (goal {goal:.1} ms)");
    }
}
