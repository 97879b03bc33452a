//! Idempotency keys.

use std::time::Duration;

use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use stripe_client_core::StripeRequest;
use stripe_core::payment_intent::RetrievePaymentIntent;
use stripe_core::refund::CreateRefund;
use stripe_types::Currency;

use crate::support::{client, eventually, idempotent, intent, metadata, payment, post, send_with_key, stripe};

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_one_effect() {
    let (server, client) = stripe().await;
    let request = payment("pm_card_visa").metadata(metadata("ord_1"));
    let first = send_with_key(&client, &request, "ord_1-1").await.unwrap();
    for _ in 0..3 {
        // The parameters arrive in another order each time, because the metadata is a hash map.
        let request = payment("pm_card_visa").metadata(metadata("ord_1"));
        assert_eq!(send_with_key(&client, &request, "ord_1-1").await.unwrap().id, first.id);
    }
    assert_eq!(server.payment_intents().len(), 1);
    let replayed: Vec<bool> = server.requests().iter().map(|request| request.replayed).collect();
    assert_eq!(replayed, [false, true, true, true]);
    assert!(server.requests().iter().all(|request| request.idempotency_key.as_deref() == Some("ord_1-1")));
}

#[tokio::test]
async fn a_repeated_answer_says_so() {
    let (server, _client) = stripe().await;
    let send = || post(&server, "/v1/payment_intents", "amount=100&currency=usd").header("idempotency-key", "k").send();
    let first = send().await.unwrap();
    assert!(first.headers().get("idempotent-replayed").is_none());
    assert_eq!(first.headers()["idempotency-key"], "k");
    let again = send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.headers()["original-request"], first.headers()["request-id"]);
    assert_ne!(again.headers()["request-id"], first.headers()["request-id"]);
    assert_eq!(first.text().await.unwrap(), again.text().await.unwrap());
}

#[tokio::test]
async fn a_decline_is_repeated_without_another_attempt() {
    let (server, client) = stripe().await;
    let request = payment("pm_card_visa_chargeDeclined");
    let first = send_with_key(&client, &request, "k").await.unwrap_err();
    let again = send_with_key(&client, &request, "k").await.unwrap_err();
    let (first, again) = (first.api_error().unwrap(), again.api_error().unwrap());
    assert_eq!(first.charge_id, again.charge_id);
    assert!(!first.replayed && again.replayed);
    assert_eq!(server.payment_intents()[0].charges.len(), 1);
}

#[tokio::test]
async fn a_server_error_is_repeated_too() {
    let (server, client) = stripe().await;
    server.faults().add(Fault::new("payment_intents.create", Stage::Before, Outcome::status(500)));
    for _ in 0..2 {
        let failed = send_with_key(&client, &payment("pm_card_visa"), "k").await.unwrap_err();
        assert_eq!(failed.status(), Some(500));
    }
    assert!(server.payment_intents().is_empty());
    assert!(send_with_key(&client, &payment("pm_card_visa"), "another").await.is_ok());
}

#[tokio::test]
async fn a_rate_limit_is_not_saved() {
    let (server, client) = stripe().await;
    server.faults().add(Fault::new("payment_intents.create", Stage::Before, Outcome::status(429)));
    let limited = send_with_key(&client, &payment("pm_card_visa"), "k").await.unwrap_err();
    assert!(limited.is_retryable());
    assert!(send_with_key(&client, &payment("pm_card_visa"), "k").await.is_ok());
}

#[tokio::test]
async fn other_parameters_or_another_endpoint_with_the_same_key_are_refused() {
    let (server, client) = stripe().await;
    let paid = send_with_key(&client, &payment("pm_card_visa"), "k").await.unwrap();
    let other_card = send_with_key(&client, &payment("pm_card_mastercard"), "k").await.unwrap_err();
    let refund = CreateRefund::new().payment_intent(paid.id.as_str());
    let other_endpoint = refund.customize().request_strategy(idempotent("k")).send(&client).await.unwrap_err();
    for refused in [other_card, other_endpoint] {
        assert_eq!(refused.status(), Some(400));
        assert!(refused.is_idempotency_mismatch() && !refused.is_retryable());
    }
    assert_eq!(server.payment_intents()[0].amount_refunded, 0);
}

