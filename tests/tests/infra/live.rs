//! The tables, the bus and the queues of an environment, made by Terraform at the local servers, carry an order.

use anyhow::{Context as _, ensure};
use kassa_devstack::ministack::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use kassa_devstack::stack::sdk_config;
use kassa_store::config::dynamodb_client;
use kassa_tests::{Answer, Shop, eventually, on_own_shop};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::terraform::Terraform;

/// The bus of the environment `dev`, and the queue that gets every event of an order.
const BUS: &str = "kassa-dev";
const QUEUE: &str = "kassa-dev-orders";

#[test]
fn an_order_is_sold_and_announced_with_what_terraform_has_made() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        delete_tables(shop).await?;
        apply(shop).await?;
        shop.stack.worker.stop().await?;
        shop.stack.worker.start_with(&[("KASSA_EVENT_BUS", BUS)]).await?;

        let order = sell(shop).await?;

        eventually("the event is in the queue", async || {
            let queue = format!("{}/000000000000/{QUEUE}", shop.stack.aws.endpoint());
            let messages = format!("{}/_ministack/sqs/messages?QueueUrl={queue}", shop.stack.aws.endpoint());
            let messages = shop.http.get(messages).send().await?.text().await?;
            ensure!(messages.contains("order.confirmed") && messages.contains(&order), "{messages}");
            Ok(())
        })
        .await
    })
}

/// Deletes the tables that every local stack begins with.
async fn delete_tables(shop: &Shop) -> anyhow::Result<()> {
    let client = dynamodb_client(&sdk_config().await, &shop.stack.store_config().dynamodb);
    for table in client.list_tables().send().await?.table_names() {
        client.delete_table().table_name(table).send().await?;
    }
    Ok(())
}

/// Applies the tables, with the names that the local stack uses, and everything that carries messages.
async fn apply(shop: &Shop) -> anyhow::Result<()> {
    let config = shop.stack.store_config().dynamodb;
    let (tables, rest) = (config.endpoint.context("a local server")?, shop.stack.aws.endpoint());
    let prefix = format!("-var=table_prefix={}", config.tables.prefix);
    let environment = [
        ("AWS_ENDPOINT_URL", rest.as_str()),
        ("AWS_ENDPOINT_URL_DYNAMODB", tables.as_str()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
    ];
    let terraform = Terraform::copy().await?;
    let folder = terraform.folder("environments/dev");
    terraform.run(&folder, &["init", "-no-color"]).await?;
    let targets = ["-target=module.data.aws_dynamodb_table.this", "-target=module.messaging"];
    let command = ["apply", "-auto-approve", "-no-color", prefix.as_str(), targets[0], targets[1]];
    terraform.run_with(&folder, &command, &environment).await.map(drop)
}

/// Sells one unit and returns the order. Its event is not where the oracle looks for it, so nothing here is noted for the oracle.
async fn sell(shop: &Shop) -> anyhow::Result<String> {
    let product = json!({ "id": "prod_tea", "name": "Tea", "price": { "amount": 1250, "currency": "EUR" } });
    let made = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&product)).await?;
    ensure!(made.status == 201, "{made:?}");
    let stock = shop.receive_stock(&"prod_tea".parse()?, 1, &Uuid::new_v4().to_string()).await?;
    ensure!(stock.status.is_success(), "{stock:?}");
    let checkout = json!({
        "items": [{ "product_id": "prod_tea", "quantity": 1 }],
        "email": "ada@example.com",
        "payment_method": "pm_card_visa",
    });
    let request = shop.http.post(shop.url("/api/checkout")).header("idempotency-key", Uuid::new_v4().to_string());
    let answer = Answer::of(request.json(&checkout)).await?;
    ensure!(answer.body["status"] == "CONFIRMED", "{answer:?}");
    let order = &answer.body["order_id"];
    order.as_str().map(str::to_owned).with_context(|| format!("not an id: {}", Value::clone(order)))
}
