//! Carts of guests and accounts, from the first piece to the order.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use kassa_domain::ProductId;
use kassa_stand_ins::stripe::Fault;
use kassa_tests::cart::KASSA_CART;
use kassa_tests::{Answer, Cart, Shop, eventually, on_shared_shop};
use reqwest::Method;
use serde_json::json;

/// Changes a product, as somebody who works on the catalogue would.
async fn rework(shop: &Shop, product: &ProductId, name: &str, price: i64) -> anyhow::Result<()> {
    let body = json!({ "name": name, "price": { "amount": price, "currency": "EUR" } });
    let put = shop.as_admin(Method::PUT, &format!("/api/products/{product}")).header("if-match", "*");
    let answer = Answer::of(put.json(&body)).await?;
    ensure!(answer.status == 200, "{answer:#?}");
    Ok(())
}

async fn discontinue(shop: &Shop, product: &ProductId) -> anyhow::Result<()> {
    let delete = shop.as_admin(Method::DELETE, &format!("/api/products/{product}")).header("if-match", "*");
    let answer = Answer::of(delete).await?;
    ensure!(answer.status == 204, "{answer:#?}");
    Ok(())
}

/// Checks what is in a cart.
async fn assert_holds(cart: &Cart<'_>, expected: &[(&ProductId, i64)]) -> anyhow::Result<()> {
    let answer = cart.read().await?;
    let expected: Vec<_> = expected.iter().map(|(product, quantity)| (product.as_str(), *quantity)).collect();
    assert_eq!(answer.cart_items(), expected, "{answer:#?}");
    Ok(())
}

#[test]
fn guest_fills_changes_and_empties_a_cart() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, cup) = (shop.create_product(1250, 5).await?, shop.create_product(400, 5).await?);
        let mut cart = shop.guest_cart();

        let first = cart.add(&tea, 2).await?;
        let token = cart.token().context("a guest is handed out a cart")?.to_owned();
        assert!(first.header("set-cookie").is_some_and(|cookie| cookie.contains(&token)), "{first:#?}");
        cart.add(&tea, 1).await?;
        let answer = cart.add(&cup, 1).await?;

        assert_eq!(answer.status, 200, "{answer:#?}");
        assert_eq!(answer.cart_items(), [(tea.as_str(), 3), (cup.as_str(), 1)]);
        assert_eq!(answer.body["total"], json!({ "amount": 4150, "currency": "EUR" }));
        assert_eq!(answer.body["items"][0]["total"]["amount"], 3750);
        assert_eq!(answer.body["items"][0]["changes"], json!([]));
        assert_eq!(cart.token(), Some(token.as_str()), "it stays the same cart");
        assert_eq!(cart.read().await?.body, answer.body);

        assert_eq!(cart.set(&tea, 1).await?.cart_items(), [(tea.as_str(), 1), (cup.as_str(), 1)]);
        assert_eq!(cart.remove(&cup).await?.cart_items(), [(tea.as_str(), 1)]);
        assert_eq!(cart.remove(&cup).await?.cart_items(), [(tea.as_str(), 1)]);
        assert_eq!(cart.clear().await?.status, 204);
        assert_holds(&cart, &[]).await
    })
}

#[test]
fn browser_keeps_its_cart_in_a_cookie() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let mut cart = shop.guest_cart();
        let answer = cart.add(&tea, 2).await?;
        let cookie = answer.header("set-cookie").context("a cookie")?;
        for attribute in ["__Host-kassa-cart=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        let pair = cookie.split(';').next().context("name and value")?;

        let browser = Answer::of(shop.guest_cart().request(Method::GET, "").header("cookie", pair)).await?;

        assert_eq!(browser.cart_items(), [(tea.as_str(), 2)]);
        Ok(())
    })
}

#[test]
fn nobody_gets_at_the_cart_of_somebody_else() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let (mut ours, mut theirs) = (shop.guest_cart(), shop.guest_cart());
        ours.add(&tea, 1).await?;
        theirs.add(&tea, 2).await?;
        let id = theirs.id().context("an id")?;
        let signature = ours.token().and_then(|token| token.split('.').nth(1)).context("a signature")?;
        let id_alone = id.to_string();
        for forged in [format!("{id}.{signature}"), id_alone, "usr_admin.AAAA".to_owned(), "x".to_owned()] {
            let read = Answer::of(shop.guest_cart().request(Method::GET, "").header(KASSA_CART, &forged)).await?;
            read.assert_problem(401, "cart_token_invalid");
            let clear = Answer::of(shop.guest_cart().request(Method::DELETE, "").header(KASSA_CART, &forged)).await?;
            clear.assert_problem(401, "cart_token_invalid");
        }
        assert_holds(&theirs, &[(&tea, 2)]).await
    })
}

