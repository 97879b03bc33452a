//! A worker is killed at every step and every undo, right before and right after the effect; another one goes on.

use anyhow::ensure;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use kassa_devstack::stack::sdk_config;
use kassa_domain::ProductId;
use kassa_store::config::dynamodb_client;
use kassa_store::notifications::{Filter, Status};
use kassa_tests::proxy::{Hold, Moment};
use kassa_tests::{Shop, eventually, on_exclusive_shop};
use kassa_workflows::checkout::{Step, Undo};
use reqwest::StatusCode;

use crate::effects::{Deed, charge};
use crate::held::{Case, Fate, Place, judge_all};
use crate::rig::{PRICE, Rig, STOCK, on_sale};

/// Lets all orders come as far as they are held, kills the worker, and starts it again.
async fn kill_under(shop: &Shop, rig: &mut Rig, cases: &[Case], mut holds: Vec<Hold>) -> anyhow::Result<()> {
    for hold in &mut holds {
        hold.caught().await?;
    }
    // The mail goes out while the event is held, and is not what is to be killed.
    for case in cases.iter().filter(|case| case.place.deed == Deed::Step(Step::Publish)) {
        eventually("the mail of an order whose event is held is recorded as sent", async || {
            let mails = shop.notifications.list(&Filter::Order(case.order.clone()), 1, None).await?;
            ensure!(mails.notifications.iter().any(|mail| mail.status == Status::Sent), "{mails:?}");
            Ok(())
        })
        .await?;
    }
    rig.worker.kill().await?;
    // Whatever was under way dies with the worker.
    holds.into_iter().for_each(Hold::discard);
    rig.start_worker().await
}

async fn kill_at(shop: &mut Shop, places: impl IntoIterator<Item = Place>) -> anyhow::Result<()> {
    let mut rig = Rig::set_up(shop).await?;
    let prepared = places.into_iter().map(|place| Case::prepare(shop, &rig.proxies, place));
    let (cases, holds): (Vec<_>, Vec<_>) = try_join_all(prepared).await?.into_iter().unzip();

    let answers = try_join_all(cases.iter().map(Case::decided));
    let (answers, ()) = tokio::try_join!(answers, kill_under(shop, &mut rig, &cases, holds))?;

    // The only effect that nobody knows again: a mail that was on its way comes twice.
    let sent = (Deed::Step(Step::Notify), Moment::AfterEffect);
    judge_all(shop, cases.iter().zip(&answers), |place| (place.deed, place.moment) == sent).await
}

#[test]
fn a_worker_killed_after_stripe_captured_and_before_that_is_recorded_charges_once() -> anyhow::Result<()> {
    let place = Place { fate: Fate::Sold, deed: Deed::Step(Step::Charge), moment: Moment::AfterEffect };
    on_exclusive_shop(async |shop| kill_at(shop, [place]).await)
}

#[test]
fn a_worker_killed_at_any_step_or_undo_finishes_the_order_once_it_is_back() -> anyhow::Result<()> {
    // Its undo consists of local activities alone, so none of it is recorded before all of it is done, unless it is held for
    // longer than a workflow task may take: these orders do not wait for the others.
    let refused = [Undo::Release, Undo::Cancel].map(Deed::Undo);
    let refused = refused.into_iter().flat_map(|deed| Place::both(Fate::OutOfStock, deed));
    on_exclusive_shop(async |shop| {
        kill_at(shop, Place::all()).await?;
        kill_at(shop, refused).await
    })
}

#[test]
fn a_price_that_changes_while_no_worker_runs_does_not_change_a_charged_order() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1).expects(PRICE);
        let order = checkout.order_id();
        let mut hold = rig.proxies.stripe.hold(charge().and(order.as_str()), Moment::AfterEffect);
        let dies = async {
            hold.caught().await?;
            rig.worker.kill().await?;
            hold.discard();
            raise_price(shop, &product).await?;
            rig.start_worker().await
        };
        let (answer, ()) = tokio::try_join!(checkout.send_until_decided(), dies)?;
        ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}

/// Doubles the price of a product, as somebody who works on the catalogue would.
async fn raise_price(shop: &Shop, product: &ProductId) -> anyhow::Result<()> {
    let config = shop.stack.store_config().dynamodb;
    let client = dynamodb_client(&sdk_config().await, &config);
    let update = client
        .update_item()
        .table_name(config.tables.products())
        .key("id", AttributeValue::S(product.to_string()))
        .update_expression("SET price = price + price")
        .condition_expression("attribute_exists(id)");
    update.send().await?;
    Ok(())
}
