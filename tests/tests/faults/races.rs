//! Two things that happen at the same time, in either order and in none.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use futures::future::{try_join, try_join_all};
use kassa_domain::OrderId;
use kassa_tests::customer::{Checkout, GOOD_CARD};
use kassa_tests::proxy::{Call, Hold, Moment, Proxies};
use kassa_tests::{Answer, Page, Shop, eventually, on_exclusive_shop};
use kassa_workflows::workflow_id;
use reqwest::Method;
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;

use crate::effects::{charge, transaction};
use crate::rig::{DECLINED_CARD, Rig, STOCK, on_sale};

async fn cancel(shop: &Shop, order: &OrderId) -> anyhow::Result<Answer> {
    let request = shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel"));
    Answer::of(request.json(&json!({}))).await
}

/// The shop cancels an order until that is decided.
async fn cancelled(shop: &Shop, order: &OrderId) -> anyhow::Result<Answer> {
    eventually("the cancellation is decided", async || {
        let answer = cancel(shop, order).await?;
        // Before the order is placed there is nothing to cancel.
        ensure!(![202, 404].contains(&answer.status.as_u16()), "{answer:?}");
        Ok(answer)
    })
    .await
}

/// Waits until the checkout has been told that it is cancelled.
async fn knows_of_the_cancellation(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    eventually("the checkout is told that it is cancelled", async || {
        let history = shop.history(order).await?;
        let told = history.iter().map(HistoryEvent::event_type);
        let told = told.filter(|kind| *kind == EventType::WorkflowExecutionCancelRequested).count();
        ensure!(told > 0, "it is not");
        Ok(())
    })
    .await
}

/// Nothing is captured, sold or held of an order that its customer did not get.
async fn assert_gone(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    let status = shop.order(order).await?.body["status"].clone();
    ensure!(status == "CANCELLED", "the order is {status}");
    let kept: i64 = shop.payments(order).iter().map(|payment| payment.amount_captured - payment.amount_refunded).sum();
    ensure!(kept == 0, "{kept} were kept");
    Ok(())
}

async fn cancelled_while_the_charge_is_held(shop: &mut Shop, moment: Moment) -> anyhow::Result<()> {
    let rig = Rig::set_up(shop).await?;
    let shop: &Shop = shop;
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1);
    let order = checkout.order_id();
    let mut charging = rig.proxies.stripe.hold(charge().and(order.as_str()), moment);
    let cancelling = async {
        charging.caught().await?;
        let released = async {
            knows_of_the_cancellation(shop, &order).await?;
            charging.deliver();
            Ok(())
        };
        let (cancelled, ()) = try_join(cancelled(shop, &order), released).await?;
        anyhow::Ok(cancelled)
    };

    let (answer, cancelled) = tokio::try_join!(checkout.send_until_decided(), cancelling)?;

    ensure!(cancelled.status == 200, "{cancelled:#?}");
    shop.oracle().product(&product, STOCK).order(&order).check().await?;
    assert_gone(shop, &order).await?;
    ensure!(answer.order_id().is_none_or(|found| found == order), "{answer:?}");
    Ok(())
}

#[test]
fn an_order_that_is_cancelled_before_its_charge_arrives_keeps_no_money() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| cancelled_while_the_charge_is_held(shop, Moment::BeforeEffect).await)
}

#[test]
fn an_order_that_is_cancelled_after_its_charge_and_before_the_answer_keeps_no_money() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| cancelled_while_the_charge_is_held(shop, Moment::AfterEffect).await)
}

#[test]
fn orders_that_are_cancelled_at_any_moment_keep_no_money() -> anyhow::Result<()> {
    const ORDERS: usize = 24;
    on_exclusive_shop(async |shop| {
        let _rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = shop.create_product(1_250, 100).await?;
        let checkouts: Vec<_> = (0..ORDERS).map(|_| shop.customer().buys(&product, 1)).collect();
        let races = checkouts.iter().map(async |checkout| {
            let order = checkout.order_id();
            let (_, cancelled) = try_join(checkout.send_until_decided(), cancelled(shop, &order)).await?;
            ensure!(cancelled.status == 200, "{cancelled:#?}");
            Ok(order)
        });

        let orders = try_join_all(races).await?;

        shop.oracle().product(&product, 100).orders(&orders).check().await?;
        let mut ends: BTreeMap<bool, usize> = BTreeMap::new();
        for order in &orders {
            assert_gone(shop, order).await?;
            let captured: i64 = shop.payments(order).iter().map(|payment| payment.amount_captured).sum();
            *ends.entry(captured > 0).or_default() += 1;
        }
        println!("charged before they were cancelled: {ends:?}");
        Ok(())
    })
}

