//! What the client puts on the wire, and what it makes of the answers, without any Stripe behind it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use kassa_stripe_client::{Error, PooledStripe, SecretKey, StripeConfig};
use stripe_client_core::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_core::payment_intent::{CreatePaymentIntent, RetrievePaymentIntent};
use stripe_types::Currency;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Takes one request after the other, on as many connections as the client opens, and gives the prepared answers.
async fn server(answers: Vec<String>) -> (PooledStripe, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(read_request(&mut stream).await);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        requests
    });
    (client(&endpoint), serving)
}

fn client(endpoint: &str) -> PooledStripe {
    PooledStripe::new(&StripeConfig {
        endpoint: endpoint.to_owned(),
        request_timeout: Duration::from_secs(5),
        ..StripeConfig::new(SecretKey::new("sk_test_topsecret").unwrap())
    })
    .unwrap()
}

/// Reads a request with its body, whose length its head tells.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return text;
        }
    }
}

/// An answer after which the connection is closed, as the server takes one request from each.
fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn not_found() -> String {
    answer("404 Not Found", r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#)
}

#[tokio::test]
async fn a_request_carries_key_version_and_idempotency_key() {
    let (client, serving) = server(vec![not_found()]).await;
    CreatePaymentIntent::new(2_500, Currency::EUR)
        .customize()
        .request_strategy(RequestStrategy::Idempotent(IdempotencyKey::new("ord_1-1").unwrap()))
        .account_id("acct_1".into())
        .send(&client)
        .await
        .unwrap_err();
    let request = serving.await.unwrap().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/payment_intents HTTP/1.1\r\n"), "{head}");
    for header in [
        "authorization: Bearer sk_test_topsecret",
        "stripe-version: 2026-09-30.endive",
        "idempotency-key: ord_1-1",
        "stripe-account: acct_1",
        "content-type: application/x-www-form-urlencoded",
        "user-agent: kassa/",
    ] {
        assert!(head.contains(header), "{header} is missing in {head}");
    }
    assert_eq!(body, "amount=2500&currency=eur");
}

#[tokio::test]
async fn an_error_answer_is_read_with_its_headers() {
    let conflict = answer(
        "409 Conflict\r\nrequest-id: req_7\r\nstripe-should-retry: false\r\nidempotent-replayed: true",
        r#"{"error":{"type":"invalid_request_error","code":"lock_timeout"}}"#,
    );
    let (client, _serving) = server(vec![conflict]).await;
    let error = RetrievePaymentIntent::new("pi_1").send(&client).await.unwrap_err();
    assert!(error.is_idempotency_in_use() && !error.is_retryable());
    let api = error.api_error().unwrap();
    assert_eq!((api.request_id.as_deref(), api.should_retry, api.replayed), (Some("req_7"), Some(false), true));
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let (client, serving) = server(vec![answer("503 Service Unavailable", ""), not_found()]).await;
    let request = CreatePaymentIntent::new(2_500, Currency::EUR);
    let attempts = request.customize().request_strategy(RequestStrategy::Retry(5));
    let error = attempts.send(&client).await.unwrap_err();
    assert!(matches!(error, Error::Deserialize { status: Some(503), .. }) && error.is_retryable());
    // The second answer is still there: it was not used up by a hidden second attempt.
    assert!(request.send(&client).await.unwrap_err().is_missing());
    assert_eq!(serving.await.unwrap().len(), 2);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = answer("307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/", "");
    let (client, _serving) = server(vec![elsewhere]).await;
    let error = RetrievePaymentIntent::new("pi_1").send(&client).await.unwrap_err();
    assert!(matches!(error, Error::Deserialize { status: Some(307), .. }) && !error.is_retryable());
}

#[tokio::test]
async fn an_answer_that_breaks_off_may_have_taken_effect() {
    let broken = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n{\"id\":";
    let (client, _serving) = server(vec![broken.to_owned()]).await;
    let error = RetrievePaymentIntent::new("pi_1").send(&client).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(error.is_retryable() && error.may_have_taken_effect());
}

#[tokio::test]
async fn silence_ends_with_the_time_out_of_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    let began = Instant::now();
    let request = RetrievePaymentIntent::new("pi_1");
    let error = request.customize().timeout(Duration::from_millis(50)).send(&client).await.unwrap_err();
    assert!(matches!(error, Error::Timeout), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn where_nobody_listens_nothing_can_have_taken_effect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = RetrievePaymentIntent::new("pi_1").send(&client(&endpoint)).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
    assert!(error.is_retryable() && !error.may_have_taken_effect());
}
