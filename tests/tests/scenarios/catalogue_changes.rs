//! Changing and deleting products, and the history of their stock.

use kassa_domain::{ProductId, StockLevel};
use kassa_tests::{Answer, Shop, on_shared_shop};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn details(name: &str, price: i64) -> Value {
    json!({ "name": name, "price": { "amount": price, "currency": "EUR" } })
}

/// What the product is tagged with now.
async fn tag(shop: &Shop, id: &ProductId) -> anyhow::Result<String> {
    let answer = shop.get(&format!("/api/products/{id}")).await?;
    Ok(answer.header("etag").unwrap_or_default().to_owned())
}

async fn put(shop: &Shop, id: &ProductId, tag: &str, body: &Value) -> anyhow::Result<Answer> {
    Answer::of(shop.as_admin(Method::PUT, &format!("/api/products/{id}")).header("if-match", tag).json(body)).await
}

async fn delete(shop: &Shop, id: &ProductId, tag: &str) -> anyhow::Result<Answer> {
    Answer::of(shop.as_admin(Method::DELETE, &format!("/api/products/{id}")).header("if-match", tag)).await
}

#[test]
fn change_of_a_product_is_seen_at_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let before = tag(shop, &tea).await?;
        let body = json!({
            "name": "Oolong", "description": "Half fermented.", "category": "oolong",
            "price": { "amount": 1990, "currency": "EUR" },
            "images": ["https://example.com/oolong.jpg"], "attributes": { "weight": "100 g" },
        });

        let changed = put(shop, &tea, &before, &body).await?;

        assert_eq!(changed.status, 200, "{changed:#?}");
        let read = shop.get(&format!("/api/products/{tea}")).await?;
        assert_eq!((&read.body, read.header("etag")), (&changed.body, changed.header("etag")));
        for (name, value) in body.as_object().expect("an object") {
            assert_eq!(&read.body[name], value);
        }
        assert_eq!(read.body["available"], 3);
        assert_ne!(read.header("etag"), Some(before.as_str()));

        // An order pays the new price.
        let order = shop.customer().buys(&tea, 1).expects(1990).send().await?.assert_confirmed();
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn change_of_what_somebody_else_has_changed_is_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 0).await?;
        let path = format!("/api/products/{tea}");
        let before = tag(shop, &tea).await?;

        Answer::of(shop.as_admin(Method::PUT, &path).json(&details("A", 1)))
            .await?
            .assert_problem(428, "precondition_required");
        Answer::of(shop.as_admin(Method::DELETE, &path)).await?.assert_problem(428, "precondition_required");
        assert_eq!(put(shop, &tea, &before, &details("First", 1)).await?.status, 200);
        put(shop, &tea, &before, &details("Second", 2)).await?.assert_problem(412, "precondition_failed");
        delete(shop, &tea, &before).await?.assert_problem(412, "precondition_failed");
        put(shop, &tea, "\"made-up\"", &details("Third", 3)).await?.assert_problem(412, "precondition_failed");

        assert_eq!(shop.get(&path).await?.body["name"], "First");
        let unknown = ProductId::from_unique(Uuid::now_v7().as_u128());
        put(shop, &unknown, "*", &details("Nothing", 1)).await?.assert_problem(404, "product_not_found");
        delete(shop, &unknown, "*").await?.assert_problem(404, "product_not_found");
        Ok(())
    })
}

#[test]
fn pieces_that_are_ordered_meanwhile_do_not_hinder_a_change() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let before = tag(shop, &tea).await?;
        let order = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();

        let changed = put(shop, &tea, &before, &details("Oolong", 1250)).await?;

        assert_eq!((changed.status.as_u16(), &changed.body["available"]), (200, &json!(2)), "{changed:#?}");
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn of_many_changes_at_once_one_wins() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 0).await?;
        let before = tag(shop, &tea).await?;
        let bodies: Vec<_> = (0..8).map(|n| details(&format!("Tea {n}"), n)).collect();

        let answers = futures::future::try_join_all(bodies.iter().map(|body| put(shop, &tea, &before, body))).await?;

        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for answer in lost {
            answer.assert_problem(412, "precondition_failed");
        }
        assert_eq!(shop.get(&format!("/api/products/{tea}")).await?.body, won[0].body);
        Ok(())
    })
}