#[test]
fn cart_says_what_has_changed_since_it_was_filled() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let mut cart = shop.guest_cart();
        let mut products = Vec::new();
        for _ in 0..4 {
            let product = shop.create_product(1000, 5).await?;
            cart.add(&product, 2).await?;
            products.push(product);
        }
        let [dearer, renamed, scarce, gone] = &products[..] else { unreachable!("four products were made") };
        rework(shop, dearer, &format!("Product {dearer}"), 1100).await?;
        rework(shop, renamed, "White tea", 1000).await?;
        shop.receive_stock(scarce, -4, "miscounted").await?;
        discontinue(shop, gone).await?;

        let answer = cart.read().await?;

        let items = answer.body["items"].as_array().context("items")?;
        let changes: Vec<_> = items.iter().map(|item| item["changes"].clone()).collect();
        let eur = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
        let expected = [
            json!([{ "kind": "price_changed", "was": eur(1000), "is": eur(1100) }]),
            json!([{ "kind": "name_changed", "was": format!("Product {renamed}"), "is": "White tea" }]),
            json!([{ "kind": "insufficient_stock", "available": 1 }]),
            json!([{ "kind": "no_longer_available" }]),
        ];
        assert_eq!(changes, expected, "{answer:#?}");
        assert_eq!(answer.body["total"], eur(2200 + 2000 + 1000), "what there is, at the prices of now");
        assert_eq!(items[3]["name"], format!("Product {gone}"));
        assert!(items[3].get("unit_price").is_none(), "{answer:#?}");

        // What is not sold any more is not bought, and the rest of the cart stays.
        let refused = cart.checkout(&shop.customer()).send().await?;
        refused.assert_problem(422, "unknown_products");
        assert_eq!(cart.read().await?.cart_items().len(), 4);

        // Whoever changes an item has seen what it costs.
        assert_eq!(cart.set(dearer, 1).await?.body["items"][0]["changes"], json!([]));
        Ok(())
    })
}

#[test]
fn fifty_adds_at_once_add_up() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let mut cart = shop.guest_cart();
        cart.add(&tea, 1).await?;
        let add = async || -> anyhow::Result<Answer> { cart.clone().add(&tea, 1).await };

        let answers = try_join_all((0..50).map(|_| add())).await?;

        for answer in answers {
            assert_eq!(answer.status, 200, "{answer:#?}");
        }
        assert_holds(&cart, &[(&tea, 51)]).await
    })
}

#[test]
fn what_does_not_fit_is_refused_with_what_is_allowed() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let unknown = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());
        let mut cart = shop.guest_cart();
        cart.add(&tea, 990).await?;

        let beyond = cart.add(&tea, 10).await?;
        beyond.assert_problem(422, "validation_failed");
        assert_eq!(beyond.fields(), ["quantity"]);
        let detail = beyond.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("at most 9 more"), "{detail}");
        cart.add(&unknown, 1).await?.assert_problem(404, "product_not_found");
        cart.set(&unknown, 1).await?.assert_problem(404, "product_not_found");
        for extra in ["price", "total", "owner", "user_id"] {
            let body = json!({ "product_id": tea, "quantity": 1, extra: 1 });
            let answer = Answer::of(cart.request(Method::POST, "/items").json(&body)).await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [extra]);
        }
        assert_holds(&cart, &[(&tea, 990)]).await
    })
}

#[test]
fn bought_cart_is_empty_and_its_answer_is_repeated() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, cup) = (shop.create_product(1250, 5).await?, shop.create_product(400, 5).await?);
        let mut cart = shop.guest_cart();
        cart.add(&tea, 2).await?;
        cart.add(&cup, 1).await?;
        let checkout = cart.checkout(&shop.customer()).expects(2900);

        let first = checkout.send().await?;

        let order = first.assert_confirmed();
        shop.closed(&order).await?;
        assert_holds(&cart, &[]).await?;
        let repeat = async || -> anyhow::Result<()> {
            let again = checkout.send().await?;
            assert!(again.is_replay(), "{again:#?}");
            assert_eq!((again.status, &again.body), (first.status, &first.body));
            Ok(())
        };
        repeat().await?;
        // Neither what is in the cart by then, nor what it would cost, changes the answer.
        cart.add(&cup, 3).await?;
        repeat().await?;
        assert_holds(&cart, &[(&cup, 3)]).await?;
        let other = checkout.clone().pays_with("pm_card_mastercard").send().await?;
        other.assert_problem(422, "idempotency_key_reused");
        shop.oracle().product(&tea, 5).product(&cup, 5).order(&order).check().await
    })
}

