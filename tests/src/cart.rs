//! A cart, as its owner uses it through the API.

use kassa_domain::{CartId, ProductId};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::customer::Checkout;
use crate::{Answer, Customer, Shop};

/// The header by which a guest's cart is known.
pub const KASSA_CART: HeaderName = HeaderName::from_static("kassa-cart");

/// The cart of a guest or of an account.
#[derive(Debug, Clone)]
pub struct Cart<'shop> {
    shop: &'shop Shop,
    owner: HeaderMap,
}

impl Shop {
    /// The cart of a guest who has none yet.
    pub fn guest_cart(&self) -> Cart<'_> {
        Cart { shop: self, owner: HeaderMap::new() }
    }

    /// The cart of the account with this access token.
    pub fn account_cart(&self, token: &str) -> Cart<'_> {
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).expect("tokens are ASCII");
        Cart { shop: self, owner: HeaderMap::from_iter([(AUTHORIZATION, bearer)]) }
    }
}

impl<'shop> Cart<'shop> {
    /// What tells the API whose cart it is.
    pub fn owner(&self) -> &HeaderMap {
        &self.owner
    }

    /// The token of a guest's cart, once there is one.
    pub fn token(&self) -> Option<&str> {
        self.owner.get(KASSA_CART)?.to_str().ok()
    }

    /// The id of a guest's cart, once there is one.
    pub fn id(&self) -> Option<CartId> {
        self.token()?.split('.').next()?.parse().ok()
    }

    /// A request about the cart, such as to `/items`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.shop.http.request(method, self.shop.url(&format!("/api/cart{path}"))).headers(self.owner.clone())
    }

    /// Puts in pieces of a product. A guest is handed out a cart by that.
    pub async fn add(&mut self, product: &ProductId, quantity: u32) -> anyhow::Result<Answer> {
        let body = json!({ "product_id": product, "quantity": quantity });
        let answer = Answer::of(self.request(Method::POST, "/items").json(&body)).await?;
        if let Some(token) = answer.headers.get(KASSA_CART) {
            self.owner.insert(KASSA_CART, token.clone());
        }
        Ok(answer)
    }

    /// Sees to it that there are this many pieces of a product.
    pub async fn set(&self, product: &ProductId, quantity: u32) -> anyhow::Result<Answer> {
        let request = self.request(Method::PUT, &format!("/items/{product}"));
        Answer::of(request.json(&json!({ "quantity": quantity }))).await
    }

    /// Takes out a product.
    pub async fn remove(&self, product: &ProductId) -> anyhow::Result<Answer> {
        Answer::of(self.request(Method::DELETE, &format!("/items/{product}"))).await
    }

    /// Takes out everything.
    pub async fn clear(&self) -> anyhow::Result<Answer> {
        Answer::of(self.request(Method::DELETE, "")).await
    }

    /// What is in it.
    pub async fn read(&self) -> anyhow::Result<Answer> {
        Answer::of(self.request(Method::GET, "")).await
    }

    /// Buys it, as this customer.
    pub fn checkout(&self, customer: &Customer<'shop>) -> Checkout<'shop> {
        customer.checkout().of_cart(self.owner.clone())
    }
}

impl Answer {
    /// The items of a cart: products and how many pieces of each.
    pub fn cart_items(&self) -> Vec<(&str, i64)> {
        let items = self.body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| Some((item["product_id"].as_str()?, item["quantity"].as_i64()?))).collect()
    }
}
