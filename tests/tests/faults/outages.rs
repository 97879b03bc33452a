//! Servers go away in mid-checkout and come back; no order is lost, and nobody pays twice.

use anyhow::{Context as _, ensure};
use futures::future::{join_all, try_join_all};
use kassa_tests::proxy::{Hold, Moment};
use kassa_tests::{Answer, Exclusive, Shop, eventually, on_exclusive_shop};
use reqwest::StatusCode;

use crate::effects::charge;
use crate::held::{Case, Place, judge_all};
use crate::rig::{Rig, STOCK, on_sale};

/// Buys a piece, lets `outage` happen while the card has been charged and the answer is on its way, and wants the
/// order confirmed.
async fn survives(
    shop: &mut Exclusive,
    outage: impl AsyncFnOnce(&mut Shop) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let rig = Rig::set_up(shop).await?;
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1);
    let (order, request) = (checkout.order_id(), checkout.request());
    let post = || request.try_clone().map(Answer::of).context("the request can be repeated");
    let mut hold = rig.proxies.stripe.hold(charge().and(order.as_str()), Moment::AfterEffect);
    let first = tokio::spawn(post()?);
    hold.caught().await?;

    outage(shop).await?;

    hold.deliver();
    // What the first request is told does not matter: its connection may have gone down with the server. While the
    // server is away the API says so, and the customer asks again.
    let _ = first.await?;
    eventually("the order is confirmed", async || {
        let answer = post()?.await?;
        ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
        Ok(())
    })
    .await?;
    shop.oracle().product(&product, STOCK).order(&order).check().await
}

#[test]
fn an_order_goes_on_after_a_restart_of_temporal() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        survives(shop, async |shop| {
            shop.stack.temporal.stop().await?;
            Ok(shop.stack.temporal.start_again().await?)
        })
        .await
    })
}

#[test]
fn an_order_goes_on_after_a_crash_of_temporal() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        survives(shop, async |shop| {
            shop.stack.temporal.kill().await?;
            Ok(shop.stack.temporal.start_again().await?)
        })
        .await
    })
}

#[test]
fn orders_at_any_step_or_undo_go_on_after_a_crash_of_temporal() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let prepared = Place::all().map(|place| Case::prepare(shop, &rig.proxies, place));
        let (cases, mut holds): (Vec<Case>, Vec<Hold>) = try_join_all(prepared).await?.into_iter().unzip();
        // Whoever asks while the server is away is told so, or hears nothing.
        let first: Vec<_> = cases.iter().map(|case| case.send().map(tokio::spawn)).collect::<anyhow::Result<_>>()?;
        try_join_all(holds.iter_mut().map(Hold::caught)).await?;

        shop.stack.temporal.kill().await?;
        shop.stack.temporal.start_again().await?;

        holds.into_iter().for_each(Hold::deliver);
        for told in join_all(first).await {
            drop(told?);
        }
        let answers = try_join_all(cases.iter().map(Case::decided)).await?;
        // What was reported while the server was away may be done again by another attempt, a mail among it.
        judge_all(shop, cases.iter().zip(&answers), Place::is_at_a_mail).await
    })
}

#[test]
fn an_order_goes_on_after_a_restart_of_postgres() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        survives(shop, async |shop| {
            // In order, because a temporary database does not write through to the disk what it has committed.
            shop.stack.postgres.stop().await?;
            Ok(shop.stack.postgres.start_again().await?)
        })
        .await
    })
}
