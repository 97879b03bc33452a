//! What all tests need.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kassa_stand_ins::stripe::{Config, Server, Webhook, start};
use kassa_stripe_client::{Error, PooledStripe, SecretKey, StripeConfig};
use stripe_client_core::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_core::payment_intent::{
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods,
    CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects,
};
use stripe_shared::PaymentIntent;
use stripe_types::Currency;

pub(crate) const SECRET_KEY: &str = "sk_test_kassa";

/// A server without a memory or a webhook endpoint, and a client for it.
pub(crate) async fn stripe() -> (Server, PooledStripe) {
    let server = start(config()).await.unwrap();
    let client = client(&server);
    (server, client)
}

pub(crate) fn config() -> Config {
    Config { listen: "127.0.0.1:0".parse().unwrap(), secret_key: SECRET_KEY.to_owned(), webhook: None, state: None }
}

pub(crate) fn with_webhook(url: String, secret: &str) -> Config {
    Config { webhook: Some(Webhook { url, secret: secret.to_owned(), events: vec!["*".to_owned()] }), ..config() }
}

pub(crate) fn client(server: &Server) -> PooledStripe {
    PooledStripe::new(&StripeConfig {
        endpoint: server.url(),
        request_timeout: Duration::from_secs(10),
        ..StripeConfig::new(SecretKey::new(SECRET_KEY).unwrap())
    })
    .unwrap()
}

/// A payment of 25 dollars that is confirmed at once with the given test payment method.
pub(crate) fn payment(method: &str) -> CreatePaymentIntent {
    intent().payment_method(method).confirm(true)
}

/// A payment of 25 dollars without a payment method.
pub(crate) fn intent() -> CreatePaymentIntent {
    CreatePaymentIntent::new(2_500, Currency::USD).automatic_payment_methods(without_redirects())
}

pub(crate) fn without_redirects() -> CreatePaymentIntentAutomaticPaymentMethods {
    let mut automatic = CreatePaymentIntentAutomaticPaymentMethods::new(true);
    automatic.allow_redirects = Some(CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects::Never);
    automatic
}

pub(crate) fn metadata(order_id: &str) -> std::collections::HashMap<String, String> {
    [("order_id".to_owned(), order_id.to_owned()), ("attempt".to_owned(), "1".to_owned())].into()
}

/// Sends a creation with an idempotency key.
pub(crate) async fn send_with_key(
    client: &PooledStripe,
    request: &CreatePaymentIntent,
    key: &str,
) -> Result<PaymentIntent, Error> {
    request.customize().request_strategy(idempotent(key)).send(client).await
}

pub(crate) fn idempotent(key: &str) -> RequestStrategy {
    RequestStrategy::Idempotent(IdempotencyKey::new(key).unwrap())
}

/// Waits until a condition holds, and fails when it does not within ten seconds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < deadline, "it did not happen in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Asks the API without the SDK, to see what it does not show.
pub(crate) fn raw(method: reqwest::Method, server: &Server, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    client.request(method, format!("{}{path}", server.url())).bearer_auth(SECRET_KEY)
}

pub(crate) fn post(server: &Server, path: &str, form: &str) -> reqwest::RequestBuilder {
    raw(reqwest::Method::POST, server, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
}

pub(crate) fn get(server: &Server, path: &str) -> reqwest::RequestBuilder {
    raw(reqwest::Method::GET, server, path)
}

pub(crate) async fn json(request: reqwest::RequestBuilder) -> (u16, serde_json::Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A file in a folder of its own, which is removed in the end.
pub(crate) struct StateFile(pub(crate) PathBuf);

impl StateFile {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("kassa-stripe-{}", uuid::Uuid::new_v4()));
        Self(folder.join("stripe.sqlite"))
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        if let Some(folder) = self.0.parent() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
