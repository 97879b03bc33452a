//! The API is killed between the start of an order and its answer.

use anyhow::{Context as _, ensure};
use kassa_tests::proxy::Moment;
use kassa_tests::{Answer, Shop, eventually, on_exclusive_shop};

use crate::effects::charge;
use crate::rig::{Rig, STOCK, on_sale};

async fn killed_while_a_charge_is_held(shop: &mut Shop, moment: Moment) -> anyhow::Result<()> {
    let rig = Rig::set_up(shop).await?;
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1);
    let (order, request) = (checkout.order_id(), checkout.request());
    let post = || request.try_clone().map(Answer::of).context("the request can be repeated");
    let call = charge().and(order.as_str());
    let mut hold = rig.proxies.stripe.hold(call, moment);
    let first = tokio::spawn(post()?);
    hold.caught().await?;

    shop.stack.api.kill().await?;
    let told = first.await?;
    ensure!(told.is_err(), "a dead API has answered: {told:?}");
    shop.stack.api.start().await?;
    hold.deliver();

    let answer = eventually("the order is decided", async || {
        let answer = post()?.await?;
        ensure!(answer.status != 202, "it is not");
        Ok(answer)
    })
    .await?;
    ensure!(answer.assert_confirmed() == order, "another order: {answer:?}");
    let again = post()?.await?;
    ensure!(again.body == answer.body && again.is_replay(), "{again:?} is not {answer:?}");
    shop.oracle().product(&product, STOCK).order(&order).check().await
}

#[test]
fn an_order_whose_api_is_killed_before_the_charge_is_found_again_under_its_key() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| killed_while_a_charge_is_held(shop, Moment::BeforeEffect).await)
}

#[test]
fn an_order_whose_api_is_killed_after_the_charge_is_found_again_under_its_key() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| killed_while_a_charge_is_held(shop, Moment::AfterEffect).await)
}
