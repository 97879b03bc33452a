//! The actions of customers and staff, at the same time unless one could affect the orders of others.

use anyhow::{Context as _, ensure};
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, try_join_all};
use kassa_domain::{OrderId, ProductId};
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_tests::customer::{Checkout, GOOD_CARD};
use kassa_tests::messages::Addressee;
use kassa_tests::reconciliation;
use kassa_tests::{Answer, Page, Shop, eventually};
use kassa_workflows::contracts::notifications::Notice;
use kassa_workflows::{recovery, workflow_id};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::late;
use crate::rig::{DECLINED_CARD, PRICE, STOCK, on_sale};

/// What is done with an API as it is configured by default.
pub(super) async fn usual(shop: &Shop) -> anyhow::Result<()> {
    at_once([
        ("a cart is sold", cart_sold(shop).boxed_local()),
        ("a card is declined", not_sold(shop, DECLINED_CARD, 1, StatusCode::PAYMENT_REQUIRED).boxed_local()),
        ("the product is out of stock", not_sold(shop, GOOD_CARD, 11, StatusCode::CONFLICT).boxed_local()),
        ("a part is refunded", refunded(shop).boxed_local()),
        ("a sale is cancelled", cancelled(shop).boxed_local()),
        ("an order is delivered", delivered(shop).boxed_local()),
        ("an order is paid on a page", paid_on_page(shop).boxed_local()),
        ("a page is withdrawn", withdrawn(shop).boxed_local()),
        ("a message is sent", written_to(shop).boxed_local()),
    ])
    .await?;
    unconfirmable(shop).await.context("a charged order cannot be confirmed")?;
    recovered(shop).await.context("an order is recovered")
}

/// What is done when orders wait for another card, or for payments to be resumed.
pub(super) async fn cards(shop: &Shop) -> anyhow::Result<()> {
    another_card(shop).await.context("another card pays")?;
    held(shop).await.context("an order is held")
}

/// What is done when nobody waits for long.
pub(super) async fn impatient(shop: &Shop) -> anyhow::Result<()> {
    at_once([
        ("nobody pays on a page", not_paid(shop).boxed_local()),
        ("late money revives an order", late::revived(shop).boxed_local()),
        ("late money goes back", late::given_back(shop).boxed_local()),
    ])
    .await?;
    late::forgone(shop).await.context("a revival is taken back")?;
    held_for_too_long(shop).await.context("an order is held for too long")
}

/// Runs all flows at the same time. They are on the heap, because together they are too large for the stack of a test.
async fn at_once<const COUNT: usize>(
    flows: [(&'static str, LocalBoxFuture<'_, anyhow::Result<()>>); COUNT],
) -> anyhow::Result<()> {
    try_join_all(flows.map(async |(what, flow)| flow.await.context(what))).await.map(drop)
}

pub(super) async fn judged(shop: &Shop, product: &ProductId, orders: &[OrderId]) -> anyhow::Result<()> {
    shop.oracle().product(product, STOCK).orders(orders).check().await
}

fn assert_status(answer: &Answer, expected: StatusCode) -> anyhow::Result<()> {
    ensure!(answer.status == expected, "expected {expected}: {answer:#?}");
    Ok(())
}

async fn sold(shop: &Shop) -> anyhow::Result<(ProductId, OrderId)> {
    let product = on_sale(shop).await?;
    let order = shop.customer().buys(&product, 1).send_until_decided().await?.assert_confirmed();
    shop.closed(&order).await?;
    Ok((product, order))
}

async fn staff(shop: &Shop, method: Method, path: &str, body: Value) -> anyhow::Result<()> {
    let answer = Answer::of(shop.as_admin(method, path).json(&body)).await?;
    assert_status(&answer, StatusCode::OK)
}

async fn cart_sold(shop: &Shop) -> anyhow::Result<()> {
    let product = on_sale(shop).await?;
    let mut cart = shop.guest_cart();
    cart.add(&product, 2).await?;
    let checkout = cart.checkout(&shop.customer());

    checkout.send_until_decided().await?.assert_confirmed();

    shop.closed(&checkout.order_id()).await?;
    ensure!(cart.read().await?.cart_items().is_empty(), "what was bought is still in the cart");
    judged(shop, &product, &[checkout.order_id()]).await
}

async fn not_sold(shop: &Shop, card: &str, pieces: u32, status: StatusCode) -> anyhow::Result<()> {
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, pieces).pays_with(card);
    assert_status(&checkout.send_until_decided().await?, status)?;
    judged(shop, &product, &[checkout.order_id()]).await
}

async fn unconfirmable(shop: &Shop) -> anyhow::Result<()> {
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1);
    let for_good = FaultError::Database { sql_state: "23514".to_owned(), message: "no".to_owned() };
    shop.stack.rds_data.faults().inject(Fault::fail_before("WITH confirmed AS").with_error(for_good));
    assert_status(&checkout.send_until_decided().await?, StatusCode::SERVICE_UNAVAILABLE)?;
    judged(shop, &product, &[checkout.order_id()]).await
}

