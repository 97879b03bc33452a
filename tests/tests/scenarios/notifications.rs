//! Messages to customers: what they choose, what is recorded, and what administrators write.

use anyhow::{Context as _, ensure};
use kassa_domain::OrderId;
use kassa_store::settings::NotificationSettings;
use kassa_tests::messages::Addressee;
use kassa_tests::{Answer, Shop, eventually, on_shared_shop};
use kassa_workflows::contracts::notifications::Notice;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

const SETTINGS: &str = "/api/notifications/settings";
const EMAIL: &str = "/api/notifications/email";

/// A notice that somebody's order is on its way.
fn shipped(order: &OrderId, to: &Addressee) -> Notice {
    let caller = kassa_domain::Caller::user(&to.user);
    Notice::shipped(order.clone(), caller, to.email.clone(), Some("Post".to_owned()), Some("RR1".to_owned()))
}

fn new_order() -> OrderId {
    format!("ord_{}", Uuid::new_v4().simple()).parse().expect("an id")
}

/// The message records of an order that the API lists to administrators, as channel, template and status.
async fn listed(shop: &Shop, order: &OrderId) -> anyhow::Result<Vec<(String, String, String)>> {
    let answer = Answer::of(shop.as_admin(Method::GET, &format!("/api/notifications?order_id={order}"))).await?;
    ensure!(answer.status == 200, "{answer:#?}");
    let items = answer.body["items"].as_array().context("a list")?;
    let text = |item: &Value, member: &str| item[member].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<_> =
        items.iter().map(|item| (text(item, "channel"), text(item, "template"), text(item, "status"))).collect();
    found.sort();
    Ok(found)
}

fn record(channel: &str, template: &str) -> (String, String, String) {
    (channel.to_owned(), template.to_owned(), "SENT".to_owned())
}

#[test]
fn customers_get_every_mail_and_no_short_messages_until_they_choose_otherwise() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let read = async || Answer::of(shop.as_admin(Method::GET, SETTINGS)).await;
        let put = async |body: &Value| Answer::of(shop.as_admin(Method::PUT, SETTINGS).json(body)).await;

        let defaults = json!({ "mail": { "shipped": true, "refunded": true } });
        assert_eq!(read().await?.body, defaults);

        let chosen =
            json!({ "mail": { "shipped": false, "refunded": true }, "sms": { "phone_number": "+4915112345678" } });
        let answer = put(&chosen).await?;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &chosen), "{answer:#?}");
        assert_eq!(read().await?.body, chosen);

        for (body, field) in [
            (json!({}), "mail"),
            (json!({ "mail": { "shipped": true } }), "mail.refunded"),
            (json!({ "mail": { "shipped": true, "refunded": true, "confirmed": false } }), "mail.confirmed"),
            (json!({ "mail": { "shipped": true, "refunded": true }, "user_id": "usr_1" }), "user_id"),
            (
                json!({ "mail": { "shipped": true, "refunded": true }, "sms": { "phone_number": "0151" } }),
                "sms.phone_number",
            ),
        ] {
            let answer = put(&body).await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [field], "{answer:#?}");
        }
        assert_eq!(read().await?.body, chosen, "what is refused changes nothing");

        let answer = put(&defaults).await?;
        assert_eq!(answer.body, defaults);
        shop.get(SETTINGS).await?.assert_problem(401, "unauthorized");
        Ok(())
    })
}

#[test]
fn customers_who_opted_in_get_a_short_message_beside_the_mail_and_each_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (to, order) = (Addressee::new(), new_order());
        let opted_in = NotificationSettings { phone_number: Some(to.phone.clone()), ..NotificationSettings::default() };
        shop.settings.put(&to.user, &opted_in).await?;

        shop.deliver(shipped(&order, &to)).await?;
        // Whoever asks again, even after the workflow has ended, sends nothing again.
        shop.deliver(shipped(&order, &to)).await?;

        let [mail] = shop.mails_to(to.email.expose()).await?.try_into().expect("one mail");
        assert_eq!(mail.subject, format!("Your order {order} is on its way"));
        let [sms] = shop.sms_to(&to.phone).await?.try_into().expect("one short message");
        assert_eq!(sms.message, format!("Your order {order} is on its way. Tracking number: RR1"));
        assert_eq!(listed(shop, &order).await?, [record("email", "shipped"), record("sms", "shipped")]);

        let list = format!("/api/notifications?user_id={}", to.user);
        let page = Answer::of(shop.as_admin(Method::GET, &format!("{list}&limit=1"))).await?;
        let next = page.body["next"].as_str().with_context(|| format!("a next page: {page:#?}"))?;
        let rest = Answer::of(shop.as_admin(Method::GET, &format!("{list}&limit=1&cursor={next}"))).await?;
        assert_eq!(rest.body["items"].as_array().map(Vec::len), Some(1), "{rest:#?}");
        assert_eq!(rest.body.get("next"), None, "{rest:#?}");
        for personal in [to.email.expose(), to.phone.expose()] {
            assert!(!format!("{page:?}{rest:?}").contains(personal), "records hold no addresses");
        }
        Ok(())
    })
}

