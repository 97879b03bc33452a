//! Reading the catalogue as a shop front does.

use std::slice::from_ref;

use kassa_domain::ProductId;
use kassa_tests::{Answer, Shop, on_shared_shop};
use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

/// A word that no other test uses, in the alphabet of categories.
fn word() -> String {
    format!("w{}", Uuid::new_v4().simple())
}

async fn create(shop: &Shop, name: &str, category: &str, price: i64) -> anyhow::Result<ProductId> {
    let body = json!({ "name": name, "category": category, "price": { "amount": price, "currency": "EUR" } });
    let answer = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&body)).await?;
    anyhow::ensure!(answer.status == StatusCode::CREATED, "{answer:#?}");
    Ok(answer.body["id"].as_str().unwrap_or_default().parse()?)
}

/// The ids of all products that fit, two by two.
async fn all(shop: &Shop, filter: &str) -> anyhow::Result<Vec<ProductId>> {
    let mut ids = Vec::new();
    let mut page = shop.get(&format!("/api/products?limit=2&{filter}")).await?;
    loop {
        anyhow::ensure!(page.status == StatusCode::OK, "{page:#?}");
        for item in page.body["items"].as_array().cloned().unwrap_or_default() {
            ids.push(item["id"].as_str().unwrap_or_default().parse()?);
        }
        let Some(next) = page.body["next"].as_str() else { return Ok(ids) };
        page = shop.get(&format!("/api/products?limit=2&{filter}&cursor={next}")).await?;
    }
}

#[test]
fn filters_combine() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, cups, mark) = (word(), word(), word());
        let green = create(shop, &format!("Green {mark}"), &tea, 1_200).await?;
        let black = create(shop, &format!("Black {mark}"), &tea, 900).await?;
        let cup = create(shop, &format!("Green cup {mark}"), &cups, 1_200).await?;

        assert_eq!(all(shop, &format!("category={tea}")).await?, [black.clone(), green.clone()]);
        assert_eq!(
            all(shop, &format!("q={}", mark.to_uppercase())).await?,
            [cup.clone(), black.clone(), green.clone()]
        );
        assert_eq!(all(shop, &format!("q=gre%20{mark}")).await?, [cup.clone(), green.clone()]);
        assert_eq!(all(shop, &format!("q=green+{mark}&category={tea}")).await?, from_ref(&green));
        let cheap = "currency=EUR&max_price=1000";
        assert_eq!(all(shop, &format!("category={tea}&{cheap}")).await?, from_ref(&black));
        assert_eq!(all(shop, &format!("q={mark}&{cheap}")).await?, from_ref(&black));
        let dear = "currency=EUR&min_price=1200&max_price=1200";
        assert_eq!(all(shop, &format!("category={cups}&{dear}")).await?, from_ref(&cup));
        assert_eq!(all(shop, &format!("category={tea}&currency=EUR")).await?, [black, green], "the cheapest first");
        assert_eq!(all(shop, &format!("category={tea}&currency=JPY")).await?, []);
        Ok(())
    })
}

#[test]
fn filters_that_make_no_sense_name_their_parameter() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for (query, parameter) in [
            ("category=Green%20tea", "category"),
            ("q=", "q"),
            ("q=%21%3F", "q"),
            ("min_price=1", "currency"),
            ("max_price=-1&currency=EUR", "max_price"),
            ("min_price=1.5&currency=EUR", "min_price"),
            ("min_price=2&max_price=1&currency=EUR", "min_price"),
            ("currency=euro", "currency"),
            ("limit=101", "limit"),
            ("cursor=made-up", "cursor"),
        ] {
            let answer = shop.get(&format!("/api/products?{query}")).await?;
            answer.assert_problem(400, "invalid_parameter");
            assert_eq!(answer.fields(), [parameter], "{answer:#?}");
        }
        shop.get("/api/products?colour=red").await?.assert_problem(400, "invalid_parameter");
        Ok(())
    })
}

#[test]
fn cursor_of_other_filters_is_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let category = word();
        for price in [1, 2] {
            create(shop, "Tea", &category, price).await?;
        }
        let page = shop.get(&format!("/api/products?limit=1&category={category}")).await?;
        let next = page.body["next"].as_str().expect("a second page");
        shop.get(&format!("/api/products?limit=1&cursor={next}")).await?.assert_problem(400, "invalid_parameter");
        Ok(())
    })
}

#[test]
fn categories_are_those_that_have_products() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (full, empty) = (word(), word());
        for price in [1, 2] {
            create(shop, "Tea", &full, price).await?;
        }
        let gone = create(shop, "Tea", &empty, 1).await?;
        let delete = shop.as_admin(Method::DELETE, &format!("/api/products/{gone}")).header("if-match", "*");
        assert_eq!(Answer::of(delete).await?.status, 204);

        let mut found = Vec::new();
        let mut page = shop.get("/api/categories?limit=2").await?;
        loop {
            found.extend(page.body["items"].as_array().cloned().unwrap_or_default());
            let Some(next) = page.body["next"].as_str() else { break };
            page = shop.get(&format!("/api/categories?limit=2&cursor={next}")).await?;
        }

        assert!(found.contains(&json!({ "category": full, "products": 2 })), "{found:?}");
        assert!(!found.iter().any(|category| category["category"] == empty.as_str()), "{found:?}");
        Ok(())
    })
}

#[test]
fn what_the_client_has_is_not_sent_again() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let category = word();
        let tea = create(shop, "Tea", &category, 100).await?;
        for path in [
            format!("/api/products/{tea}"),
            format!("/api/products?category={category}"),
            "/api/categories?limit=100".to_owned(),
        ] {
            // Other tests change the list of all categories meanwhile.
            kassa_tests::eventually("the client has the newest", async || {
                let first = shop.get(&path).await?;
                let tag = first.header("etag").unwrap_or_default();
                let second = Answer::of(shop.http.get(shop.url(&path)).header("if-none-match", tag)).await?;
                anyhow::ensure!(second.status == StatusCode::NOT_MODIFIED, "{second:#?}");
                anyhow::ensure!(second.header("etag") == Some(tag) && second.body.is_null(), "{second:#?}");
                anyhow::ensure!(second.header("cache-control") == Some("no-cache"), "{second:#?}");
                Ok(())
            })
            .await?;
            let other = Answer::of(shop.http.get(shop.url(&path)).header("if-none-match", "\"other\"")).await?;
            assert_eq!(other.status, StatusCode::OK);
        }

        let path = format!("/api/products/{tea}");
        let before = shop.get(&path).await?;
        shop.receive_stock(&tea, 5, &Uuid::new_v4().to_string()).await?;
        let tag = before.header("etag").unwrap_or_default();
        let after = Answer::of(shop.http.get(shop.url(&path)).header("if-none-match", tag)).await?;
        assert_eq!((after.status.as_u16(), &after.body["available"]), (200, &json!(5)), "{after:#?}");
        Ok(())
    })
}

#[test]
fn what_is_sold_is_seen_after_a_moment() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let path = format!("/api/products/{tea}");
        assert_eq!(shop.get(&path).await?.body["available"], 3);
        let order = shop.customer().buys(&tea, 2).send().await?.assert_confirmed();
        kassa_tests::eventually("the API sees the sale", async || {
            let read = shop.get(&path).await?;
            anyhow::ensure!(read.body["available"] == 1, "{read:#?}");
            Ok(())
        })
        .await?;
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}
