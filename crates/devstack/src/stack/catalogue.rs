//! A small catalogue, put there through the HTTP API.

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Stack;
use crate::error::{Error, Result};
use crate::http::client;

/// A product of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: &'static str,
    /// What customers read.
    pub name: &'static str,
    /// Its price in euro cents.
    pub price: u32,
    /// How many pieces there are when the stack starts.
    pub stock: u64,
}

/// What is for sale.
pub const fn products() -> [Product; 6] {
    [
        Product { id: "prod_darjeeling", name: "Darjeeling First Flush, 100 g", price: 1490, stock: 500 },
        Product { id: "prod_sencha", name: "Sencha, 100 g", price: 1190, stock: 500 },
        Product { id: "prod_rooibos", name: "Rooibos with vanilla, 100 g", price: 690, stock: 500 },
        Product { id: "prod_cup", name: "Stoneware cup", price: 1250, stock: 200 },
        Product { id: "prod_teapot", name: "Cast-iron teapot, 0.8 l", price: 4900, stock: 50 },
        Product { id: "prod_advent_calendar", name: "Tea advent calendar", price: 3900, stock: 0 },
    ]
}

/// Creates what is missing, and tops up what an earlier run of the stack has sold.
pub(super) async fn fill(stack: &Stack) -> Result<()> {
    let api = stack.api_url();
    let staff = Staff { client: client(), token: stack.admin_token().await? };
    for product in products() {
        let what = || format!("Adding {} to the catalogue", product.id);
        let url = format!("{api}/api/products/{}", product.id);
        let answer = staff.client.get(&url).send().await.map_err(|error| Error::setup(what(), error))?;
        let available = if answer.status() == StatusCode::NOT_FOUND {
            create(&staff, &api, product).await?;
            0
        } else {
            let stored: Stored = read(what(), answer).await?;
            stored.available
        };
        let missing = product.stock.saturating_sub(available);
        if missing > 0 {
            let body = json!({ "delta": missing, "reason": "Stock of the local stack" });
            staff.send(what(), format!("{url}/stock"), &body).await?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Stored {
    available: u64,
}

async fn create(staff: &Staff, api: &str, product: Product) -> Result<()> {
    let body = json!({
        "id": product.id,
        "name": product.name,
        "price": { "amount": product.price, "currency": "EUR" },
    });
    staff.send(format!("Creating {}", product.id), format!("{api}/api/products"), &body).await
}

/// Whoever puts it there.
struct Staff {
    client: Client,
    token: String,
}

impl Staff {
    async fn send(&self, what: String, url: String, body: &Value) -> Result<()> {
        let request = self.client.post(url).bearer_auth(&self.token).json(body);
        let request = request.header("idempotency-key", Uuid::new_v4().to_string());
        let answer = request.send().await.map_err(|error| Error::setup(&what, error))?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(what, answer).await) }
    }
}

async fn read<T: serde::de::DeserializeOwned>(what: String, answer: reqwest::Response) -> Result<T> {
    if !answer.status().is_success() {
        return Err(refused(what, answer).await);
    }
    answer.json().await.map_err(|error| Error::setup(what, error))
}

async fn refused(what: String, answer: reqwest::Response) -> Error {
    let status = answer.status();
    if status == StatusCode::CONFLICT {
        let deleted = "it was deleted, and ids are not used again; `cargo dev --reset` starts from nothing";
        return Error::setup(what, deleted);
    }
    Error::setup(what, format!("{status}: {}", answer.text().await.unwrap_or_default()))
}
