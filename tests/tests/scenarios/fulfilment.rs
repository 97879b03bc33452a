//! Orders on their way to their customers, and what their timelines tell of it.

use anyhow::{Context as _, ensure};
use kassa_domain::OrderId;
use kassa_tests::{Answer, Shop, eventually, on_shared_shop};
use reqwest::Method;
use serde_json::{Value, json};

async fn put(shop: &Shop, order: &OrderId, body: &Value) -> anyhow::Result<Answer> {
    Answer::of(shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status")).json(body)).await
}

/// Waits until these events of an order are published, in this order.
async fn published(shop: &Shop, order: &OrderId, expected: &[&str]) -> anyhow::Result<()> {
    eventually("the events are published", async || {
        let mut events = shop.events(order).await?;
        events.sort_by_key(|event| event.detail["sequence"].as_u64());
        let kinds: Vec<_> = events.iter().map(|event| event.detail_type.as_str()).collect();
        ensure!(kinds == expected, "{kinds:?}");
        Ok(())
    })
    .await
}

/// The entries of a timeline, each with its status, its event and its detail.
fn told(timeline: &Answer) -> Vec<(&str, &str, &Value)> {
    let entries = timeline.body["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let (status, event) = (entry["status"].as_str(), entry["event"].as_str());
            (status.unwrap_or_default(), event.unwrap_or_default(), &entry["detail"])
        })
        .collect()
}

#[test]
fn customer_follows_an_order_from_the_till_to_the_door() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let account = shop.sign_up().await?;
        let customer = shop.customer().signed_in(&account);
        let bought = customer.buys(&tea, 2).send().await?;
        let order = bought.assert_confirmed();
        let parcel = json!({ "status": "SHIPPED", "carrier": "Post", "tracking_number": "RR1" });

        let shipped = put(shop, &order, &parcel).await?;

        assert_eq!((shipped.status.as_u16(), &shipped.body["status"]), (200, &json!("SHIPPED")), "{shipped:#?}");
        published(shop, &order, &["order.confirmed", "order.shipped"]).await?;
        let again = put(shop, &order, &parcel).await?;
        assert_eq!((again.status, &again.body), (shipped.status, &shipped.body), "the same again changes nothing");
        let delivered = put(shop, &order, &json!({ "status": "DELIVERED" })).await?;
        assert_eq!((delivered.status.as_u16(), &delivered.body["status"]), (200, &json!("DELIVERED")));
        published(shop, &order, &["order.confirmed", "order.shipped", "order.delivered"]).await?;

        let read = Answer::of(customer.about(Method::GET, &bought, "")).await?;
        assert_eq!(read.body, delivered.body);
        let shipment = &read.body["shipment"];
        assert_eq!((&shipment["carrier"], &shipment["tracking_number"]), (&json!("Post"), &json!("RR1")));
        let timeline = Answer::of(customer.about(Method::GET, &bought, "/timeline")).await?;
        assert_eq!(timeline.body, shop.timeline(&order).await?.body, "the customer sees what the shop sees");
        let euro = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
        let payment = read.body["payment"]["id"].as_str().context("a payment")?;
        assert_eq!(
            told(&timeline),
            [
                ("PENDING", "order.placed", &json!({ "total": euro(2500), "lines": 1 })),
                ("CONFIRMED", "order.confirmed", &json!({ "payment_id": payment, "captured": euro(2500) })),
                ("SHIPPED", "order.shipped", &json!({ "carrier": "Post", "tracking_number": "RR1" })),
                ("DELIVERED", "order.delivered", &json!({})),
            ],
        );
        let entries = timeline.body["entries"].as_array().context("entries")?;
        let sequences: Vec<_> = entries.iter().map(|entry| entry["sequence"].as_u64()).collect();
        assert_eq!(sequences, [Some(1), Some(2), Some(3), Some(4)]);
        assert!(entries.is_sorted_by_key(|entry| entry["at"].as_str()), "{timeline:#?}");

        eventually("the customer is told once that it is on its way", async || {
            let mails = shop.mails_to(&account.email).await?;
            let on_its_way: Vec<_> = mails.iter().filter(|mail| mail.subject.ends_with("is on its way")).collect();
            let [mail] = on_its_way[..] else { anyhow::bail!("{mails:#?}") };
            ensure!(mail.body_text.as_deref().is_some_and(|text| text.contains("RR1")), "{mail:#?}");
            Ok(())
        })
        .await?;
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_goes_nowhere_but_along_its_way() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let buy = async || anyhow::Ok(shop.customer().buys(&tea, 1).send().await?.assert_confirmed());
        let (sent, cancelled) = (buy().await?, buy().await?);
        let cancel = shop.as_admin(Method::POST, &format!("/api/orders/{cancelled}/cancel"));
        assert_eq!(Answer::of(cancel.json(&json!({}))).await?.status, 200);

        for (order, body, allowed) in [
            (&sent, json!({ "status": "DELIVERED" }), json!(["SHIPPED"])),
            (&cancelled, json!({ "status": "SHIPPED" }), json!([])),
            (&cancelled, json!({ "status": "DELIVERED" }), json!([])),
        ] {
            let answer = put(shop, order, &body).await?;
            answer.assert_problem(409, "illegal_transition");
            assert_eq!(answer.body["allowed"], allowed, "{answer:#?}");
        }
        assert_eq!(put(shop, &sent, &json!({ "status": "SHIPPED", "carrier": "Post" })).await?.status, 200);
        let other = put(shop, &sent, &json!({ "status": "SHIPPED", "carrier": "Somebody else" })).await?;
        other.assert_problem(409, "illegal_transition");
        assert_eq!(shop.order(&sent).await?.body["shipment"]["carrier"], "Post");
        let late = shop.as_admin(Method::POST, &format!("/api/orders/{sent}/cancel"));
        assert_eq!(Answer::of(late.json(&json!({}))).await?.status, 409);

        let unknown: OrderId = "ord_00000000000000000000000000000000".parse()?;
        put(shop, &unknown, &json!({ "status": "SHIPPED" })).await?.assert_problem(404, "order_not_found");
        published(shop, &sent, &["order.confirmed", "order.shipped"]).await?;
        shop.settled(&cancelled).await?;
        shop.oracle().product(&tea, 5).orders([&sent, &cancelled]).check().await
    })
}

