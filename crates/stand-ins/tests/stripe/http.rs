//! The protocol around the operations.

use kassa_stand_ins::stripe::{Config, StartError, start};
use kassa_stripe_client::{PooledStripe, SecretKey, StripeConfig};

use crate::support::{SECRET_KEY, config, get, intent, json, post, raw, stripe};

#[tokio::test]
async fn only_the_secret_key_opens_the_api() {
    let (server, _client) = stripe().await;
    let url = format!("{}/v1/payment_intents", server.url());
    let http = reqwest::Client::new();
    assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(http.get(&url).bearer_auth("sk_test_wrong").send().await.unwrap().status(), 401);
    assert_eq!(http.get(&url).bearer_auth(SECRET_KEY).send().await.unwrap().status(), 200);
    assert_eq!(http.get(&url).basic_auth(SECRET_KEY, Some("")).send().await.unwrap().status(), 200);

    let key = SecretKey::new("sk_test_wrong").unwrap();
    let stranger = PooledStripe::new(&StripeConfig { endpoint: server.url(), ..StripeConfig::new(key) }).unwrap();
    let refused = intent().send(&stranger).await.unwrap_err();
    assert_eq!(refused.status(), Some(401));
    assert!(!format!("{refused:?} {refused}").contains("wrong"));
}

#[tokio::test]
async fn answers_name_their_request() {
    let (server, _client) = stripe().await;
    let answer = get(&server, "/v1/payment_intents").send().await.unwrap();
    assert!(answer.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(answer.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn unknown_addresses_are_told() {
    let (server, _client) = stripe().await;
    let (status, body) = json(get(&server, "/v1/unicorns")).await;
    assert_eq!((status, body["error"]["type"].as_str()), (404, Some("invalid_request_error")));
    assert!(body["error"]["message"].as_str().unwrap().contains("GET: /v1/unicorns"));
    assert_eq!(raw(reqwest::Method::DELETE, &server, "/v1/payment_intents/pi_1").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn payment_methods_are_made_and_attached() {
    let (server, _client) = stripe().await;
    let (status, method) = json(post(&server, "/v1/payment_methods", "type=card&card[token]=tok_mastercard")).await;
    assert_eq!((status, method["card"]["brand"].as_str()), (200, Some("mastercard")));
    let (_, customer) = json(post(&server, "/v1/customers", "email=ada%40example.com")).await;
    let path = format!("/v1/payment_methods/{}/attach", method["id"].as_str().unwrap());
    let (status, attached) =
        json(post(&server, &path, &format!("customer={}", customer["id"].as_str().unwrap()))).await;
    assert_eq!((status, &attached["customer"]), (200, &customer["id"]));
}

#[tokio::test]
async fn the_server_stays_on_this_machine() {
    let wide = Config { listen: "0.0.0.0:0".parse().unwrap(), ..config() };
    assert!(matches!(start(wide).await, Err(StartError::NotLoopback(_))));
    let (server, _client) = stripe().await;
    let taken = Config { listen: server.addr(), ..config() };
    assert!(matches!(start(taken).await, Err(StartError::Bind { .. })));
}