#[test]
fn deleted_product_is_gone_and_its_orders_stay_readable() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let order = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();
        let name = shop.order(&order).await?.body["items"][0]["name"].clone();

        let tag = tag(shop, &tea).await?;
        assert_eq!(delete(shop, &tea, &tag).await?.status, 204);

        shop.get(&format!("/api/products/{tea}")).await?.assert_problem(404, "product_not_found");
        let found = shop.get(&format!("/api/products?q={tea}")).await?;
        assert_eq!(found.body["items"], json!([]));
        delete(shop, &tea, "*").await?.assert_problem(404, "product_not_found");
        shop.receive_stock(&tea, 1, &Uuid::new_v4().to_string()).await?.assert_problem(404, "product_not_found");
        shop.customer().buys(&tea, 1).send().await?.assert_problem(422, "unknown_products");
        let body = json!({ "id": tea, "name": "Again", "price": { "amount": 1, "currency": "EUR" } });
        let again = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&body)).await?;
        again.assert_problem(409, "product_exists");

        assert_eq!(shop.order(&order).await?.body["items"][0]["name"], name);
        let stock = Answer::of(shop.as_admin(Method::GET, &format!("/api/products/{tea}/stock"))).await?;
        assert_eq!(stock.body["stock"], json!({ "product_id": tea, "available": 2, "reserved": 0, "sold": 1 }));
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn product_with_reserved_pieces_is_not_deleted() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let order = format!("ord_{}", Uuid::new_v4().simple()).parse()?;
        let line = kassa_domain::Line { product_id: tea.clone(), quantity: kassa_domain::Quantity::new(2)? };
        shop.reservations.reserve(&order, &[line]).await?;

        delete(shop, &tea, "*").await?.assert_problem(409, "product_reserved");
        assert_eq!(shop.get(&format!("/api/products/{tea}")).await?.status, 200);

        shop.reservations.release(&order).await?;
        assert_eq!(delete(shop, &tea, "*").await?.status, 204);
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 3, reserved: 0, sold: 0 });
        Ok(())
    })
}

#[test]
fn history_of_stock_says_what_when_why_and_who() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 0).await?;
        for (delta, receipt) in [(7, "delivery-1"), (-2, "count-0001"), (4, "delivery-2")] {
            assert_eq!(shop.receive_stock(&tea, delta, receipt).await?.status, 200);
        }
        let path = format!("/api/products/{tea}/stock");

        let first = Answer::of(shop.as_admin(Method::GET, &format!("{path}?limit=2"))).await?;
        let next = first.body["next"].as_str().expect("a second page");
        let second = Answer::of(shop.as_admin(Method::GET, &format!("{path}?limit=2&cursor={next}"))).await?;

        assert_eq!(first.body["stock"], json!({ "product_id": tea, "available": 9, "reserved": 0, "sold": 0 }));
        let items = [&first, &second].map(|page| page.body["items"].as_array().cloned().unwrap_or_default()).concat();
        let told: Vec<_> = items.iter().map(|item| (item["receipt_id"].as_str(), item["delta"].as_i64())).collect();
        let expected = [("delivery-2", 4), ("count-0001", -2), ("delivery-1", 7)];
        assert_eq!(told, expected.map(|(receipt, delta)| (Some(receipt), Some(delta))));
        for item in &items {
            assert_eq!(item["reason"], "test");
            assert!(item["by"].as_str().is_some_and(|by| by.starts_with("usr_")), "{item}");
            assert!(item["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{item}");
        }
        assert!(second.body.get("next").is_none(), "{second:#?}");
        let foreign = Answer::of(shop.as_admin(Method::GET, &format!("{path}?cursor=made-up"))).await?;
        foreign.assert_problem(400, "invalid_parameter");
        Ok(())
    })
}