#[test]
fn only_administrators_ship_and_only_with_what_makes_sense() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let account = shop.sign_up().await?;
        let customer = shop.customer().signed_in(&account);
        let order = customer.buys(&tea, 1).send().await?.assert_confirmed();
        let ship = json!({ "status": "SHIPPED" });
        let path = shop.url(&format!("/api/orders/{order}/status"));

        Answer::of(shop.http.put(&path).json(&ship)).await?.assert_problem(401, "unauthorized");
        Answer::of(account.signs(shop.http.put(&path)).json(&ship)).await?.assert_problem(403, "forbidden");
        for (body, field) in [
            (json!({}), "status"),
            (json!({ "status": "CONFIRMED" }), "status"),
            (json!({ "status": "CANCELLED" }), "status"),
            (json!({ "status": "shipped" }), "status"),
            (json!({ "status": "SHIPPED", "carrier": "" }), "carrier"),
            (json!({ "status": "SHIPPED", "carrier": "a\nb" }), "carrier"),
            (json!({ "status": "SHIPPED", "tracking_number": "1".repeat(65) }), "tracking_number"),
            (json!({ "status": "DELIVERED", "carrier": "Post" }), "carrier"),
            (json!({ "status": "DELIVERED", "tracking_number": "RR1" }), "tracking_number"),
            (json!({ "status": "SHIPPED", "total": 1 }), "total"),
        ] {
            let answer = put(shop, &order, &body).await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [field], "{answer:#?}");
        }

        assert_eq!(shop.order(&order).await?.body["status"], "CONFIRMED");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn timeline_tells_what_was_given_back_and_why_an_order_ended() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let bought = customer.buys(&tea, 2).send().await?;
        let order = bought.assert_confirmed();
        assert!(shop.refund(&order).of(400).send().await?.status.is_success());
        shop.settled(&order).await?;
        let cancel = customer.about(Method::POST, &bought, "/cancel").json(&json!({ "reason": "changed_mind" }));
        assert_eq!(Answer::of(cancel).await?.status, 200);
        shop.settled(&order).await?;

        let timeline = Answer::of(customer.about(Method::GET, &bought, "/timeline")).await?;

        let euro = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
        let expected = [
            ("PENDING", "order.placed", "total", euro(2500)),
            ("CONFIRMED", "order.confirmed", "captured", euro(2500)),
            ("CONFIRMED", "order.refund_requested", "reason", json!("goodwill")),
            ("CONFIRMED", "order.refunded", "amount", euro(400)),
            ("CANCELLED", "order.cancelled", "reason", json!("cancelled_by_customer")),
            ("CANCELLED", "order.refunded", "amount", euro(2100)),
        ];
        let told = told(&timeline);
        assert_eq!(told.len(), expected.len(), "{timeline:#?}");
        for ((status, event, detail), (expected_status, expected_event, member, value)) in told.iter().zip(&expected) {
            assert_eq!((status, event), (expected_status, expected_event), "{timeline:#?}");
            assert_eq!(&detail[*member], value, "{timeline:#?}");
        }
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}
