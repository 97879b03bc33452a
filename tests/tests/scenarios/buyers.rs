//! Where the mail about an order goes: to the address of the request, or to that of the profile.

use anyhow::ensure;
use kassa_domain::OrderId;
use kassa_tests::accounts::new_address;
use kassa_tests::{Answer, Shop, eventually, on_shared_shop};
use serde_json::json;

/// Waits until the confirmation of an order is mailed, and returns to whom.
async fn confirmed_to(shop: &Shop, order: &OrderId) -> anyhow::Result<Vec<String>> {
    eventually("the confirmation is mailed", async || {
        let mails = shop.mails(order).await?;
        ensure!(!mails.is_empty(), "no mail");
        Ok(mails.into_iter().flat_map(|mail| mail.to).collect())
    })
    .await
}

#[test]
fn account_that_names_no_address_is_written_to_at_that_of_its_profile() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let account = shop.sign_up().await?;
        let checkout = shop.customer().signed_in(&account).buys(&tea, 1);

        let first = checkout.send().await?;

        let order = first.assert_confirmed();
        assert_eq!(confirmed_to(shop, &order).await?, [account.email.as_str()]);
        // To name what is known is to ask for the same.
        let again = checkout.clone().field("email", json!(account.email)).send().await?;
        assert!(again.is_replay(), "{again:#?}");
        assert_eq!(again.body, first.body);
        let other = checkout.field("email", json!(new_address())).send().await?;
        other.assert_problem(422, "idempotency_key_reused");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn account_that_names_another_address_is_written_to_there() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let (account, elsewhere) = (shop.sign_up().await?, new_address());
        let checkout = shop.customer().signed_in(&account).buys(&tea, 1).field("email", json!(elsewhere));

        let order = checkout.send().await?.assert_confirmed();

        assert_eq!(confirmed_to(shop, &order).await?, [elsewhere.as_str()]);
        let own = account.signs(shop.http.get(shop.url(&format!("/api/orders/{order}"))));
        assert_eq!(own.send().await?.status(), 200, "the order is the account's all the same");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn guest_who_names_no_address_is_asked_for_one() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let body = json!({ "items": [{ "product_id": tea, "quantity": 1 }], "payment_method": "pm_card_visa" });
        let request = shop.http.post(shop.url("/api/checkout")).header("idempotency-key", new_address());

        let answer = Answer::of(request.json(&body)).await?;

        answer.assert_problem(422, "validation_failed");
        assert_eq!(answer.fields(), ["email"], "{answer:#?}");
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("guests say where the confirmation goes"), "{detail}");
        shop.oracle().product(&tea, 5).check().await
    })
}
