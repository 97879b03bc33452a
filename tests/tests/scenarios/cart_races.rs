//! One cart, used from two devices at the same moment.

use anyhow::ensure;
use futures::future::try_join_all;
use kassa_domain::ProductId;
use kassa_tests::customer::Checkout;
use kassa_tests::{Account, Answer, Cart, Customer, Shop, on_shared_shop};

/// An account, and two pieces in its cart.
async fn account_with_a_cart(shop: &Shop) -> anyhow::Result<(ProductId, Account, Customer<'_>, Cart<'_>)> {
    let tea = shop.create_product(1250, 100).await?;
    let account = shop.sign_up().await?;
    let customer = shop.customer().signed_in(&account);
    let mut cart = shop.account_cart(&account.token);
    cart.add(&tea, 2).await?;
    Ok((tea, account, customer, cart))
}

#[test]
fn two_devices_that_add_while_a_third_buys_lose_no_piece_and_buy_none_twice() -> anyhow::Result<()> {
    const ADDS: usize = 20;
    on_shared_shop(async |shop| {
        let (tea, _, customer, cart) = account_with_a_cart(shop).await?;
        let checkout = cart.checkout(&customer);
        let order = checkout.order_id();
        let adds = async || -> anyhow::Result<Answer> { cart.clone().add(&tea, 1).await };

        let (bought, added) = tokio::try_join!(checkout.send_until_decided(), try_join_all((0..ADDS).map(|_| adds())))?;

        ensure!(bought.assert_confirmed() == order, "another order");
        for answer in added {
            ensure!(answer.status == 200, "{answer:#?}");
        }
        shop.closed(&order).await?;
        let sold = shop.stock(&tea).await?.sold;
        let left = cart.read().await?.cart_items().iter().map(|(_, pieces)| *pieces).sum::<i64>();
        // Whatever was in the cart when it was bought is bought, and the rest is still in it.
        ensure!(sold >= 2 && sold.cast_signed() + left == 2 + 20, "{sold} are sold, and {left} are left");
        shop.oracle().product(&tea, 100).order(&order).check().await
    })
}

#[test]
fn a_cart_that_is_bought_twice_at_once_with_one_key_is_one_order() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, account, customer, phone) = account_with_a_cart(shop).await?;
        // The laptop has signed in by itself.
        let laptop = shop.log_in(&account.email, &account.password).await?;
        let laptop = shop.account_cart(&laptop.token);
        let key = format!("one-cart-{}", account.user);
        let checkouts = [phone.checkout(&customer).key(&key), laptop.checkout(&customer).key(&key)];

        let answers = try_join_all(checkouts.iter().map(Checkout::send_until_decided)).await?;

        ensure!(answers[0].body == answers[1].body, "{answers:#?}");
        let order = answers[0].assert_confirmed();
        shop.closed(&order).await?;
        ensure!(laptop.read().await?.cart_items().is_empty(), "something is left");
        shop.oracle().product(&tea, 100).order(&order).check().await
    })
}

#[test]
fn carts_of_a_guest_and_of_the_account_are_bought_at_once_without_touching_each_other() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, _, customer, own) = account_with_a_cart(shop).await?;
        let mut guest = shop.guest_cart();
        guest.add(&tea, 3).await?;
        let checkouts = [own.checkout(&customer), guest.checkout(&shop.customer())];

        let answers = try_join_all(checkouts.iter().map(Checkout::send_until_decided)).await?;

        let orders: Vec<_> = answers.iter().map(Answer::assert_confirmed).collect();
        try_join_all(orders.iter().map(|order| shop.closed(order))).await?;
        ensure!(own.read().await?.cart_items().is_empty() && guest.read().await?.cart_items().is_empty(), "left");
        ensure!(shop.stock(&tea).await?.sold == 5, "{:?}", shop.stock(&tea).await?);
        shop.oracle().product(&tea, 100).orders(&orders).check().await
    })
}

#[test]
fn a_cart_that_is_bought_at_once_with_two_keys_is_sold_whole_each_time_and_empty_afterwards() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, _, customer, cart) = account_with_a_cart(shop).await?;
        // Whoever chooses another key wants another order; one that finds the cart bought already is refused.
        let checkouts = [cart.checkout(&customer), cart.checkout(&customer)];

        let answers = try_join_all(checkouts.iter().map(Checkout::send_until_decided)).await?;

        let mut orders = Vec::new();
        for answer in &answers {
            match answer.status.as_u16() {
                201 => orders.push(answer.assert_confirmed()),
                _ => answer.assert_problem(422, "cart_empty"),
            }
        }
        ensure!(!orders.is_empty(), "{answers:#?}");
        try_join_all(orders.iter().map(|order| shop.closed(order))).await?;
        let sold = shop.stock(&tea).await?.sold;
        ensure!(sold == 2 * u64::try_from(orders.len())?, "{sold} pieces in {} orders", orders.len());
        ensure!(cart.read().await?.cart_items().is_empty(), "something is left");
        shop.oracle().product(&tea, 100).orders(&orders).check().await
    })
}
