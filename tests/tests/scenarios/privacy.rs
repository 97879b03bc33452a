//! What customers tell the shop stays between them: none of it is in a log, nor where Temporal keeps clear text.

use anyhow::Context as _;
use kassa_devstack::stack::PAYLOAD_KEYS;
use kassa_domain::{OrderId, ProductId};
use kassa_tests::{Answer, Markers, Shop, on_shared_shop};
use kassa_workflows::workflow_id;
use serde_json::json;
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

#[test]
fn personal_data_is_nowhere_but_where_it_belongs() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let mut markers = Markers::default();
        let (_, key) = PAYLOAD_KEYS.split_once(':').context("a key with its name")?;
        markers.keep(key);

        let (orders, product) = tell(shop, &mut markers).await?;

        for order in &orders {
            shop.closed(order).await?;
            markers.assert_absent_in_workflow(shop, &workflow_id(order)).await?;
        }
        let listed = markers.assert_absent_in_list(shop, "").await?;
        assert!(listed >= orders.len(), "only {listed} workflows are listed");
        assert!(markers.assert_absent_in_events(shop).await? >= orders.len(), "both orders are told of");
        assert!(markers.assert_absent_in_rows(shop).await? >= orders.len(), "both events are logged");
        markers.assert_absent_in_metrics(shop, &shop.stack.worker_metrics_url()).await?;
        markers.assert_absent_in_logs(shop, "/api/checkout")?;
        shop.oracle().product(&product, 10).orders(&orders).check().await
    })
}