async fn refunded(shop: &Shop) -> anyhow::Result<()> {
    let (product, order) = sold(shop).await?;
    assert_status(&shop.refund(&order).of(PRICE / 5).send().await?, StatusCode::CREATED)?;
    judged(shop, &product, &[order]).await
}

async fn cancelled(shop: &Shop) -> anyhow::Result<()> {
    let (product, order) = sold(shop).await?;
    staff(shop, Method::POST, &format!("/api/orders/{order}/cancel"), json!({})).await?;
    judged(shop, &product, &[order]).await
}

async fn delivered(shop: &Shop) -> anyhow::Result<()> {
    let (product, order) = sold(shop).await?;
    for status in ["SHIPPED", "DELIVERED"] {
        staff(shop, Method::PUT, &format!("/api/orders/{order}/status"), json!({ "status": status })).await?;
    }
    judged(shop, &product, &[order]).await
}

/// An order whose page is open.
async fn on_page(shop: &Shop) -> anyhow::Result<(ProductId, Checkout<'_>, Page)> {
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1).on_page();
    let page = Page::of(&checkout.send_until_decided().await?)?;
    Ok((product, checkout, page))
}

async fn paid_on_page(shop: &Shop) -> anyhow::Result<()> {
    let (product, checkout, page) = on_page(shop).await?;
    ensure!(page.pay(GOOD_CARD).await?.0 == 303, "the page is closed");
    judged(shop, &product, &[checkout.order_id()]).await
}

async fn withdrawn(shop: &Shop) -> anyhow::Result<()> {
    let (product, checkout, page) = on_page(shop).await?;
    let order = checkout.order_id();
    staff(shop, Method::POST, &format!("/api/orders/{order}/cancel"), json!({})).await?;
    ensure!(page.pay(GOOD_CARD).await?.0 == 410, "the page is open");
    judged(shop, &product, &[order]).await
}

async fn not_paid(shop: &Shop) -> anyhow::Result<()> {
    let (product, checkout, page) = on_page(shop).await?;
    shop.closed(&checkout.order_id()).await?;
    ensure!(page.pay(GOOD_CARD).await?.0 == 410, "the page is open");
    judged(shop, &product, &[checkout.order_id()]).await
}

async fn written_to(shop: &Shop) -> anyhow::Result<()> {
    let to = Addressee::new();
    shop.deliver(Notice::welcome(&to.user, to.email.clone())).await?;
    ensure!(shop.mails_to(to.email.expose()).await?.len() == 1, "not one mail");
    Ok(())
}

/// A workflow is ended from outside, and a comparison finds what it has left behind.
async fn recovered(shop: &Shop) -> anyhow::Result<()> {
    let (product, checkout, _page) = on_page(shop).await?;
    let order = checkout.order_id();
    shop.terminate(&workflow_id(&order)).await?;
    let recovery = recovery::workflow_id(&order);
    eventually("the order is found", async || {
        shop.reconcile(reconciliation::at_once()).await?;
        ensure!(shop.describe_workflow(&recovery).await?.is_some(), "nobody recovers it");
        Ok(())
    })
    .await?;
    shop.completed(&recovery).await?;
    shop.oracle().product(&product, STOCK).order(&order).ended_from_outside().check().await
}

async fn another_card(shop: &Shop) -> anyhow::Result<()> {
    let product = on_sale(shop).await?;
    let customer = shop.customer();
    let declined = customer.buys(&product, 1).pays_with(DECLINED_CARD).send_until_decided().await?;
    assert_status(&declined, StatusCode::PAYMENT_REQUIRED)?;
    assert_status(&Answer::of(customer.pays_again(&declined, GOOD_CARD, "second-card")).await?, StatusCode::OK)?;
    judged(shop, &product, &[declined.order_id().context("the order")?]).await
}

async fn held(shop: &Shop) -> anyhow::Result<()> {
    let product = on_sale(shop).await?;
    shop.pause_payments().await?;
    let checkout = shop.customer().buys(&product, 1);
    assert_status(&checkout.send().await?, StatusCode::ACCEPTED)?;
    shop.resume_payments(10).await?;
    checkout.send_until_decided().await?.assert_confirmed();
    judged(shop, &product, &[checkout.order_id()]).await
}

async fn held_for_too_long(shop: &Shop) -> anyhow::Result<()> {
    let product = on_sale(shop).await?;
    shop.pause_payments().await?;
    let checkout = shop.customer().buys(&product, 1);
    assert_status(&checkout.send().await?, StatusCode::ACCEPTED)?;
    shop.closed(&checkout.order_id()).await?;
    shop.resume_payments(10).await?;
    judged(shop, &product, &[checkout.order_id()]).await
}
