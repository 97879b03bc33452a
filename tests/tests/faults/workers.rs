//! Workers that are stopped in order, and workers that take over from each other.

use std::fs;

use anyhow::ensure;
use futures::future::try_join_all;
use kassa_tests::customer::Checkout;
use kassa_tests::proxy::Moment;
use kassa_tests::{Shop, eventually, on_exclusive_shop, on_own_shop};
use reqwest::StatusCode;

use crate::effects::charge;
use crate::rig::{Rig, STOCK, on_sale};

#[test]
fn a_worker_that_is_told_to_stop_finishes_the_charge_that_runs() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1);
        let order = checkout.order_id();
        let call = charge().and(order.as_str());
        let mut hold = rig.proxies.stripe.hold(call.clone(), Moment::AfterEffect);
        let stopped_in_order = async {
            hold.caught().await?;
            let log = rig.worker.process().map(|process| process.log().to_owned()).unwrap_or_default();
            let told = eventually("the worker is told to stop", async || {
                ensure!(fs::read_to_string(&log)?.contains("told to stop"), "its log does not say so");
                Ok(())
            });
            let (stopped, told) = tokio::join!(rig.worker.stop(), async {
                let told = told.await;
                hold.deliver();
                told
            });
            told?;
            stopped?;
            // What was under way when the order to stop came is not asked for again.
            let asked = rig.proxies.stripe.passed(&call);
            rig.start_worker().await?;
            Ok(asked)
        };
        let (answer, asked) = tokio::try_join!(checkout.send_until_decided(), stopped_in_order)?;
        ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
        ensure!(asked == 1 && rig.proxies.stripe.passed(&call) == 1, "Stripe was asked more than once");
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}

#[test]
fn a_second_worker_takes_over_from_one_that_dies() -> anyhow::Result<()> {
    const ORDERS: usize = 8;
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let mut second = shop.stack.another_worker("second-worker")?;
        let product = on_sale(shop).await?;
        let checkouts: Vec<_> = (0..ORDERS).map(|_| shop.customer().buys(&product, 1)).collect();
        let mut hold = rig.proxies.stripe.hold(charge(), Moment::AfterEffect);
        let dies = async {
            hold.caught().await?;
            // It does not go through the proxy, so what it does is not held.
            second.start().await?;
            rig.worker.kill().await?;
            hold.discard();
            Ok(())
        };
        let answers = try_join_all(checkouts.iter().map(Checkout::send_until_decided));
        let (answers, ()) = tokio::try_join!(answers, dies)?;
        for answer in answers {
            ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
        }
        let orders: Vec<_> = checkouts.iter().map(Checkout::order_id).collect();
        shop.oracle().product(&product, STOCK).orders(&orders).check().await
    })
}

#[test]
fn several_workers_of_one_process_share_the_orders_and_stop_together() -> anyhow::Result<()> {
    const ORDERS: usize = 8;
    on_own_shop(&[("KASSA_WORKERS", "3")], async |shop| {
        let product = on_sale(shop).await?;
        let checkouts: Vec<_> = (0..ORDERS).map(|_| shop.customer().buys(&product, 1)).collect();
        for answer in try_join_all(checkouts.iter().map(Checkout::send_until_decided)).await? {
            ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
        }
        let orders: Vec<_> = checkouts.iter().map(Checkout::order_id).collect();
        shop.oracle().product(&product, STOCK).orders(&orders).check().await?;
        drop(checkouts);

        let metrics = shop.http.get(shop.stack.worker_metrics_url()).send().await?.error_for_status()?.text().await?;
        let started: u64 = metrics
            .lines()
            .filter(|line| line.starts_with("temporal_worker_start{"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum();
        ensure!(started == 3, "{started} Workers were started");
        Ok(())
    })
}
