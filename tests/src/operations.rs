//! What the staff of the shop does: the administrative part of the HTTP API.

use anyhow::ensure;
use kassa_domain::{OrderId, ProductId, StockLevel};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use uuid::Uuid;

use crate::{Answer, Shop, touched};

impl Shop {
    /// A request of an administrator.
    pub fn as_admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(self.admin_token())
    }

    /// A new product at a price in euro cents, with some pieces in stock.
    pub async fn create_product(&self, price: i64, stock: i64) -> anyhow::Result<ProductId> {
        let id = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());
        let body =
            json!({ "id": id, "name": format!("Product {id}"), "price": { "amount": price, "currency": "EUR" } });
        let answer = Answer::of(self.as_admin(Method::POST, "/api/products").json(&body)).await?;
        ensure!(answer.status.is_success(), "creating a product: {answer:?}");
        touched::made(&id);
        if stock > 0 {
            let answer = self.receive_stock(&id, stock, &Uuid::new_v4().to_string()).await?;
            ensure!(answer.status.is_success(), "receiving stock: {answer:?}");
        }
        Ok(id)
    }

    /// Receives stock of a product, under the name of a receipt.
    pub async fn receive_stock(&self, product: &ProductId, delta: i64, receipt: &str) -> anyhow::Result<Answer> {
        let request = self.as_admin(Method::POST, &format!("/api/products/{product}/stock"));
        let request = request.header("idempotency-key", receipt).json(&json!({ "delta": delta, "reason": "test" }));
        let answer = Answer::of(request).await?;
        if answer.status.is_success() {
            touched::received(product, delta, receipt);
        }
        Ok(answer)
    }

    /// The counters of a product, from the database.
    pub async fn stock(&self, product: &ProductId) -> anyhow::Result<StockLevel> {
        self.products.stock(product).await?.ok_or_else(|| anyhow::anyhow!("there is no product {product}"))
    }

    /// What the API tells an administrator about an order.
    pub async fn order(&self, order: &OrderId) -> anyhow::Result<Answer> {
        Answer::of(self.as_admin(Method::GET, &format!("/api/orders/{order}"))).await
    }

    /// What the API tells an administrator about the history of an order.
    pub async fn timeline(&self, order: &OrderId) -> anyhow::Result<Answer> {
        Answer::of(self.as_admin(Method::GET, &format!("/api/orders/{order}/timeline"))).await
    }

    /// What the API answers to a plain read.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::of(self.http.get(self.url(path))).await
    }
}