#[tokio::test]
async fn a_key_that_is_in_use_conflicts() {
    let (server, client) = stripe().await;
    let slow = server.faults().add(Fault::slow("payment_intents.create", Duration::from_secs(2)));
    let request = payment("pm_card_visa");
    let first = {
        let (client, request) = (client.clone(), request.clone());
        tokio::spawn(async move { send_with_key(&client, &request, "k").await })
    };
    eventually("the first request is under way", async || server.faults().fired(slow) == 1).await;
    let second = send_with_key(&client, &request, "k").await.unwrap_err();
    assert_eq!(second.status(), Some(409));
    assert!(second.is_idempotency_in_use() && second.is_retryable());

    let paid = first.await.unwrap().unwrap();
    assert_eq!(send_with_key(&client, &request, "k").await.unwrap().id, paid.id);
    assert_eq!(server.payment_intents().len(), 1);
}

#[tokio::test]
async fn many_at_once_with_one_key_have_one_effect() {
    let (server, client) = stripe().await;
    let answers = futures::future::join_all((0..50).map(|_| {
        let client = client.clone();
        async move { send_with_key(&client, &payment("pm_card_visa"), "k").await }
    }))
    .await;
    assert!(answers.iter().any(Result::is_ok));
    for answer in answers {
        assert!(answer.is_ok() || answer.is_err_and(|error| error.is_idempotency_in_use()));
    }
    assert_eq!(server.payment_intents().len(), 1);
}

#[tokio::test]
async fn a_key_is_not_used_up_by_wrong_parameters() {
    let (server, client) = stripe().await;
    let too_small = stripe_core::payment_intent::CreatePaymentIntent::new(1, Currency::USD);
    assert_eq!(send_with_key(&client, &too_small, "k").await.unwrap_err().status(), Some(400));
    assert!(send_with_key(&client, &payment("pm_card_visa"), "k").await.is_ok());
    assert_eq!(server.payment_intents().len(), 1);
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let (server, client) = stripe().await;
    let first = send_with_key(&client, &intent(), "k").await.unwrap();
    server.advance_clock(Duration::from_mins(24 * 60 - 1)).unwrap();
    assert_eq!(send_with_key(&client, &intent(), "k").await.unwrap().id, first.id);
    server.advance_clock(Duration::from_mins(2)).unwrap();
    assert_ne!(send_with_key(&client, &intent(), "k").await.unwrap().id, first.id);
}

#[tokio::test]
async fn keys_have_a_longest_length_and_belong_to_an_account() {
    let (server, _client) = stripe().await;
    let create =
        |key: String| post(&server, "/v1/payment_intents", "amount=100&currency=usd").header("idempotency-key", key);
    assert_eq!(create("k".repeat(255)).send().await.unwrap().status(), 200);
    assert_eq!(create("k".repeat(256)).send().await.unwrap().status(), 400);

    let of_account = |account: &'static str| create("shared".to_owned()).header("stripe-account", account).send();
    let first = of_account("acct_1").await.unwrap().text().await.unwrap();
    assert_ne!(of_account("acct_2").await.unwrap().text().await.unwrap(), first);
    assert_eq!(of_account("acct_1").await.unwrap().text().await.unwrap(), first);
}

#[tokio::test]
async fn reading_ignores_keys() {
    let (server, stripe) = stripe().await;
    let created = intent().send(&stripe).await.unwrap();
    let retrieve = RetrievePaymentIntent::new(created.id.clone());
    retrieve.customize().request_strategy(idempotent("k")).send(&stripe).await.unwrap();
    stripe_core::payment_intent::CancelPaymentIntent::new(created.id).send(&client(&server)).await.unwrap();
    let seen = retrieve.customize().request_strategy(idempotent("k")).send(&stripe).await.unwrap();
    assert_eq!(seen.status, stripe_shared::PaymentIntentStatus::Canceled);
}
