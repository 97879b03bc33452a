//! Orders whose first card is declined.

use anyhow::{bail, ensure};
use kassa_tests::Answer;
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::proxy::Call;
use kassa_workflows::workflow_id;
use reqwest::StatusCode;

use crate::effects::sql;
use crate::grid::act::Act;
use crate::grid::case::{Case, Flow, Told};
use crate::rig::{DECLINED_CARD, on_sale};

/// The first card is declined, and the second one pays.
pub(in crate::grid) async fn another_card(case: Case<'_>) -> anyhow::Result<Told> {
    let product = on_sale(case.shop).await?;
    let customer = case.shop.customer();
    let checkout = customer.buys(&product, 1).pays_with(DECLINED_CARD);
    let order = checkout.order_id();
    let (proxy, call) = match case.act {
        Act::PaymentFailed => (&case.proxies.rds_data, sql("WITH failed AS").and(order.as_str())),
        // Its idempotency key names the order.
        Act::ConfirmCard => {
            (&case.proxies.stripe, Call::with("POST /v1/payment_intents/").and("/confirm\n").and(order.as_str()))
        }
        act => bail!("{act} is not done here"),
    };
    let armed = case.arm((proxy, call));

    let declined = checkout.send_until_decided().await?;
    let answer = if declined.status == StatusCode::PAYMENT_REQUIRED {
        Answer::of(customer.pays_again(&declined, GOOD_CARD, "second-card")).await?
    } else {
        declined
    };
    case.see_through(Flow::Checkout, &workflow_id(&order), &armed).await?;

    armed.judge(&answer, StatusCode::OK)?;
    ensure!(case.shop.payments(&order).len() <= 1, "there is more than one intent");
    Ok(case.told(&armed, product, order))
}
