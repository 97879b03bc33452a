//! What customers tell the shop stays between them: none of it is in a log, nor where Temporal keeps clear text.

use anyhow::Context as _;
use kassa_devstack::stack::PAYLOAD_KEYS;
use kassa_domain::{OrderId, ProductId};
use kassa_tests::customer::{GOOD_CARD, SECURE_CARD};
use kassa_tests::{Answer, Markers, Page, Shop, on_shared_shop};
use kassa_workflows::{cancellation, refund, workflow_id};
use serde_json::{Value, json};
use uuid::Uuid;

/// Buys, is declined, and makes every kind of mistake with values that nobody else may see. Returns the orders, and the product of which
/// there were ten pieces.
async fn tell(shop: &Shop, markers: &mut Markers) -> anyhow::Result<(Vec<OrderId>, ProductId)> {
    let product = shop.create_product(1250, 10).await?;
    let mut orders = Vec::new();
    let mut email = || markers.plant("anna.", "@example.com");
    let checkout = |email: &str, payment_method: &str| {
        let body = json!({
            "items": [{ "product_id": product, "quantity": 1 }],
            "email": email,
            "payment_method": payment_method,
        });
        let key = Uuid::new_v4().to_string();
        shop.http.post(shop.url("/api/checkout")).header("idempotency-key", key).json(&body)
    };
    let confirmed = Answer::of(checkout(&email(), "pm_card_visa")).await?;
    orders.push(confirmed.assert_confirmed());
    let declined = Answer::of(checkout(&email(), "pm_card_visa_chargeDeclined")).await?;
    declined.assert_problem(402, "payment_declined");
    orders.push(declined.order_id().context("the problem names the order")?);
    for token in [&confirmed, &declined].into_iter().filter_map(|answer| answer.body["order_token"].as_str()) {
        markers.keep(token);
    }

    let email = markers.plant("bert.", "@example.com");
    let card = markers.plant("4242", "");
    Answer::of(checkout(&email, &card)).await?.assert_problem(422, "validation_failed");
    let broken = format!(r#"{{"email": "{email}", "items": [], "payment_method": "{card}"#);
    let raw = shop.http.post(shop.url("/api/checkout")).header("content-type", "application/json");
    Answer::of(raw.header("idempotency-key", Uuid::new_v4().to_string()).body(broken))
        .await?
        .assert_problem(400, "invalid_json");

    let bearer = markers.plant("eyJ", "");
    let refused =
        Answer::of(shop.http.get(shop.url(&format!("/api/orders/{}", orders[0]))).bearer_auth(bearer)).await?;
    refused.assert_problem(401, "unauthorized");
    let order_token = markers.plant("", "");
    let order = shop.http.get(shop.url(&format!("/api/orders/{}", orders[0])));
    Answer::of(order.header("kassa-order-token", order_token)).await?.assert_problem(404, "order_not_found");
    let query = markers.plant("/api/products?email=", "%40example.com");
    shop.get(&query).await?.assert_problem(400, "invalid_parameter");
    let path = markers.plant("/api/", "@example.com");
    shop.get(&path).await?.assert_problem(404, "not_found");
    Ok((orders, product))
}

/// Pays on a page and with an authentication, has money given back, and cancels. Returns the orders, and the workflows that they have
/// had beside their checkouts.
async fn go_on(shop: &Shop, markers: &mut Markers, product: &ProductId) -> anyhow::Result<(Vec<OrderId>, Vec<String>)> {
    let mut checkout = async |way: Value| {
        let mut body = json!({
            "items": [{ "product_id": product, "quantity": 1 }],
            "email": markers.plant("carl.", "@example.com"),
        });
        body.as_object_mut().context("an object")?.extend(way.as_object().context("an object")?.clone());
        let key = Uuid::new_v4().to_string();
        let answer =
            Answer::of(shop.http.post(shop.url("/api/checkout")).header("idempotency-key", key).json(&body)).await?;
        for secret in ["order_token", "client_secret"] {
            markers.keep(answer.body[secret].as_str().unwrap_or("pi_none_secret_none"));
        }
        anyhow::Ok(answer)
    };
    let to = |path: &str| format!("https://shop.example/{path}");
    let paid = checkout(json!({ "payment": "hosted", "success_url": to("thanks"), "cancel_url": to("cart") })).await?;
    Page::of(&paid)?.pay(GOOD_CARD).await?;
    let secure = checkout(json!({ "payment_method": SECURE_CARD })).await?;
    Page::within(shop, &secure)?.submit(&[("result", "passed")]).await?;
    let refunded = checkout(json!({ "payment_method": GOOD_CARD })).await?;
    let refund = shop.refund(&refunded.assert_confirmed()).of(100);
    assert_eq!(refund.send().await?.status, 201);
    let cancelled = checkout(json!({ "payment_method": GOOD_CARD })).await?;
    let token = cancelled.body["order_token"].as_str().context("a token of the order")?;
    let cancel = shop.http.post(shop.url(&format!("/api/orders/{}/cancel", cancelled.assert_confirmed())));
    assert_eq!(Answer::of(cancel.header("kassa-order-token", token).json(&json!({}))).await?.status, 200);

    let workflows =
        vec![refund::workflow_id(&refund.refund_id()), cancellation::workflow_id(&cancelled.assert_confirmed())];
    let orders = [paid, secure, refunded, cancelled].iter().filter_map(Answer::order_id).collect();
    Ok((orders, workflows))
}

#[test]
fn personal_data_is_nowhere_but_where_it_belongs() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let mut markers = Markers::default();
        let (_, key) = PAYLOAD_KEYS.split_once(':').context("a key with its name")?;
        markers.keep(key);

        let (mut orders, product) = tell(shop, &mut markers).await?;
        let (others, workflows) = go_on(shop, &mut markers, &product).await?;
        orders.extend(others);
        assert_eq!(orders.len(), 6);

        for order in &orders {
            shop.closed(order).await?;
            markers.assert_absent_in_workflow(shop, &workflow_id(order)).await?;
        }
        for workflow in workflows {
            shop.completed(&workflow).await?;
            markers.assert_absent_in_workflow(shop, &workflow).await?;
        }
        let listed = markers.assert_absent_in_list(shop, "").await?;
        assert!(listed >= orders.len(), "only {listed} workflows are listed");
        assert!(markers.assert_absent_in_events(shop).await? >= orders.len(), "all orders are told of");
        assert!(markers.assert_absent_in_rows(shop).await? >= orders.len(), "all events are logged");
        markers.assert_absent_in_metrics(shop, &shop.stack.worker_metrics_url()).await?;
        markers.assert_absent_in_logs(shop, "/api/checkout")?;
        shop.oracle().product(&product, 10).orders(&orders).check().await
    })
}
