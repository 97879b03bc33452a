//! What becomes of the cart of a guest who signs in.

use anyhow::Context as _;
use kassa_tests::accounts::PASSWORD;
use kassa_tests::cart::KASSA_CART;
use kassa_tests::{Account, Answer, Shop, on_shared_shop};
use reqwest::RequestBuilder;
use serde_json::json;

fn login(shop: &Shop, account: &Account) -> RequestBuilder {
    shop.http.post(shop.url("/api/users/login")).json(&json!({ "email": account.email, "password": PASSWORD }))
}

#[test]
fn cart_of_a_guest_comes_along_to_the_account() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, cup) = (shop.create_product(1250, 5).await?, shop.create_product(400, 5).await?);
        let account = shop.sign_up().await?;
        let mut own = shop.account_cart(&account.token);
        own.add(&tea, 1).await?;
        let mut guest = shop.guest_cart();
        guest.add(&tea, 2).await?;
        guest.add(&cup, 1).await?;
        let token = guest.token().context("a token")?.to_owned();

        let session = Answer::of(login(shop, &account).header(KASSA_CART, &token)).await?;

        assert_eq!(session.status, 200, "{session:#?}");
        assert_eq!(session.body["cart"], json!({ "merged_items": 2, "cut": [], "left_out": [] }));
        assert_eq!(session.header("cache-control"), Some("no-store"));
        let access_token = session.body["access_token"].as_str().context("a token")?;
        let cart = shop.account_cart(access_token);
        assert_eq!(cart.read().await?.cart_items(), [(tea.as_str(), 3), (cup.as_str(), 1)]);
        assert!(guest.read().await?.cart_items().is_empty(), "the guest's cart is empty");

        // Signing in again with the same cart moves nothing twice.
        let again = Answer::of(login(shop, &account).header(KASSA_CART, &token)).await?;
        assert_eq!(again.body["cart"]["merged_items"], 0, "{again:#?}");
        assert_eq!(cart.read().await?.cart_items(), [(tea.as_str(), 3), (cup.as_str(), 1)]);

        let bought = cart.checkout(&shop.customer().signed_in(&account)).send().await?;
        let order = bought.assert_confirmed();
        shop.oracle().product(&tea, 5).product(&cup, 5).order(&order).check().await
    })
}

#[test]
fn browser_brings_its_cart_along_in_the_cookie_and_forgets_it() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let account = shop.sign_up().await?;
        let mut guest = shop.guest_cart();
        guest.add(&tea, 2).await?;
        let cookie = format!("theme=dark; __Host-kassa-cart={}", guest.token().context("a token")?);

        let session = Answer::of(login(shop, &account).header("cookie", cookie)).await?;

        assert_eq!(session.body["cart"]["merged_items"], 1, "{session:#?}");
        let forget = session.header("set-cookie").unwrap_or_default();
        assert!(forget.starts_with("__Host-kassa-cart=;") && forget.contains("Max-Age=0"), "{forget}");
        assert_eq!(shop.account_cart(&account.token).read().await?.cart_items(), [(tea.as_str(), 2)]);
        Ok(())
    })
}

#[test]
fn what_does_not_fit_into_the_account_s_cart_is_told() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let account = shop.sign_up().await?;
        shop.account_cart(&account.token).add(&tea, 990).await?;
        let mut guest = shop.guest_cart();
        guest.add(&tea, 20).await?;

        let session = Answer::of(login(shop, &account).header(KASSA_CART, guest.token().context("a token")?)).await?;

        assert_eq!(session.body["cart"], json!({ "merged_items": 1, "cut": [tea], "left_out": [] }), "{session:#?}");
        assert_eq!(shop.account_cart(&account.token).read().await?.cart_items(), [(tea.as_str(), 999)]);
        Ok(())
    })
}

#[test]
fn nobody_is_kept_from_signing_in_by_a_cart_nor_loses_it_without_signing_in() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let account = shop.sign_up().await?;
        let mut guest = shop.guest_cart();
        guest.add(&tea, 2).await?;
        let token = guest.token().context("a token")?.to_owned();

        let without = Answer::of(login(shop, &account)).await?;
        let forged = Answer::of(login(shop, &account).header(KASSA_CART, format!("{token}x"))).await?;
        for session in [&without, &forged] {
            assert_eq!(session.status, 200, "{session:#?}");
            assert!(session.body.get("cart").is_none() && session.header("set-cookie").is_none(), "{session:#?}");
        }

        let wrong = shop.http.post(shop.url("/api/users/login")).header(KASSA_CART, &token);
        let refused = Answer::of(wrong.json(&json!({ "email": account.email, "password": "wrong" }))).await?;
        refused.assert_problem(401, "invalid_credentials");
        assert_eq!(guest.read().await?.cart_items(), [(tea.as_str(), 2)], "it stays the guest's");
        assert!(shop.account_cart(&account.token).read().await?.cart_items().is_empty());
        Ok(())
    })
}
