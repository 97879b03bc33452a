//! Products and their stock.

use kassa_domain::{ProductId, StockLevel};
use kassa_tests::{Answer, on_shared_shop};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn product(id: &ProductId) -> Value {
    json!({ "id": id, "name": "Green tea", "price": { "amount": 1250, "currency": "EUR" } })
}

#[test]
fn administrative_calls_need_an_administrator() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 0).await?;
        let new = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());
        let calls = || {
            [
                shop.http.post(shop.url("/api/products")).json(&product(&new)),
                shop.http
                    .post(shop.url(&format!("/api/products/{tea}/stock")))
                    .header("idempotency-key", "receipt-0001")
                    .json(&json!({ "delta": 5, "reason": "Delivery" })),
                shop.http.put(shop.url(&format!("/api/products/{tea}"))).header("if-match", "*").json(&product(&new)),
                shop.http.delete(shop.url(&format!("/api/products/{tea}"))).header("if-match", "*"),
                shop.http.get(shop.url(&format!("/api/products/{tea}/stock"))),
                shop.http.post(shop.url("/api/products/import")).header("content-type", "application/x-ndjson"),
            ]
        };
        for call in calls() {
            let answer = Answer::of(call).await?;
            answer.assert_problem(401, "unauthorized");
            assert!(answer.header("www-authenticate").is_some(), "{answer:#?}");
        }
        for call in calls() {
            Answer::of(call.bearer_auth("made.up.token")).await?.assert_problem(401, "unauthorized");
        }
        for call in calls() {
            Answer::of(call.basic_auth("admin", Some("password"))).await?.assert_problem(401, "unauthorized");
        }
        shop.get(&format!("/api/products/{new}")).await?.assert_problem(404, "product_not_found");
        assert_eq!(shop.stock(&tea).await?, StockLevel::default());
        assert_eq!(shop.get(&format!("/api/products/{tea}")).await?.status, 200);
        Ok(())
    })
}

#[test]
fn product_is_created_read_and_listed() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let id = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());

        let created = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&product(&id))).await?;

        assert_eq!(created.status, 201, "{created:#?}");
        assert_eq!(created.header("location"), Some(format!("/api/products/{id}").as_str()));
        let read = shop.get(&format!("/api/products/{id}")).await?;
        assert_eq!((read.status.as_u16(), &read.body), (200, &created.body));
        assert_eq!(read.body["price"], json!({ "amount": 1250, "currency": "EUR" }));
        assert_eq!(read.body["available"], 0);

        let mut cursor: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let page = match &cursor {
                None => shop.get("/api/products?limit=100").await?,
                Some(cursor) => shop.get(&format!("/api/products?limit=100&cursor={cursor}")).await?,
            };
            assert_eq!(page.status, 200, "{page:#?}");
            let products = page.body["items"].as_array().cloned().unwrap_or_default();
            seen.extend(products.iter().filter_map(|product| product["id"].as_str().map(ToOwned::to_owned)));
            match page.body["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen.iter().filter(|seen| *seen == id.as_str()).count(), 1, "listed once");

        let again = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&product(&id))).await?;
        again.assert_problem(409, "product_exists");
        Ok(())
    })
}

#[test]
fn product_that_makes_no_sense_is_refused_with_its_field() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let id = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());
        for (change, field) in [
            (json!({ "name": "" }), "name"),
            (json!({ "name": "a\nb" }), "name"),
            (json!({ "id": "tea" }), "id"),
            (json!({ "price": { "amount": -1, "currency": "EUR" } }), "price.amount"),
            (json!({ "price": { "amount": 1.5, "currency": "EUR" } }), "price.amount"),
            (json!({ "price": { "amount": 100, "currency": "eur" } }), "price.currency"),
            (json!({ "price": 100 }), "price"),
            (json!({ "available": 5 }), "available"),
            (json!({ "version": 5 }), "version"),
            (json!({ "category": "Green Tea" }), "category"),
            (json!({ "images": ["https://example.com/a.jpg", "javascript:alert(1)"] }), "images[1]"),
            (json!({ "attributes": { "origin": "" } }), "attributes"),
        ] {
            let mut body = product(&id);
            let members = body.as_object_mut().expect("an object");
            members.extend(change.as_object().expect("an object").clone());

            let answer = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&body)).await?;

            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [field], "{answer:#?}");
        }
        shop.get(&format!("/api/products/{id}")).await?.assert_problem(404, "product_not_found");
        Ok(())
    })
}

#[test]
fn receipt_of_stock_is_booked_once_under_its_key() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 0).await?;
        let receipt = Uuid::new_v4().to_string();

        let first = shop.receive_stock(&tea, 7, &receipt).await?;
        let second = shop.receive_stock(&tea, 7, &receipt).await?;
        let other = shop.receive_stock(&tea, 8, &receipt).await?;
        let correction = shop.receive_stock(&tea, -2, &Uuid::new_v4().to_string()).await?;

        assert_eq!((first.status.as_u16(), &first.body["available"]), (200, &json!(7)), "{first:#?}");
        assert_eq!((second.status.as_u16(), &second.body["available"]), (200, &json!(7)), "{second:#?}");
        other.assert_problem(422, "idempotency_key_reused");
        assert_eq!(correction.body["available"], 5, "{correction:#?}");
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 5, reserved: 0, sold: 0 });
        Ok(())
    })
}

#[test]
fn receipts_of_stock_at_once_all_count() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 0).await?;
        let receipts: Vec<_> = (0..10).map(|_| Uuid::new_v4().to_string()).collect();
        // Each twice.
        let calls = receipts.iter().chain(&receipts).map(|receipt| shop.receive_stock(&tea, 3, receipt));

        let answers = futures::future::try_join_all(calls).await?;

        for answer in answers {
            assert_eq!(answer.status, 200, "{answer:#?}");
        }
        assert_eq!(shop.stock(&tea).await?.available, 30);
        Ok(())
    })
}

#[test]
fn more_stock_than_there_is_cannot_be_taken_away() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let order = shop.customer().buys(&tea, 3).send().await?.assert_confirmed();

        let answer = shop.receive_stock(&tea, -3, &Uuid::new_v4().to_string()).await?;

        answer.assert_problem(409, "insufficient_stock");
        let unknown = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());
        shop.receive_stock(&unknown, 1, "receipt-0001").await?.assert_problem(404, "product_not_found");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}
