//! What a checkout costs.

use anyhow::Context as _;
use kassa_domain::OrderId;
use kassa_tests::billing::billable_actions;
use kassa_tests::{Shop, on_shared_shop};

/// The budget of one checkout that goes well.
const MAX_EVENTS: usize = 30;
const MAX_ACTIONS: u32 = 6;
const MAX_BYTES: i64 = 64 * 1024;

/// Checks what a confirmed order has cost.
async fn assert_within_budget(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    let workflow = shop.closed(order).await?;
    let history = shop.history(order).await?;
    let kinds = || history.iter().map(|event| format!("{:?}", event.event_type())).collect::<Vec<_>>().join("\n");
    assert!(history.len() <= MAX_EVENTS, "{} events:\n{}", history.len(), kinds());
    let actions = billable_actions(&history);
    assert!(actions <= MAX_ACTIONS, "{actions} billable actions:\n{}", kinds());
    let info = workflow.raw().workflow_execution_info.as_ref().context("a description has it")?;
    let bytes = info.history_size_bytes;
    assert!((1..=MAX_BYTES).contains(&bytes), "{bytes} bytes");
    Ok(())
}

#[test]
fn happy_checkout_stays_within_its_budget() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 10).await?;
        let mut checkout = shop.customer().buys(&tea, 1);
        for _ in 0..9 {
            checkout = checkout.item(shop.create_product(300, 10).await?.as_str(), 2);
        }

        let order = checkout.send().await?.assert_confirmed();

        assert_within_budget(shop, &order).await?;
        shop.oracle().product(&tea, 10).order(&order).check().await
    })
}

#[test]
fn happy_checkout_of_a_cart_stays_within_its_budget() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 10).await?;
        let mut cart = shop.guest_cart();
        cart.add(&tea, 1).await?;
        cart.add(&shop.create_product(300, 10).await?, 2).await?;

        let order = cart.checkout(&shop.customer()).send().await?.assert_confirmed();

        assert_within_budget(shop, &order).await?;
        shop.oracle().product(&tea, 10).order(&order).check().await
    })
}

// The cart of an order is part of its history, so the largest order is one of a cart.
#[test]
fn largest_order_that_is_allowed_stays_within_its_budget() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let mut cart = shop.guest_cart();
        for _ in 0..kassa_domain::MAX_LINES {
            cart.add(&shop.create_product(300, 2).await?, 1).await?;
        }
        let refused = cart.add(&shop.create_product(300, 2).await?, 1).await?;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.fields(), ["product_id"]);

        let order = cart.checkout(&shop.customer()).send().await?.assert_confirmed();

        assert_within_budget(shop, &order).await?;
        shop.oracle().order(&order).check().await
    })
}
