//! What customers are told of their orders, as they have chosen it.

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, OrderStatus, PhoneNumber};
use kassa_tests::{Account, Answer, Shop, eventually, on_shared_shop};
use kassa_workflows::fulfilment;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

async fn choose(shop: &Shop, account: &Account, settings: &Value) -> anyhow::Result<()> {
    let put = account.signs(shop.http.put(shop.url("/api/notifications/settings"))).json(settings);
    let chosen = Answer::of(put).await?;
    assert_eq!((chosen.status.as_u16(), &chosen.body), (200, settings), "{chosen:#?}");
    Ok(())
}

/// Buys, has the order shipped and a part of its price given back, and waits until all of that is told.
async fn live_through(shop: &Shop, account: &Account) -> anyhow::Result<OrderId> {
    let tea = shop.create_product(1250, 5).await?;
    let order = shop.customer().signed_in(account).buys(&tea, 1).send().await?.assert_confirmed();
    shop.closed(&order).await?;
    let version = shop.orders.find(&order).await?.context("the order is stored")?.version;
    let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
    assert_eq!(Answer::of(ship.json(&json!({ "status": "SHIPPED" }))).await?.status, 200);
    shop.completed(&fulfilment::workflow_id(&order, OrderStatus::Shipped, version)).await?;
    assert!(shop.refund(&order).of(100).send().await?.status.is_success());
    shop.settled(&order).await?;
    shop.oracle().product(&tea, 5).order(&order).check().await?;
    Ok(order)
}

/// The messages about an order that the account itself sees, as channel and template.
async fn told(shop: &Shop, account: &Account, order: &OrderId) -> anyhow::Result<Vec<(String, String)>> {
    let answer = Answer::of(account.signs(shop.http.get(shop.url("/api/users/me/notifications")))).await?;
    ensure!(answer.status == 200, "{answer:#?}");
    let items = answer.body["items"].as_array().context("a list")?;
    let text = |item: &Value, member: &str| item[member].as_str().unwrap_or_default().to_owned();
    let about = items.iter().filter(|item| item["order_id"] == order.as_str());
    let mut found: Vec<_> = about.map(|item| (text(item, "channel"), text(item, "template"))).collect();
    found.sort();
    Ok(found)
}

fn expected(messages: &[(&str, &str)]) -> Vec<(String, String)> {
    messages.iter().map(|(channel, template)| ((*channel).to_owned(), (*template).to_owned())).collect()
}

fn phone() -> anyhow::Result<PhoneNumber> {
    Ok(format!("+49{:013}", Uuid::new_v4().as_u128() % 10_000_000_000_000).parse()?)
}

#[test]
fn customer_who_has_never_chosen_is_told_everything_by_mail() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        let order = live_through(shop, &account).await?;
        let mails = [("email", "order_confirmed"), ("email", "refunded"), ("email", "shipped")];
        assert_eq!(told(shop, &account, &order).await?, expected(&mails));
        assert_eq!(shop.mails(&order).await?.len(), 3);
        Ok(())
    })
}

#[test]
fn customer_who_wants_nothing_gets_what_nobody_should_buy_without() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        choose(shop, &account, &json!({ "mail": { "shipped": false, "refunded": false } })).await?;

        let order = live_through(shop, &account).await?;
        assert_eq!(told(shop, &account, &order).await?, expected(&[("email", "order_confirmed")]));

        // What ends an order is told all the same.
        let tea = shop.create_product(1250, 1).await?;
        let customer = shop.customer().signed_in(&account);
        let bought = customer.buys(&tea, 1).send().await?;
        let cancel = customer.about(Method::POST, &bought, "/cancel").json(&json!({ "reason": "changed_mind" }));
        assert_eq!(Answer::of(cancel).await?.status, 200);
        let cancelled = bought.assert_confirmed();
        shop.settled(&cancelled).await?;
        let mails = [("email", "order_cancelled"), ("email", "order_confirmed")];
        assert_eq!(told(shop, &account, &cancelled).await?, expected(&mails));
        Ok(())
    })
}

#[test]
fn each_mail_is_turned_off_on_its_own() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for (settings, template) in [
            (json!({ "mail": { "shipped": true, "refunded": false } }), "shipped"),
            (json!({ "mail": { "shipped": false, "refunded": true } }), "refunded"),
        ] {
            let account = shop.sign_up().await?;
            choose(shop, &account, &settings).await?;
            let order = live_through(shop, &account).await?;
            let mails = [("email", "order_confirmed"), ("email", template)];
            assert_eq!(told(shop, &account, &order).await?, expected(&mails));
        }
        Ok(())
    })
}

#[test]
fn phone_is_written_to_from_opting_in_until_opting_out() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (account, phone) = (shop.sign_up().await?, phone()?);
        let mail = json!({ "shipped": false, "refunded": true });
        choose(shop, &account, &json!({ "mail": mail, "sms": { "phone_number": phone.expose() } })).await?;

        let order = live_through(shop, &account).await?;

        // What is not wanted by mail may be wanted by phone.
        let messages =
            [("email", "order_confirmed"), ("email", "refunded"), ("sms", "order_confirmed"), ("sms", "shipped")];
        assert_eq!(told(shop, &account, &order).await?, expected(&messages));
        eventually("both short messages are there", async || {
            let sms = shop.sms_to(&phone).await?;
            ensure!(sms.len() == 2 && sms.iter().all(|sms| sms.message.contains(order.as_str())), "{sms:#?}");
            Ok(())
        })
        .await?;

        choose(shop, &account, &json!({ "mail": mail })).await?;
        let later = live_through(shop, &account).await?;
        let mails = [("email", "order_confirmed"), ("email", "refunded")];
        assert_eq!(told(shop, &account, &later).await?, expected(&mails));
        assert_eq!(shop.sms_to(&phone).await?.len(), 2);
        Ok(())
    })
}
