//! Giving money back, as the staff of the shop does.

use kassa_domain::{OrderId, PaymentId, RefundId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Answer, Shop};

/// A request for a refund. Sending it again sends the same.
#[derive(Debug, Clone)]
pub struct RefundRequest<'shop> {
    shop: &'shop Shop,
    payment: PaymentId,
    key: String,
    body: Value,
}

impl Shop {
    /// A refund of everything that is left of the payment of an order.
    pub fn refund(&self, order: &OrderId) -> RefundRequest<'_> {
        let key = Uuid::new_v4().to_string();
        RefundRequest { shop: self, payment: PaymentId::of(order), key, body: json!({ "reason": "goodwill" }) }
    }
}

impl RefundRequest<'_> {
    /// Of so many euro cents.
    #[must_use]
    pub fn of(mut self, cents: i64) -> Self {
        self.body["amount"] = json!({ "amount": cents, "currency": "EUR" });
        self
    }

    /// With this field in the body.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }

    /// The refund that this asks for.
    ///
    /// # Panics
    ///
    /// When the key is none.
    pub fn refund_id(&self) -> RefundId {
        RefundId::derive(&self.payment, &self.key.parse().expect("a UUID is a key"))
    }

    /// The request, ready to be sent.
    pub fn request(&self) -> RequestBuilder {
        let request = self.shop.as_admin(Method::POST, &format!("/api/payments/{}/refund", self.payment));
        request.header("idempotency-key", &self.key).json(&self.body)
    }

    /// Sends it and waits for the answer.
    pub async fn send(&self) -> anyhow::Result<Answer> {
        Answer::of(self.request()).await
    }
}
