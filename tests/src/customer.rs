//! A customer of the shop, as the HTTP API sees one.

use std::time::Duration;

use anyhow::Context as _;
use kassa_domain::{Caller, EmailAddress, IdempotencyKey, OrderId, ProductId};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::accounts::{Account, new_address};
use crate::{Shop, touched};

/// The payment method of a card that is charged without questions.
pub const GOOD_CARD: &str = "pm_card_visa";

/// The payment method of a card whose customer has to authenticate (3-D Secure).
pub const SECURE_CARD: &str = "pm_card_threeDSecure2Required";

/// The header in which a guest shows the token of an order.
pub const ORDER_TOKEN: &str = "kassa-order-token";

/// Somebody with an e-mail address of their own.
#[derive(Debug, Clone)]
pub struct Customer<'shop> {
    shop: &'shop Shop,
    email: String,
    account: Option<Account>,
}

impl Shop {
    /// A customer who was never here before.
    pub fn customer(&self) -> Customer<'_> {
        Customer { shop: self, email: new_address(), account: None }
    }
}

impl<'shop> Customer<'shop> {
    /// The same customer, signed in to an account from now on.
    #[must_use]
    pub fn signed_in(self, account: &Account) -> Self {
        Self { email: account.email.clone(), account: Some(account.clone()), ..self }
    }

    /// The address that mail goes to.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The order that this customer asks for with a key.
    pub fn order_id(&self, key: &str) -> OrderId {
        let key: IdempotencyKey = key.parse().expect("a key as the tests choose it");
        OrderId::derive(&self.caller(), &key)
    }

    /// Who this is to the shop.
    pub fn caller(&self) -> Caller {
        if let Some(account) = &self.account {
            return Caller::user(&account.user);
        }
        let email: EmailAddress = self.email.parse().expect("an address as the harness makes it");
        Caller::guest(&email)
    }

    /// A request as this customer sends it.
    pub fn signs(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.account {
            Some(account) => account.signs(request),
            None => request,
        }
    }

    /// A checkout of some pieces of one product; more lines can be added.
    pub fn buys(&self, product: &ProductId, quantity: u32) -> Checkout<'shop> {
        self.checkout().item(product.as_str(), quantity)
    }

    /// A checkout without lines.
    pub fn checkout(&self) -> Checkout<'shop> {
        Checkout {
            shop: self.shop,
            customer: self.clone(),
            key: Uuid::new_v4().to_string(),
            items: Vec::new(),
            cart: None,
            body: self.mail_and_card(),
        }
    }

    /// An account knows where its mail goes; a guest says it.
    fn mail_and_card(&self) -> Map<String, Value> {
        let card = ("payment_method".to_owned(), json!(GOOD_CARD));
        let email = ("email".to_owned(), json!(self.email));
        match self.account {
            Some(_) => Map::from_iter([card]),
            None => Map::from_iter([card, email]),
        }
    }

    /// A request about an order of this customer; a guest shows the token that came with the order.
    pub fn about(&self, method: Method, order: &Answer, path: &str) -> RequestBuilder {
        let id = order.order_id().unwrap_or_else(|| panic!("no order id: {order:#?}"));
        let request = self.signs(self.shop.http.request(method, self.shop.url(&format!("/api/orders/{id}{path}"))));
        match order.body["order_token"].as_str() {
            Some(token) => request.header(ORDER_TOKEN, token),
            None => request,
        }
    }

    /// A request to pay an order of this customer with another card, under a key.
    pub fn pays_again(&self, order: &Answer, payment_method: &str, key: &str) -> RequestBuilder {
        let request = self.about(Method::POST, order, "/payment").header("idempotency-key", key);
        request.json(&json!({ "payment_method": payment_method }))
    }

    /// A request to the checkout as raw as a test wants it.
    pub fn raw_checkout(&self) -> RequestBuilder {
        self.signs(self.shop.http.post(self.shop.url("/api/checkout")))
    }
}

/// A request for a checkout. Sending it again sends the same.
#[derive(Debug, Clone)]
pub struct Checkout<'shop> {
    shop: &'shop Shop,
    customer: Customer<'shop>,
    key: String,
    items: Vec<Value>,
    cart: Option<HeaderMap>,
    body: Map<String, Value>,
}

