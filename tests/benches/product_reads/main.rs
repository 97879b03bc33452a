//! How many reads of the catalogue the API answers, next to a bare route that returns the same bytes from memory.
//!
//! ```sh
//! cargo bench --bench product_reads            # a thorough run
//! cargo bench --bench product_reads -- --quick # a first impression
//! ```
//!
//! Both are processes of their own with the same profile, on the same machine, asked by the same clients in turns: 100
//! connections that each send the next request when the answer to the one before has come.

mod bare;
mod load;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_devstack::StackOptions;
use kassa_tests::{Answer, Shop};
use lexopt::Arg::Long;
use lexopt::ValueExt as _;
use reqwest::Method;
use serde_json::json;

use bare::Bare;
use load::{Measured, Target, measure};

/// How many products a page of the list has.
const PAGE: usize = 20;

/// How long everything is asked.
#[derive(Debug, Clone, Copy)]
struct Length {
    rounds: usize,
    each: Duration,
}

const THOROUGH: Length = Length { rounds: 5, each: Duration::from_secs(3) };
const QUICK: Length = Length { rounds: 2, each: Duration::from_secs(1) };

fn main() -> anyhow::Result<()> {
    let mut length = THOROUGH;
    let mut arguments = lexopt::Parser::from_env();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => length = QUICK,
            // How this program starts itself as the server to compare with.
            Long("bare") => return runtime.block_on(bare::serve(arguments.value()?.string()?.into())),
            // Cargo says so to every benchmark.
            Long("bench") => {}
            other => return Err(other.unexpected().into()),
        }
    }
    runtime.block_on(run(length))
}

async fn run(length: Length) -> anyhow::Result<()> {
    let shop = Shop::start(StackOptions { temporal_in_memory: true, ..StackOptions::temporary() }).await?;
    fill(&shop).await?;
    let product = shop.get("/api/products/prod_bench-0").await?;
    let tag = product.header("etag").context("an entity tag")?.to_owned();
    let api = shop.stack.api_url().strip_prefix("http://").context("an address")?.to_owned();

    let list = format!("/api/products?limit={PAGE}&category=bench");
    let (product_path, list_path) = ("/api/products/prod_bench-0", list.as_str());
    let bodies = [raw(&shop, product_path).await?, raw(&shop, list_path).await?];
    let bare = Bare::start(&bodies).await?;
    let targets = [
        Target::new(&bare.address, "/0", 200, None),
        Target::new(&api, product_path, 200, None),
        Target::new(&api, product_path, 304, Some(&tag)),
        Target::new(&bare.address, "/1", 200, None),
        Target::new(&api, list_path, 200, None),
    ];

    let mut measured = [(); 5].map(|()| Measured::default());
    // The first round only warms up.
    for round in 0..=length.rounds {
        // In turns, so that whatever else the machine does meets all of them.
        for (target, sum) in targets.iter().zip(&mut measured) {
            let result = measure(target, length.each).await?;
            if round > 0 {
                sum.extend(result);
            }
        }
    }
    report(&measured, &bodies);
    bare.stop().await?;
    shop.stop().await
}

/// The products that are asked for.
async fn fill(shop: &Shop) -> anyhow::Result<()> {
    for n in 0..PAGE {
        let body = json!({
            "id": format!("prod_bench-{n}"), "name": format!("Darjeeling First Flush number {n}, 100 g"),
            "description": "Light, flowery, from the first picking of the year. ".repeat(5), "category": "bench",
            "price": { "amount": 1490, "currency": "EUR" }, "images": ["https://cdn.example.com/darjeeling.jpg"],
            "attributes": { "origin": "Darjeeling", "weight": "100 g" },
        });
        let answer = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&body)).await?;
        ensure!(answer.status == 201, "{answer:?}");
    }
    Ok(())
}

/// A body as it comes over the wire.
async fn raw(shop: &Shop, path: &str) -> anyhow::Result<Vec<u8>> {
    let answer = shop.http.get(shop.url(path)).send().await?.error_for_status()?;
    Ok(answer.bytes().await?.to_vec())
}

fn report([bare_product, product, not_modified, bare_page, page]: &[Measured; 5], bodies: &[Vec<u8>; 2]) {
    println!("\n{:<44}{:>10} {:>9} {:>9}   req/s and p99, to bare", "", "req/s", "p50 ms", "p99 ms");
    let line = |name: &str, measured: &Measured, bare: &Measured| {
        let throughput = measured.throughput() / bare.throughput();
        let tail = measured.percentile(99) / bare.percentile(99);
        println!("{name:<44}{measured}   {throughput:>5.2} {tail:>5.2}");
    };
    line(&format!("bare route, {} bytes", bodies[0].len()), bare_product, bare_product);
    line("GET /api/products/{id}", product, bare_product);
    line("GET /api/products/{id}, If-None-Match: 304", not_modified, bare_product);
    line(&format!("bare route, {} bytes", bodies[1].len()), bare_page, bare_page);
    line(&format!("GET /api/products, {PAGE} of a category"), page, bare_page);
    println!("\ngoal for a single product: at least 0.50 of the bare route's req/s, p99 below 2.00 times its own");
}
