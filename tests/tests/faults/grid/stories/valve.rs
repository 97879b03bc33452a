//! Orders that are held while payments are paused.

use anyhow::ensure;
use kassa_tests::proxy::Call;
use kassa_workflows::workflow_id;
use reqwest::StatusCode;

use crate::grid::case::{Case, Flow, HeldOrder, Told};
use crate::rig::on_sale;

/// Somebody buys a piece while payments are paused.
pub(in crate::grid) async fn held(case: Case<'_>) -> anyhow::Result<HeldOrder<'_>> {
    let product = on_sale(case.shop).await?;
    let checkout = case.shop.customer().buys(&product, 1);
    let order = checkout.order_id();
    let keeping = Call::with("DynamoDB_20120810.PutItem").and("payment-valve").and(order.as_str());
    let armed = case.arm((&case.proxies.dynamodb, keeping));
    let answer = checkout.send().await?;
    ensure!(answer.status == StatusCode::ACCEPTED, "it is not held: {answer:?}");
    case.shop.held(&order).await?;
    Ok(HeldOrder { product, checkout, armed })
}

/// Payments are resumed.
pub(in crate::grid) async fn resumed(case: Case<'_>, held: HeldOrder<'_>) -> anyhow::Result<Told> {
    let HeldOrder { product, checkout, armed } = held;
    let order = checkout.order_id();
    case.see_through(Flow::Checkout, &workflow_id(&order), &armed).await?;
    armed.judge(&checkout.send_until_decided().await?, StatusCode::CREATED)?;
    Ok(case.told(&armed, product, order))
}