#[test]
fn cart_of_an_order_that_fails_stays_as_it_is() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let mut cart = shop.guest_cart();
        cart.add(&tea, 2).await?;
        let customer = shop.customer();

        let declined = cart.checkout(&customer).pays_with("pm_card_visa_chargeDeclined");
        declined.send().await?.assert_problem(402, "payment_declined");
        shop.closed(&declined.order_id()).await?;
        let dearer = cart.checkout(&customer).expects(1).send().await?;
        dearer.assert_problem(409, "price_changed");
        cart.set(&tea, 6).await?;
        let short = cart.checkout(&customer);
        short.send().await?.assert_problem(409, "out_of_stock");
        shop.closed(&short.order_id()).await?;

        assert_holds(&cart, &[(&tea, 6)]).await?;
        let orders = [declined.order_id(), short.order_id()];
        shop.oracle().product(&tea, 5).orders(&orders).check().await
    })
}

#[test]
fn what_is_put_in_while_the_order_is_paid_for_stays() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, cup, pot) = (
            shop.create_product(1250, 50).await?,
            shop.create_product(400, 50).await?,
            shop.create_product(9900, 50).await?,
        );
        let mut cart = shop.guest_cart();
        cart.add(&tea, 2).await?;
        cart.add(&cup, 2).await?;
        let checkout = cart.checkout(&shop.customer());
        let order = checkout.order_id();
        let slow = Fault::slow("payment_intents.create", Duration::from_secs(2));
        shop.stack.stripe.faults().add(slow.for_order(order.as_str()));
        let meanwhile = async {
            eventually("the stock is held", async || {
                ensure!(shop.stock(&tea).await?.reserved == 2, "not yet");
                Ok(())
            })
            .await?;
            cart.add(&tea, 3).await?;
            cart.remove(&cup).await?;
            cart.add(&cup, 1).await?;
            cart.add(&pot, 1).await
        };

        let (bought, changed) = tokio::join!(checkout.send(), meanwhile);

        changed?;
        let order = bought?.assert_confirmed();
        shop.closed(&order).await?;
        let left = cart.read().await?;
        let mut items = left.cart_items();
        items.sort_unstable();
        let mut expected = [(tea.as_str(), 3), (cup.as_str(), 1), (pot.as_str(), 1)];
        expected.sort_unstable();
        assert_eq!(items, expected, "{left:#?}");
        assert_eq!(shop.stock(&tea).await?.sold, 2);
        shop.oracle().product(&tea, 50).product(&cup, 50).order(&order).check().await
    })
}

#[test]
fn without_anything_in_it_there_is_nothing_to_buy() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let (mut cart, customer) = (shop.guest_cart(), shop.customer());

        let none = cart.checkout(&customer).send().await?;
        none.assert_problem(422, "validation_failed");
        assert_eq!(none.fields(), ["items"]);
        cart.add(&tea, 1).await?;
        cart.clear().await?;
        cart.checkout(&customer).send().await?.assert_problem(422, "cart_empty");
        Ok(())
    })
}

#[test]
fn cart_of_a_guest_comes_over_to_the_account_and_is_bought_there() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, cup) = (shop.create_product(1250, 5).await?, shop.create_product(400, 5).await?);
        let mut account = shop.account_cart(shop.admin_token());
        account.clear().await?;
        account.add(&tea, 1).await?;
        assert_eq!(account.token(), None, "an account needs no token");
        let mut guest = shop.guest_cart();
        guest.add(&tea, 2).await?;
        guest.add(&cup, 1).await?;
        let token = guest.token().context("a token")?.to_owned();
        let merge = || Answer::of(account.request(Method::POST, "/merge").header(KASSA_CART, &token));

        let merged = merge().await?;

        assert_eq!(merged.status, 200, "{merged:#?}");
        assert_eq!(merged.body["merged_items"], 2);
        assert_eq!((&merged.body["cut"], &merged.body["left_out"]), (&json!([]), &json!([])));
        assert!(merged.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")), "{merged:#?}");
        let again = merge().await?;
        assert_eq!(again.body["merged_items"], 0, "{again:#?}");
        assert_eq!(again.body["cart"]["items"], merged.body["cart"]["items"]);
        assert_holds(&guest, &[]).await?;
        assert_holds(&account, &[(&tea, 3), (&cup, 1)]).await?;

        let bought = account.checkout(&shop.customer()).send().await?;

        let order = bought.assert_confirmed();
        shop.closed(&order).await?;
        assert_holds(&account, &[]).await?;
        let caller = shop.orders.find(&order).await?.context("the order is stored")?.caller;
        assert!(caller.as_user().is_some(), "{caller:?}");
        shop.oracle().product(&tea, 5).product(&cup, 5).order(&order).check().await
    })
}
