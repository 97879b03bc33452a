//! Faults that tests ask for, as the client sees them.

use std::time::{Duration, Instant};

use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_stripe_client::Error;
use serde_json::json;
use stripe_client_core::StripeRequest;
use stripe_core::payment_intent::{ConfirmPaymentIntent, RetrievePaymentIntent};
use stripe_core::refund::CreateRefund;

use crate::support::{self, eventually, get, intent, metadata, payment, raw, send_with_key, stripe};

const CREATE: &str = "payment_intents.create";

#[tokio::test]
async fn a_slow_request_takes_effect_although_the_client_gave_up() {
    let (server, client) = stripe().await;
    server.faults().add(Fault::slow(CREATE, Duration::from_secs(1)));
    let given_up =
        payment("pm_card_visa").customize().timeout(Duration::from_millis(100)).send(&client).await.unwrap_err();
    assert!(matches!(given_up, Error::Timeout));
    assert!(given_up.is_retryable() && given_up.may_have_taken_effect());
    assert!(server.payment_intents().is_empty());
    eventually("the payment is made", async || server.payment_intents().len() == 1).await;
}

#[tokio::test]
async fn delays_are_not_counted_as_time_in_the_server() {
    let (server, client) = stripe().await;
    let delay = Duration::from_secs(1);
    server.faults().add(Fault::slow(CREATE, delay));
    let began = Instant::now();
    payment("pm_card_visa").send(&client).await.unwrap();
    assert!(began.elapsed() >= delay);
    let busy = server.stats().busy;
    assert!(busy > Duration::ZERO && busy < delay, "{busy:?}");
}

#[tokio::test]
async fn before_the_effect_nothing_happens() {
    let (server, client) = stripe().await;
    for outcome in [Outcome::status(503), Outcome::Reset, Outcome::MalformedJson] {
        server.faults().add(Fault::new(CREATE, Stage::Before, outcome));
        let failed = send_with_key(&client, &payment("pm_card_visa"), "k").await.unwrap_err();
        assert!(failed.is_retryable(), "{failed:?}");
        assert!(server.payment_intents().is_empty());
    }
    // None of them used the key up.
    assert!(send_with_key(&client, &payment("pm_card_visa"), "k").await.is_ok());
}

#[tokio::test]
async fn after_the_effect_the_same_key_finds_it() {
    let (server, client) = stripe().await;
    for (index, outcome) in [Outcome::status(503), Outcome::Reset, Outcome::MalformedJson].into_iter().enumerate() {
        let key = format!("k{index}");
        server.faults().add(Fault::new(CREATE, Stage::After, outcome));
        let failed = send_with_key(&client, &payment("pm_card_visa"), &key).await.unwrap_err();
        assert!(failed.is_retryable() && failed.may_have_taken_effect(), "{failed:?}");
        assert_eq!(server.payment_intents().len(), index + 1);
        let found = send_with_key(&client, &payment("pm_card_visa"), &key).await.unwrap();
        assert_eq!(server.payment_intents()[index].id, found.id.as_str());
    }
    assert_eq!(server.payment_intents().len(), 3);
}

#[tokio::test]
async fn each_kind_is_told_from_the_others() {
    let (server, client) = stripe().await;
    let send = async |outcome, timeout| {
        server.faults().add(Fault::new(CREATE, Stage::After, outcome));
        payment("pm_card_visa").customize().timeout(timeout).send(&client).await.unwrap_err()
    };
    let (patient, impatient) = (Duration::from_secs(10), Duration::from_millis(300));
    assert!(matches!(send(Outcome::status(500), patient).await, Error::Api { status: 500, .. }));
    assert!(matches!(send(Outcome::Reset, patient).await, Error::Transport(_)));
    assert!(matches!(send(Outcome::MalformedJson, patient).await, Error::Deserialize { .. }));
    assert!(matches!(send(Outcome::Hang, impatient).await, Error::Timeout));
}

#[tokio::test]
async fn a_saved_500_hides_the_effect_behind_its_key() {
    let (server, client) = stripe().await;
    server.faults().add(Fault::new(CREATE, Stage::After, Outcome::status(500)));
    for _ in 0..2 {
        let failed = send_with_key(&client, &payment("pm_card_visa"), "k").await.unwrap_err();
        assert_eq!(failed.status(), Some(500));
    }
    let payments = server.payment_intents();
    assert_eq!((payments.len(), payments[0].amount_captured), (1, 2_500));
}