/// Pays on the page while the order looks for itself whether it is paid, and lets that look arrive before or after the webhook.
async fn paid_while_it_looks(shop: &mut kassa_tests::Exclusive, moment: Moment) -> anyhow::Result<()> {
    shop.restart_api(&[("KASSA_PAYMENT_POLL_MS", "300")]).await?;
    let rig = Rig::set_up(shop).await?;
    let shop: &Shop = shop;
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1).on_page();
    let order = checkout.order_id();
    let page = Page::of(&checkout.send_until_decided().await?)?;
    let session = page.url.rsplit('/').next().context("a page has a session")?.to_owned();
    let mut looking = rig.proxies.stripe.hold(Call::with(format!("GET /v1/checkout/sessions/{session}")), moment);
    looking.caught().await?;

    let (status, _) = page.pay(GOOD_CARD).await?;
    ensure!(status == 303, "the page answers {status}");
    eventually("the webhook has arrived", async || {
        let history = shop.history(&order).await?;
        let signals = history.iter().filter(|event| event.event_type() == EventType::WorkflowExecutionSignaled).count();
        ensure!(signals > 0, "it has not");
        Ok(())
    })
    .await?;
    looking.deliver();

    shop.closed(&order).await?;
    let status = shop.order(&order).await?.body["status"].clone();
    ensure!(status == "CONFIRMED", "the order is {status}");
    let stored = shop.timeline(&order).await?.body["entries"].to_string();
    ensure!(stored.matches("order.confirmed").count() <= 1, "{stored}");
    shop.oracle().product(&product, STOCK).order(&order).check().await
}

#[test]
fn a_webhook_that_overtakes_a_look_which_finds_the_money_confirms_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| paid_while_it_looks(shop, Moment::BeforeEffect).await)
}

#[test]
fn a_webhook_that_overtakes_a_look_which_finds_nothing_confirms_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| paid_while_it_looks(shop, Moment::AfterEffect).await)
}

#[test]
fn two_workers_that_take_back_the_same_order_take_it_back_once() -> anyhow::Result<()> {
    const ORDERS: usize = 4;
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkouts: Vec<_> =
            (0..ORDERS).map(|_| shop.customer().buys(&product, 1).pays_with(DECLINED_CARD)).collect();
        let orders: Vec<_> = checkouts.iter().map(Checkout::order_id).collect();
        // The first worker is in the middle of the undo, and is taken for dead.
        let mut holds: Vec<_> = orders
            .iter()
            .map(|order| rig.proxies.dynamodb.hold(transaction("RELEASED").and(order.as_str()), Moment::BeforeEffect))
            .collect();
        let others = Proxies::start(&shop.stack).await?;
        let mut second_holds: Vec<_> = orders
            .iter()
            .map(|order| others.dynamodb.hold(transaction("RELEASED").and(order.as_str()), Moment::BeforeEffect))
            .collect();
        let mut second = shop.stack.another_worker("second-worker")?;
        let race = async {
            try_join_all(holds.iter_mut().map(Hold::caught)).await?;
            rig.worker.freeze();
            second.start_with(&others.environment()).await?;
            // Both are at it now.
            try_join_all(second_holds.iter_mut().map(Hold::caught)).await?;
            rig.worker.thaw();
            holds.into_iter().zip(second_holds).for_each(|(one, other)| {
                one.deliver();
                other.deliver();
            });
            anyhow::Ok(())
        };

        let sent = try_join_all(checkouts.iter().map(Checkout::send_until_decided));
        let (answers, ()) = tokio::try_join!(sent, race)?;

        for answer in answers {
            answer.assert_problem(402, "payment_declined");
        }
        for order in &orders {
            let history = shop.history_of(&workflow_id(order)).await?;
            ensure!(!history.is_empty(), "there is no history of {order}");
        }
        shop.oracle().product(&product, STOCK).orders(&orders).check().await
    })
}
