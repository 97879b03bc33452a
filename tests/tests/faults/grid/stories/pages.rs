//! Orders that are to be paid on a page of Stripe's.

use anyhow::{Context as _, bail, ensure};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::proxy::Call;
use kassa_tests::{Answer, Page};
use kassa_workflows::workflow_id;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::effects::sql;
use crate::grid::act::Act;
use crate::grid::case::{Case, Flow, Told};
use crate::rig::on_sale;

/// The call that closes a page.
fn closing(page: &Page) -> anyhow::Result<Call> {
    let session = page.url.rsplit('/').next().context("a page has a session")?;
    Ok(Call::with(format!("POST /v1/checkout/sessions/{session}/expire")))
}

/// A page is opened, and paid on.
pub(in crate::grid) async fn paid_on_page(case: Case<'_>) -> anyhow::Result<Told> {
    let product = on_sale(case.shop).await?;
    let checkout = case.shop.customer().buys(&product, 1).on_page();
    let order = checkout.order_id();
    let (proxy, call) = match case.act {
        // The line ends here: pages are closed at longer addresses.
        Act::OpenPage => (&case.proxies.stripe, Call::with("POST /v1/checkout/sessions\n")),
        Act::AwaitPayment => (&case.proxies.rds_data, sql("WITH awaiting AS")),
        act => bail!("{act} is not done here"),
    };
    let armed = case.arm((proxy, call.and(order.as_str())));

    let answer = checkout.send_until_decided().await?;
    if answer.status == StatusCode::CREATED {
        ensure!(Page::of(&answer)?.pay(GOOD_CARD).await?.0 == 303, "the page is closed");
    }
    case.see_through(Flow::Checkout, &workflow_id(&order), &armed).await?;

    armed.judge(&answer, StatusCode::CREATED)?;
    Ok(case.told(&armed, product, order))
}

/// A page is opened, and nobody pays on it.
pub(in crate::grid) async fn not_paid(case: Case<'_>) -> anyhow::Result<Told> {
    let product = on_sale(case.shop).await?;
    let checkout = case.shop.customer().buys(&product, 1).on_page();
    let order = checkout.order_id();
    let answer = checkout.send_until_decided().await?;
    let page = Page::of(&answer)?;
    let armed = case.arm((&case.proxies.stripe, closing(&page)?));

    case.see_through(Flow::Checkout, &workflow_id(&order), &armed).await?;

    armed.judge(&answer, StatusCode::CREATED)?;
    ensure!(page.pay(GOOD_CARD).await?.0 == 410, "the page is still open");
    Ok(case.told(&armed, product, order))
}

/// A page is opened, and the shop cancels the order.
pub(in crate::grid) async fn page_withdrawn(case: Case<'_>) -> anyhow::Result<Told> {
    let product = on_sale(case.shop).await?;
    let checkout = case.shop.customer().buys(&product, 1).on_page();
    let order = checkout.order_id();
    let page = Page::of(&checkout.send_until_decided().await?)?;
    let armed = case.arm((&case.proxies.stripe, closing(&page)?));

    let cancel = case.shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel")).json(&json!({}));
    let id = workflow_id(&order);
    let (answer, ()) = tokio::try_join!(Answer::of(cancel), case.see_through(Flow::Checkout, &id, &armed))?;

    armed.judge(&answer, StatusCode::OK)?;
    ensure!(page.pay(GOOD_CARD).await?.0 == 410, "the page is still open");
    Ok(case.told(&armed, product, order))
}
