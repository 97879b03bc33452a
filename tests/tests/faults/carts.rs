//! The cart of a confirmed order, while the worker dies or the database refuses to change it.

use anyhow::{Context as _, ensure};
use kassa_domain::ProductId;
use kassa_tests::cart::KASSA_CART;
use kassa_tests::customer::Checkout;
use kassa_tests::proxy::{Call, Moment, Refusal};
use kassa_tests::{Cart, Shop, eventually, on_exclusive_shop};
use kassa_workflows::checkout::Checkout as Workflow;
use kassa_workflows::parking::Operator;
use kassa_workflows::search_attributes::ORDER_STATE;
use temporalio_client::WorkflowExecuteUpdateOptions;

use crate::rig::{Rig, STOCK, on_sale};

/// The call that takes what was bought out of a cart.
fn settling(cart: &Cart<'_>) -> Call {
    let id = cart.id().expect("a cart with something in it has an id");
    Call::with("DynamoDB_20120810.TransactWriteItems").and(format!("\"{id}\""))
}

/// Two pieces of a product in the cart of a guest, and the checkout that buys them.
async fn filled(shop: &Shop) -> anyhow::Result<(ProductId, Cart<'_>, Checkout<'_>)> {
    let product = on_sale(shop).await?;
    let mut cart = shop.guest_cart();
    cart.add(&product, 2).await?;
    ensure!(cart.owner().contains_key(KASSA_CART), "no cart was handed out");
    let checkout = cart.checkout(&shop.customer());
    Ok((product, cart, checkout))
}

async fn killed_while_settling(moment: Moment, shop: &mut Shop) -> anyhow::Result<()> {
    let mut rig = Rig::set_up(shop).await?;
    let shop: &Shop = shop;
    let (product, mut cart, checkout) = filled(shop).await?;
    let order = checkout.order_id();
    let mut hold = rig.proxies.dynamodb.hold(settling(&cart), moment);
    let dies = async {
        hold.caught().await?;
        cart.add(&product, 3).await?;
        rig.worker.kill().await?;
        hold.discard();
        rig.start_worker().await
    };

    let (answer, ()) = tokio::try_join!(checkout.send_until_decided(), dies)?;

    answer.assert_confirmed();
    shop.closed(&order).await?;
    assert_eq!(cart.read().await?.cart_items(), [(product.as_str(), 3)]);
    shop.oracle().product(&product, STOCK).order(&order).mail_may_repeat().check().await
}

#[test]
fn a_worker_killed_before_the_cart_is_changed_changes_it_once_it_is_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| killed_while_settling(Moment::BeforeEffect, shop).await)
}

#[test]
fn a_worker_killed_after_the_cart_is_changed_does_not_change_it_again() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| killed_while_settling(Moment::AfterEffect, shop).await)
}

#[test]
fn a_cart_that_cannot_be_changed_holds_up_neither_answer_nor_mail_and_waits_for_an_operator() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let (product, cart, checkout) = filled(shop).await?;
        rig.proxies.dynamodb.refuse(settling(&cart), Refusal::constraint_violation());

        let order = checkout.send().await?.assert_confirmed();

        let details = shop.parked(&order).await?;
        assert!(details.contains("at `carts.settle`"), "{details}");
        eventually("mail and event are out", async || {
            ensure!(shop.mails(&order).await?.len() == 1, "no mail yet");
            ensure!(shop.events(&order).await?.len() == 1, "no event yet");
            Ok(())
        })
        .await?;
        assert_eq!(cart.read().await?.cart_items(), [(product.as_str(), 2)]);

        rig.proxies.dynamodb.clear();
        let by = Operator { operator: "kim".to_owned(), step: None };
        shop.workflow(&order).execute_update(Workflow::retry, by, WorkflowExecuteUpdateOptions::default()).await?;

        let attributes = shop.closed(&order).await?.search_attributes();
        assert_eq!(attributes.get(&ORDER_STATE).context("a state")?, "CONFIRMED");
        assert_eq!(cart.read().await?.cart_items(), []);
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}
