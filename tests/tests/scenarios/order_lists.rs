//! Lists of orders: one's own for customers, everybody's for administrators.

use kassa_domain::OrderId;
use kassa_tests::{Account, Answer, Shop, on_shared_shop};
use reqwest::Method;
use serde_json::json;

/// So many confirmed orders of an account, the oldest first.
async fn buy(shop: &Shop, account: &Account, orders: usize) -> anyhow::Result<Vec<OrderId>> {
    let tea = shop.create_product(1250, 50).await?;
    let mut bought = Vec::new();
    for _ in 0..orders {
        bought.push(shop.customer().signed_in(account).buys(&tea, 2).send().await?.assert_confirmed());
    }
    Ok(bought)
}

/// What an account sees under `/api/orders` with this query.
async fn own(shop: &Shop, account: &Account, query: &str) -> anyhow::Result<Answer> {
    Answer::of(account.signs(shop.http.get(shop.url(&format!("/api/orders?{query}"))))).await
}

/// What an administrator sees of everybody's orders with this query.
async fn all(shop: &Shop, query: &str) -> anyhow::Result<Answer> {
    Answer::of(shop.as_admin(Method::GET, &format!("/api/orders?scope=all&{query}"))).await
}

#[track_caller]
fn ids(page: &Answer) -> Vec<OrderId> {
    assert_eq!(page.status, 200, "{page:#?}");
    let items = page.body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item["id"].as_str().unwrap_or_default().parse().expect("an id")).collect()
}

/// When an order was placed, as its list says.
fn placed_at(page: &Answer, place: usize) -> String {
    page.body["items"][place]["created_at"].as_str().expect("a time").to_owned()
}

#[test]
fn customer_sees_the_own_orders_newest_first_and_page_by_page() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (ada, bob) = (shop.sign_up().await?, shop.sign_up().await?);
        let mut orders = buy(shop, &ada, 3).await?;
        buy(shop, &bob, 1).await?;
        orders.reverse();

        let whole = own(shop, &ada, "").await?;

        assert_eq!(ids(&whole), orders);
        assert!(whole.body.get("next").is_none(), "{whole:#?}");
        let first = &whole.body["items"][0];
        assert_eq!((&first["status"], &first["item_count"]), (&json!("CONFIRMED"), &json!(2)), "{whole:#?}");
        assert_eq!(first["total"], json!({ "amount": 2500, "currency": "EUR" }));
        assert_eq!(first["refunded"], json!({ "amount": 0, "currency": "EUR" }));
        assert_eq!(first["customer_id"], ada.user.as_str());
        assert!(!whole.body.to_string().contains("@example.com"), "a list holds no addresses: {whole:#?}");

        let page = own(shop, &ada, "limit=2").await?;
        assert_eq!(ids(&page), orders[..2]);
        // What is bought between two pages shifts nothing.
        buy(shop, &ada, 1).await?;
        let next = page.body["next"].as_str().expect("a second page");
        let rest = own(shop, &ada, &format!("limit=2&cursor={next}")).await?;
        assert_eq!(ids(&rest), orders[2..]);
        assert!(rest.body.get("next").is_none(), "{rest:#?}");
        Ok(())
    })
}

#[test]
fn orders_are_found_by_status_and_by_when_they_were_placed() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let ada = shop.sign_up().await?;
        let orders = buy(shop, &ada, 3).await?;
        let [oldest, shipped, newest] = &orders[..] else { unreachable!("three were bought") };
        let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{shipped}/status"));
        assert_eq!(Answer::of(ship.json(&json!({ "status": "SHIPPED" }))).await?.status, 200);
        let whole = own(shop, &ada, "").await?;
        let (last, middle) = (placed_at(&whole, 0), placed_at(&whole, 1));
        let customer = format!("customer={}", ada.user);

        for (query, expected) in [
            ("status=SHIPPED".to_owned(), vec![shipped]),
            ("status=CONFIRMED".to_owned(), vec![newest, oldest]),
            ("status=SHIPPED,CONFIRMED".to_owned(), vec![newest, shipped, oldest]),
            ("status=CANCELLED".to_owned(), vec![]),
            (format!("from={middle}"), vec![newest, shipped]),
            (format!("to={middle}"), vec![oldest]),
            (format!("from={middle}&to={last}"), vec![shipped]),
            (format!("from={middle}&status=CONFIRMED"), vec![newest]),
            ("from=2100-01-01T00:00:00Z".to_owned(), vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().cloned().collect();
            assert_eq!(ids(&own(shop, &ada, &query).await?), expected, "{query}");
            assert_eq!(ids(&all(shop, &format!("{customer}&{query}")).await?), expected, "everybody's: {query}");
        }
        Ok(())
    })
}

#[test]
fn everybodys_orders_are_for_administrators() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (ada, bob) = (shop.sign_up().await?, shop.sign_up().await?);
        let (adas, bobs) = (buy(shop, &ada, 1).await?, buy(shop, &bob, 1).await?);
        let tea = shop.create_product(1250, 1).await?;
        let guest = shop.customer();
        let guests = guest.buys(&tea, 1).send().await?.assert_confirmed();

        // Other tests buy meanwhile, so it is asked for these three customers.
        for (customer, orders) in [
            (ada.user.to_string(), &adas),
            (bob.user.to_string(), &bobs),
            (guest.caller().as_str().to_owned(), &vec![guests]),
        ] {
            assert_eq!(&ids(&all(shop, &format!("customer={customer}")).await?), orders, "{customer}");
        }
        let everything = all(shop, "limit=100&from=2020-01-01T00:00:00Z").await?;
        assert!(ids(&everything).len() >= 3, "{everything:#?}");

        own(shop, &ada, "scope=all").await?.assert_problem(403, "forbidden");
        let sneaky = own(shop, &ada, &format!("customer={}", bob.user)).await?;
        sneaky.assert_problem(400, "invalid_parameter");
        assert_eq!(sneaky.fields(), ["customer"]);
        shop.get("/api/orders").await?.assert_problem(401, "unauthorized");
        shop.get("/api/orders?scope=all").await?.assert_problem(401, "unauthorized");
        Ok(())
    })
}

#[test]
fn filters_that_make_no_sense_are_named() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for (query, parameter) in [
            ("status=PAID", "status"),
            ("status=", "status"),
            ("from=yesterday", "from"),
            ("from=2026-11-01", "from"),
            ("to=2026-11-01T00:00:00", "to"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("cursor=made-up", "cursor"),
            ("scope=everything", "scope"),
            ("customer=prod_tea", "customer"),
        ] {
            let query = if query.starts_with("scope") { query.to_owned() } else { format!("scope=all&{query}") };
            let answer = Answer::of(shop.as_admin(Method::GET, &format!("/api/orders?{query}"))).await?;
            answer.assert_problem(400, "invalid_parameter");
            assert_eq!(answer.fields(), [parameter], "{query}");
        }
        let unknown = Answer::of(shop.as_admin(Method::GET, "/api/orders?colour=red")).await?;
        unknown.assert_problem(400, "invalid_parameter");
        Ok(())
    })
}
