//! What is done to orders that are sold.

use anyhow::{Context as _, bail, ensure};
use kassa_domain::OrderStatus;
use kassa_tests::Answer;
use kassa_tests::proxy::Call;
use kassa_workflows::{cancellation, fulfilment, refund};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use crate::effects::sql;
use crate::grid::act::Act;
use crate::grid::case::{Case, Flow, PATIENCE, Told};
use crate::rig::PRICE;

/// Asks until it is decided.
async fn asked(request: RequestBuilder) -> anyhow::Result<Answer> {
    kassa_tests::wait::eventually_within(PATIENCE, "it is decided", async || {
        let answer = Answer::of(request.try_clone().context("the request can be repeated")?).await?;
        ensure!(answer.status != StatusCode::ACCEPTED, "still undecided");
        Ok(answer)
    })
    .await
}

/// A part of the price is given back.
pub(in crate::grid) async fn refunded(case: Case<'_>) -> anyhow::Result<Told> {
    let (product, order) = case.sold().await?;
    let request = case.shop.refund(&order).of(PRICE / 5);
    let id = request.refund_id();
    let (proxy, call) = match case.act {
        Act::ClaimRefund => (&case.proxies.rds_data, sql("AS known_fingerprint")),
        Act::CreateRefund => (&case.proxies.stripe, Call::with("POST /v1/refunds")),
        Act::SettleRefund => (&case.proxies.rds_data, sql("settled_at = changed.updated_at")),
        act => bail!("{act} is not done here"),
    };
    let armed = case.arm((proxy, call.and(id.as_str())));

    let flow = refund::workflow_id(&id);
    let (answer, ()) = tokio::try_join!(asked(request.request()), case.see_through(Flow::Refund, &flow, &armed))?;

    armed.judge(&answer, StatusCode::CREATED)?;
    Ok(case.told(&armed, product, order))
}

/// The shop cancels the order.
pub(in crate::grid) async fn sale_cancelled(case: Case<'_>) -> anyhow::Result<Told> {
    let (product, order) = case.sold().await?;
    let armed = case.arm((&case.proxies.rds_data, sql("AS refund_amount").and(order.as_str())));

    let cancel = case.shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel")).json(&json!({}));
    let flow = cancellation::workflow_id(&order);
    let (answer, ()) = tokio::try_join!(asked(cancel), case.see_through(Flow::Cancellation, &flow, &armed))?;

    armed.judge(&answer, StatusCode::OK)?;
    Ok(case.told(&armed, product, order))
}

/// The shop ships the order.
pub(in crate::grid) async fn shipped(case: Case<'_>) -> anyhow::Result<Told> {
    let (product, order) = case.sold().await?;
    let version = case.shop.orders.find(&order).await?.context("the order is stored")?.version;
    let armed = case.arm((&case.proxies.rds_data, sql("WITH shipped AS").and(order.as_str())));

    let ship = case.shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
    let ship = ship.json(&json!({ "status": "SHIPPED", "carrier": "Post" }));
    let flow = fulfilment::workflow_id(&order, OrderStatus::Shipped, version);
    let (answer, ()) = tokio::try_join!(asked(ship), case.see_through(Flow::Fulfilment, &flow, &armed))?;

    armed.judge(&answer, StatusCode::OK)?;
    Ok(case.told(&armed, product, order))
}
