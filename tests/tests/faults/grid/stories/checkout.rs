//! Orders that are sold, or taken back before they are.

use anyhow::Context as _;
use anyhow::{bail, ensure};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::proxy::{Call, Refusal};
use kassa_workflows::workflow_id;
use reqwest::StatusCode;

use crate::effects::confirmation;
use crate::grid::act::{Act, Story};
use crate::grid::case::{Case, Flow, Told};
use crate::rig::{DECLINED_CARD, on_sale};

/// Somebody buys a piece.
pub(in crate::grid) async fn checkout(case: Case<'_>) -> anyhow::Result<Told> {
    let (Act::Deed(deed), story) = (case.act, case.act.story()) else { bail!("not a deed of a checkout") };
    let product = on_sale(case.shop).await?;
    let card = if story == Story::Declined { DECLINED_CARD } else { GOOD_CARD };
    let checkout = case.shop.customer().buys(&product, 1).pays_with(card);
    let order = checkout.order_id();
    if story == Story::Unconfirmable {
        let confirming = confirmation().and(order.as_str());
        case.proxies.rds_data.refuse(confirming, Refusal::constraint_violation());
    }
    let armed = case.arm(deed.effect(&order, case.proxies));

    let answer = checkout.send_until_decided().await?;
    case.see_through(Flow::Checkout, &workflow_id(&order), &armed).await?;

    let well = match story {
        Story::Unconfirmable => StatusCode::SERVICE_UNAVAILABLE,
        Story::Declined => StatusCode::PAYMENT_REQUIRED,
        _ => StatusCode::CREATED,
    };
    armed.judge(&answer, well)?;
    Ok(case.told(&armed, product, order))
}

/// Somebody buys what is in a cart.
pub(in crate::grid) async fn cart(case: Case<'_>) -> anyhow::Result<Told> {
    let product = on_sale(case.shop).await?;
    let mut cart = case.shop.guest_cart();
    cart.add(&product, 2).await?;
    let id = cart.id().context("a cart with something in it has an id")?;
    let checkout = cart.checkout(&case.shop.customer());
    let order = checkout.order_id();
    let settling = Call::with("DynamoDB_20120810.TransactWriteItems").and(format!("\"{id}\""));
    let armed = case.arm((&case.proxies.dynamodb, settling));

    let answer = checkout.send_until_decided().await?;
    case.see_through(Flow::Checkout, &workflow_id(&order), &armed).await?;

    armed.judge(&answer, StatusCode::CREATED)?;
    ensure!(cart.read().await?.cart_items().is_empty(), "what was bought is still in the cart");
    Ok(case.told(&armed, product, order))
}