impl Checkout<'_> {
    /// Another line.
    #[must_use]
    pub fn item(mut self, product: &str, quantity: u32) -> Self {
        self.items.push(json!({ "product_id": product, "quantity": quantity }));
        self
    }

    /// Under this key instead of one of its own.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    /// With this payment method.
    #[must_use]
    pub fn pays_with(self, payment_method: &str) -> Self {
        self.field("payment_method", json!(payment_method))
    }

    /// Paying on a page of Stripe's.
    #[must_use]
    pub fn on_page(mut self) -> Self {
        self.body.remove("payment_method");
        self.field("payment", json!("hosted"))
            .field("success_url", json!("https://shop.example/thanks"))
            .field("cancel_url", json!("https://shop.example/cart"))
    }

    /// With a way back from an authentication.
    #[must_use]
    pub fn can_authenticate(self) -> Self {
        self.field("return_url", json!("https://shop.example/back"))
    }

    /// Expecting this total, in euro cents.
    #[must_use]
    pub fn expects(self, total: i64) -> Self {
        self.field("expected_total", json!({ "amount": total, "currency": "EUR" }))
    }

    /// With this field in the body.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.body.insert(name.to_owned(), value);
        self
    }

    /// What is in the cart of whom these headers name, instead of lines.
    #[must_use]
    pub fn of_cart(self, owner: HeaderMap) -> Self {
        Self { cart: Some(owner), ..self }
    }

    /// The order that this asks for.
    pub fn order_id(&self) -> OrderId {
        self.customer.order_id(&self.key)
    }

    /// The request, ready to be sent.
    pub fn request(&self) -> RequestBuilder {
        touched::ordered(&self.order_id());
        let mut body = self.body.clone();
        if self.cart.is_none() {
            body.entry("items").or_insert_with(|| Value::Array(self.items.clone()));
        }
        let owner = self.cart.clone().unwrap_or_default();
        self.customer.raw_checkout().header("idempotency-key", &self.key).headers(owner).json(&body)
    }

    /// Sends it and waits for the answer.
    pub async fn send(&self) -> anyhow::Result<Answer> {
        Answer::of(self.request()).await
    }

    /// Sends it and hangs up when `until` has come.
    pub async fn hang_up(&self, until: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        tokio::select! {
            answer = self.send() => anyhow::bail!("answered before the customer hung up: {:?}", answer?),
            come = until => come,
        }
    }

    /// Sends it until the answer is no longer that it is still undecided.
    pub async fn send_until_decided(&self) -> anyhow::Result<Answer> {
        crate::eventually("the checkout is decided", async || {
            let answer = self.send().await?;
            anyhow::ensure!(answer.status != StatusCode::ACCEPTED, "still undecided");
            Ok(answer)
        })
        .await
    }

    /// The shop it is sent to.
    pub fn shop(&self) -> &Shop {
        self.shop
    }
}

/// What the API answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null if it is empty, a string if it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Sends a request and reads the answer.
    pub async fn of(request: RequestBuilder) -> anyhow::Result<Self> {
        // Longer than the API waits for anything.
        let response = request.timeout(Duration::from_mins(3)).send().await.context("sending a request to the API")?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.context("reading an answer of the API")?;
        let body = match serde_json::from_str(&text) {
            Ok(body) => body,
            Err(_) if text.is_empty() => Value::Null,
            Err(_) => Value::String(text),
        };
        Ok(Self { status, headers, body })
    }

    /// A header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The order that it is about.
    pub fn order_id(&self) -> Option<OrderId> {
        self.body["order_id"].as_str()?.parse().ok()
    }

    /// The stable code of a problem.
    pub fn code(&self) -> Option<&str> {
        self.body["code"].as_str()
    }

    /// Whether it says that it was given before.
    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The fields that a problem names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str()).collect()
    }

    /// Checks that it is a problem as RFC 9457 draws it, with this status and code.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.code()), (status, Some(code)), "{self:#?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:#?}");
        assert_eq!(self.body["status"], status, "{self:#?}");
        for member in ["title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {self:#?}");
        }
    }

    /// Checks that it confirms an order, and returns the order.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[track_caller]
    pub fn assert_confirmed(&self) -> OrderId {
        assert_eq!(self.status, StatusCode::CREATED, "{self:#?}");
        self.order_id().unwrap_or_else(|| panic!("no order id: {self:#?}"))
    }
}
