//! People who have something in the shop: an order that was paid and refunded in part, messages about it, and a cart.

use std::collections::BTreeSet;

use anyhow::ensure;
use kassa_domain::{OrderId, PaymentId};
use kassa_tests::cart::KASSA_CART;
use kassa_tests::customer::ORDER_TOKEN;
use kassa_tests::messages::Addressee;
use kassa_tests::{Answer, Cart, Customer, Shop, eventually};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

/// Somebody who has something in the shop.
#[derive(Debug)]
pub(crate) struct Person {
    /// What they show to the API.
    pub(crate) credentials: HeaderMap,
    /// What is theirs, each known by the prefix of its id, and the product that they bought.
    pub(crate) ids: Vec<String>,
    /// What nobody else is to read.
    pub(crate) secrets: Vec<String>,
    /// Their order.
    pub(crate) order: OrderId,
}

impl Person {
    /// Somebody with an account.
    pub(crate) async fn with_account(shop: &Shop) -> anyhow::Result<Self> {
        let account = shop.sign_up().await?;
        let name = format!("Nobody's Business {}", Uuid::new_v4().simple());
        let phone = Addressee::new().phone.expose().to_owned();
        let put = |path: &str| account.signs(shop.http.put(shop.url(path)));
        done(put("/api/users/me").json(&json!({ "name": name }))).await?;

        let customer = shop.customer().signed_in(&account);
        let mut person = Self::buying(shop, &customer, shop.account_cart(&account.token)).await?;
        let messages = format!("user_id={}", account.user);
        person.wait_for_messages(shop, &messages, &["welcome", "order_confirmed", "refunded"]).await?;

        // Only now, so that nothing was sent there.
        let settings = json!({ "mail": { "shipped": true, "refunded": false }, "sms": { "phone_number": phone } });
        done(put("/api/notifications/settings").json(&settings)).await?;
        person.show(AUTHORIZATION, &format!("Bearer {}", account.token))?;
        person.ids.push(account.user.to_string());
        person.secrets.extend([account.email.clone(), account.user.to_string(), name, phone]);
        Ok(person)
    }

    /// A guest, who shows the tokens of the order and of the cart.
    pub(crate) async fn guest(shop: &Shop) -> anyhow::Result<Self> {
        let customer = shop.customer();
        let mut person = Self::buying(shop, &customer, shop.guest_cart()).await?;
        let messages = format!("order_id={}", person.order);
        person.wait_for_messages(shop, &messages, &["order_confirmed", "refunded"]).await?;

        let id = customer.caller().as_str().to_owned();
        person.secrets.extend([customer.email().to_owned(), id.clone()]);
        person.ids.push(id);
        Ok(person)
    }

    /// A request as they send it.
    pub(crate) fn asks(&self, shop: &Shop, method: Method, path: &str) -> RequestBuilder {
        shop.http.request(method, shop.url(path)).headers(self.credentials.clone())
    }

    /// Buys something, has a part of the money given back, and leaves something else in the cart.
    async fn buying<'shop>(
        shop: &'shop Shop,
        customer: &Customer<'shop>,
        mut cart: Cart<'shop>,
    ) -> anyhow::Result<Self> {
        let product = shop.create_product(1250, 5).await?;
        let bought = customer.buys(&product, 2).send().await?;
        let order = bought.assert_confirmed();
        let refund = shop.refund(&order).of(300).send().await?;
        ensure!(refund.status == 201, "giving money back: {refund:?}");
        shop.closed(&order).await?;
        shop.settled(&order).await?;
        let filled = cart.add(&product, 2).await?;
        ensure!(filled.status == 200, "filling a cart: {filled:?}");

        let payment = PaymentId::of(&order).to_string();
        let reconciliation = reconciliation(shop).await?;
        let ids = vec![order.to_string(), payment, product.to_string(), reconciliation];
        let mut person = Self { credentials: HeaderMap::new(), secrets: ids.clone(), ids, order };
        if let Some(token) = bought.body["order_token"].as_str() {
            person.show(HeaderName::from_static(ORDER_TOKEN), token)?;
            person.secrets.push(token.to_owned());
        }
        if let Some(token) = cart.token() {
            person.show(KASSA_CART, token)?;
            person.secrets.push(token.to_owned());
        }
        Ok(person)
    }

    fn show(&mut self, header: HeaderName, value: &str) -> anyhow::Result<()> {
        self.credentials.insert(header, HeaderValue::try_from(value)?);
        Ok(())
    }

    /// Waits until these messages were sent, after which nothing moves by itself any more.
    async fn wait_for_messages(&mut self, shop: &Shop, query: &str, templates: &[&str]) -> anyhow::Result<()> {
        let expected: BTreeSet<_> = templates.iter().copied().collect();
        let messages = eventually("all messages are sent", async || {
            let list = Answer::of(shop.as_admin(Method::GET, &format!("/api/notifications?{query}"))).await?;
            let messages = list.body["items"].as_array().cloned().unwrap_or_default();
            let sent = messages.iter().filter(|message| message["status"] == "SENT");
            let sent: BTreeSet<_> = sent.filter_map(|message| message["template"].as_str()).collect();
            ensure!(sent == expected, "{list:?}");
            Ok(messages)
        })
        .await?;
        let ids = messages.iter().filter_map(|message| message["message_id"].as_str());
        self.secrets.extend(ids.map(ToOwned::to_owned));
        Ok(())
    }
}

/// A reconciliation that has come to its end. It is nobody's, so nobody but administrators may read it.
async fn reconciliation(shop: &Shop) -> anyhow::Result<String> {
    let begun = done(shop.as_admin(Method::POST, "/api/reconciliations").json(&json!({}))).await?;
    let id = begun["id"].as_str().unwrap_or_default().to_owned();
    eventually("everything is compared", async || {
        let read = done(shop.as_admin(Method::GET, &format!("/api/reconciliations/{id}"))).await?;
        ensure!(read["status"] == "COMPLETED", "{read:?}");
        Ok(())
    })
    .await?;
    Ok(id)
}

async fn done(request: RequestBuilder) -> anyhow::Result<Value> {
    let answer = Answer::of(request).await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    Ok(answer.body)
}