#[tokio::test]
async fn an_error_is_given_in_every_detail() {
    let (server, client) = stripe().await;
    let outcome = Outcome::Error {
        status: 402,
        error_type: None,
        code: Some("card_declined".to_owned()),
        decline_code: Some("do_not_honor".to_owned()),
        message: Some("Your bank said no.".to_owned()),
        should_retry: Some(true),
        saved: Some(false),
    };
    server.faults().add(Fault::new(CREATE, Stage::Before, outcome));
    let failed = send_with_key(&client, &payment("pm_card_visa"), "k").await.unwrap_err();
    let error = failed.api_error().unwrap();
    assert!(failed.is_card_error() && failed.is_retryable());
    assert_eq!(error.decline_code.as_deref(), Some("do_not_honor"));
    assert_eq!((error.message(), error.should_retry), (Some("Your bank said no."), Some(true)));
    assert!(send_with_key(&client, &payment("pm_card_visa"), "k").await.is_ok());
}

#[tokio::test]
async fn a_fault_can_be_meant_for_one_order() {
    let (server, client) = stripe().await;
    let on_create = server.faults().add(Fault::new(CREATE, Stage::Before, Outcome::status(503)).for_order("ord_1"));
    let on_all = server.faults().add(Fault::new("*", Stage::Before, Outcome::status(429)).for_order("ord_2").times(3));
    payment("pm_card_visa").metadata(metadata("ord_3")).send(&client).await.unwrap();
    payment("pm_card_visa").metadata(metadata("ord_1")).send(&client).await.unwrap_err();
    payment("pm_card_visa").metadata(metadata("ord_1")).send(&client).await.unwrap();
    assert_eq!((server.faults().fired(on_create), server.faults().fired(on_all)), (1, 0));

    // Requests that only name an object of the order are about it as well.
    server.faults().clear();
    let paid = payment("pm_card_visa").metadata(metadata("ord_2")).send(&client).await.unwrap();
    let open = intent().metadata(metadata("ord_2")).send(&client).await.unwrap();
    let on_all = server.faults().add(Fault::new("*", Stage::Before, Outcome::status(429)).for_order("ord_2").times(3));
    RetrievePaymentIntent::new(paid.id.clone()).send(&client).await.unwrap_err();
    CreateRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap_err();
    ConfirmPaymentIntent::new(open.id).payment_method("pm_card_visa").send(&client).await.unwrap_err();
    assert_eq!(server.faults().fired(on_all), 3);
    CreateRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap();
}

#[tokio::test]
async fn faults_are_armed_and_watched_over_http() {
    let (server, client) = stripe().await;
    let fault = json!({
        "operation": "payment_intents.*", "order_id": "ord_1", "stage": "before", "times": 2,
        "outcome": { "kind": "error", "status": 409, "type": "invalid_request_error", "code": "lock_timeout" },
    });
    let (status, added) = support::json(raw(reqwest::Method::POST, &server, "/_control/faults").json(&fault)).await;
    assert_eq!(status, 201);
    let request = payment("pm_card_visa").metadata(metadata("ord_1"));
    assert!(request.send(&client).await.unwrap_err().is_idempotency_in_use());

    let (_, listed) = support::json(get(&server, "/_control/faults")).await;
    assert_eq!(listed["faults"][0]["id"], added["id"]);
    assert_eq!(listed["faults"][0]["fired"], 1);
    assert_eq!(listed["faults"][0]["operation"], "payment_intents.*");
    raw(reqwest::Method::DELETE, &server, &format!("/_control/faults/{}", added["id"])).send().await.unwrap();
    request.send(&client).await.unwrap();

    raw(reqwest::Method::POST, &server, "/_control/faults").json(&fault).send().await.unwrap();
    raw(reqwest::Method::DELETE, &server, "/_control/faults").send().await.unwrap();
    request.send(&client).await.unwrap();

    let wrong = raw(reqwest::Method::POST, &server, "/_control/faults")
        .json(&json!({ "operation": "*", "outcome": { "kind": "melt" } }));
    assert_eq!(wrong.send().await.unwrap().status(), 422);
    let (_, requests) = support::json(get(&server, "/_control/requests")).await;
    assert_eq!(requests["requests"][0]["order_id"], "ord_1");
    assert_eq!(requests["requests"][0]["status"], 409);
    let (_, payments) = support::json(get(&server, "/_control/payment_intents?order_id=ord_1")).await;
    assert_eq!(payments["payment_intents"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_hanging_request_does_not_keep_the_server_from_stopping() {
    let (server, client) = stripe().await;
    let hang = server.faults().add(Fault::new(CREATE, Stage::Before, Outcome::Hang));
    let hanging = tokio::spawn(async move { payment("pm_card_visa").send(&client).await });
    eventually("the request hangs", async || server.faults().fired(hang) == 1).await;
    let began = Instant::now();
    server.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(hanging.await.unwrap().is_err());
}
