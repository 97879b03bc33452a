//! Takes the pictures of `docs/operations.md`: a shop with orders that need an operator, looked at in the real web UI by
//! a headless Chromium.
//!
//! ```sh
//! cargo run --example operations_pictures
//! ```
//!
//! It needs Node.js, npm and Chromium, which nothing else in Kassa does, and writes into `docs/pictures`.

use std::path::Path;

use anyhow::{Context as _, ensure};
use kassa_devstack::StackOptions;
use kassa_devstack::stack::PortChoice;
use kassa_domain::{OrderId, ProductId};
use kassa_stand_ins::rds_data::{Fault as SqlFault, FaultError};
use kassa_stand_ins::stripe::{Fault as StripeFault, Outcome, Stage};
use kassa_tests::{Shop, eventually};
use tokio::process::Command;

/// Part of the statement that confirms an order, and of no other.
const CONFIRM: &str = "WITH confirmed AS";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let folder = std::env::temp_dir().join(format!("kassa-pictures-{}", std::process::id()));
    let options = StackOptions { ports: PortChoice::Free, ..StackOptions::persistent(&folder, 0) };
    let shop = Shop::start(options).await?;

    let tea = shop.create_product(1250, 100).await?;
    for quantity in 1..=4 {
        shop.customer().buys(&tea, quantity).send().await?.assert_confirmed();
    }
    shop.customer().buys(&tea, 1).pays_with("pm_card_visa_chargeDeclined").send().await?;
    let retrying = retried_charge(&shop, &tea).await?;
    let parked = parked_refund(&shop, &tea).await?;

    let script = root.join("tests/examples/operations_pictures");
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&script)).await?;
    let mut node = Command::new("node");
    node.arg(script.join("take.mjs")).arg(shop.stack.temporal.ui_url()).arg(root.join("docs/pictures"));
    run(node.arg(format!("order-{parked}")).arg(format!("order-{retrying}"))).await?;

    shop.stop().await?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))
}

/// An order whose charge is tried again and again, because Stripe hangs up.
async fn retried_charge(shop: &Shop, product: &ProductId) -> anyhow::Result<OrderId> {
    let checkout = shop.customer().buys(product, 2);
    let order = checkout.order_id();
    let gone = StripeFault::new("payment_intents.create", Stage::Before, Outcome::Reset);
    shop.stack.stripe.faults().add(gone.for_order(order.as_str()).times(u32::MAX));
    let tried = eventually("the charge is tried for the fourth time", async || {
        let tries = shop.stripe_operations(&order).len();
        ensure!(tries >= 4, "tried {tries} times");
        Ok(())
    });
    checkout.hang_up(tried).await?;
    Ok(order)
}

/// An order that was charged, cannot be confirmed, and whose refund Stripe refuses.
async fn parked_refund(shop: &Shop, product: &ProductId) -> anyhow::Result<OrderId> {
    let checkout = shop.customer().buys(product, 2);
    let order = checkout.order_id();
    let violated =
        FaultError::Database { sql_state: "23514".to_owned(), message: "a constraint is violated".to_owned() };
    shop.stack.rds_data.faults().inject(SqlFault::fail_before(CONFIRM).with_error(violated).times(u32::MAX));
    let refusal = StripeFault::new("refunds.create", Stage::Before, Outcome::status(400));
    shop.stack.stripe.faults().add(refusal.for_order(order.as_str()).times(u32::MAX));
    checkout.send().await?.assert_problem(503, "checkout_failed");
    shop.parked(&order).await?;
    Ok(order)
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().await.with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