#[test]
fn mails_that_customers_do_without_are_not_sent() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (to, order) = (Addressee::new(), new_order());
        let choice = NotificationSettings { mail_shipped: false, mail_refunded: true, phone_number: None };
        shop.settings.put(&to.user, &choice).await?;

        shop.deliver(shipped(&order, &to)).await?;
        let caller = kassa_domain::Caller::user(&to.user);
        shop.deliver(Notice::order_cancelled(order.clone(), caller, to.email.clone(), "step_failed".to_owned(), None))
            .await?;

        assert_eq!(listed(shop, &order).await?, [record("email", "order_cancelled")]);
        assert_eq!(shop.mails_to(to.email.expose()).await?.len(), 1);
        assert!(shop.sms_to(&to.phone).await?.is_empty());
        Ok(())
    })
}

#[test]
fn a_new_account_is_welcomed_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let to = Addressee::new();
        shop.deliver(Notice::welcome(&to.user, to.email.clone())).await?;
        shop.deliver(Notice::welcome(&to.user, to.email.clone())).await?;
        let [mail] = shop.mails_to(to.email.expose()).await?.try_into().expect("one mail");
        assert_eq!(mail.subject, "Welcome");
        Ok(())
    })
}

/// An administrator's mail about an order.
fn email(shop: &Shop, key: &str, order: &OrderId, text: &str) -> RequestBuilder {
    let body = json!({ "order_id": order, "subject": "Your parcel", "text": text });
    shop.as_admin(Method::POST, EMAIL).header("idempotency-key", key).json(&body)
}

#[test]
fn an_administrator_writes_to_the_customer_of_an_order_once_per_key() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let customer = shop.customer();
        let order = customer.buys(&tea, 1).send().await?.assert_confirmed();
        let key = Uuid::new_v4().to_string();

        let first = Answer::of(email(shop, &key, &order, "It is <late>.\nSorry.")).await?;
        let again = Answer::of(email(shop, &key, &order, "It is <late>.\nSorry.")).await?;

        assert_eq!((first.status.as_u16(), first.is_replay()), (202, false), "{first:#?}");
        assert_eq!((again.status.as_u16(), again.is_replay()), (202, true), "{again:#?}");
        assert_eq!(first.body, again.body);
        Answer::of(email(shop, &key, &order, "Something else.")).await?.assert_problem(422, "idempotency_key_reused");
        eventually("the mail is recorded as sent", async || {
            let found = listed(shop, &order).await?;
            ensure!(found == [record("email", "custom"), record("email", "order_confirmed")], "{found:?}");
            Ok(())
        })
        .await?;
        let mails = shop.mails_to(customer.email()).await?;
        let [mail] = mails.iter().filter(|mail| mail.subject == "Your parcel").collect::<Vec<_>>()[..] else {
            panic!("one such mail: {mails:#?}")
        };
        let (text, html) = (mail.body_text.as_deref(), mail.body_html.as_deref());
        assert!(text.is_some_and(|text| text.contains("It is <late>.\nSorry.")), "{mail:#?}");
        assert!(html.is_some_and(|html| !html.contains("<late>")), "{mail:#?}");
        Ok(())
    })
}

#[test]
fn mail_of_administrators_is_for_administrators_and_for_customers_alone() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let order = new_order();
        let key = Uuid::new_v4().to_string();
        let body = json!({ "order_id": order, "subject": "Hello", "text": "there" });
        let with = |member: &str, value: Value| {
            let mut body = body.clone();
            body[member] = value;
            body
        };
        let send = async |body: &Value| {
            Answer::of(shop.as_admin(Method::POST, EMAIL).header("idempotency-key", &key).json(body)).await
        };

        send(&body).await?.assert_problem(404, "order_not_found");
        for (body, field) in [
            (with("email", json!("somebody@example.com")), "email"),
            (with("to", json!(["somebody@example.com"])), "to"),
            (with("subject", json!("")), "subject"),
            (with("subject", json!("a\r\nBcc: somebody@example.com")), "subject"),
            (with("text", json!("a".repeat(10_001))), "text"),
            (with("order_id", json!("somebody@example.com")), "order_id"),
        ] {
            let answer = send(&body).await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [field], "{answer:#?}");
        }
        let without_key = Answer::of(shop.as_admin(Method::POST, EMAIL).json(&body)).await?;
        without_key.assert_problem(400, "idempotency_key_missing");
        for request in [
            shop.http.post(shop.url(EMAIL)).header("idempotency-key", &key).json(&body),
            shop.http.get(shop.url("/api/notifications")),
            shop.http.get(shop.url("/api/users/me/notifications")),
        ] {
            Answer::of(request).await?.assert_problem(401, "unauthorized");
        }
        Ok(())
    })
}

#[test]
fn lists_of_messages_say_what_they_can_be_asked_for() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for (query, parameter) in [
            ("day=yesterday", "day"),
            ("day=2026-02-30", "day"),
            ("user_id=ord_1", "user_id"),
            ("order_id=1", "order_id"),
            ("user_id=usr_1&order_id=ord_1", "user_id"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("cursor=made-up", "cursor"),
        ] {
            let answer = Answer::of(shop.as_admin(Method::GET, &format!("/api/notifications?{query}"))).await?;
            answer.assert_problem(400, "invalid_parameter");
            assert_eq!(answer.fields(), [parameter], "{answer:#?}");
        }
        for path in ["/api/notifications", "/api/notifications?day=2020-01-01", "/api/users/me/notifications"] {
            let answer = Answer::of(shop.as_admin(Method::GET, path)).await?;
            assert_eq!(answer.status, 200, "{answer:#?}");
            assert!(answer.body["items"].is_array(), "{answer:#?}");
        }
        Ok(())
    })
}
