//! What survives a restart.

use kassa_stand_ins::stripe::{Config, Server, StartError, start};
use stripe_core::payment_intent::{ConfirmPaymentIntent, RetrievePaymentIntent};
use stripe_core::refund::{CreateRefund, RetrieveRefund};
use stripe_shared::PaymentIntentStatus;

use crate::support::{StateFile, client, config, eventually, metadata, payment, send_with_key, stripe};

async fn start_with(file: &StateFile) -> Server {
    start(Config { state: Some(file.0.clone()), ..config() }).await.unwrap()
}

#[tokio::test]
async fn payments_refunds_and_keys_survive() {
    let file = StateFile::new();
    let server = start_with(&file).await;
    let stripe = client(&server);
    let request = payment("pm_card_visa").metadata(metadata("ord_1"));
    let paid = send_with_key(&stripe, &request, "k").await.unwrap();
    let refund = CreateRefund::new().payment_intent(paid.id.as_str()).amount(1_000).send(&stripe).await.unwrap();
    let waiting = payment("pm_card_authenticationRequired").send(&stripe).await.unwrap();
    let before = server.payment_intents();
    server.shutdown().await;

    let server = start_with(&file).await;
    let stripe = client(&server);
    assert_eq!(server.payment_intents(), before);
    assert_eq!(send_with_key(&stripe, &request, "k").await.unwrap().id, paid.id);
    assert_eq!(RetrieveRefund::new(refund.id).send(&stripe).await.unwrap().amount, 1_000);
    let too_much = CreateRefund::new().payment_intent(paid.id.as_str()).amount(1_501).send(&stripe).await;
    assert!(too_much.is_err());
    let intent = RetrievePaymentIntent::new(waiting.id.clone()).send(&stripe).await.unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresAction);
    ConfirmPaymentIntent::new(waiting.id).payment_method("pm_card_visa").send(&stripe).await.unwrap();
    server.shutdown().await;
}

#[tokio::test]
async fn what_was_answered_survives_a_crash() {
    let file = StateFile::new();
    let server = start_with(&file).await;
    let paid = payment("pm_card_visa").metadata(metadata("ord_1")).send(&client(&server)).await.unwrap();
    // The files as they are now are what a killed process leaves behind.
    let left_behind = StateFile::new();
    std::fs::create_dir_all(left_behind.0.parent().unwrap()).unwrap();
    for entry in std::fs::read_dir(file.0.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, left_behind.0.with_file_name(path.file_name().unwrap())).unwrap();
    }

    let restarted = start_with(&left_behind).await;
    assert_eq!(restarted.payment_intents(), server.payment_intents());
    assert_eq!(restarted.payment_intents()[0].id, paid.id.as_str());
    restarted.shutdown().await;
    server.shutdown().await;
}

#[tokio::test]
async fn the_same_port_can_be_taken_again_at_once() {
    let file = StateFile::new();
    let server = start_with(&file).await;
    let (address, stripe) = (server.addr(), client(&server));
    let paid = payment("pm_card_visa").send(&stripe).await.unwrap();
    server.shutdown().await;
    let server = start(Config { listen: address, state: Some(file.0.clone()), ..config() }).await.unwrap();
    // The same client finds it again, although its pooled connection is gone.
    let found = RetrievePaymentIntent::new(paid.id.clone()).send(&stripe).await;
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            assert!(error.is_retryable());
            RetrievePaymentIntent::new(paid.id).send(&stripe).await.unwrap()
        }
    };
    assert_eq!(found.status, PaymentIntentStatus::Succeeded);
    server.shutdown().await;
}

#[tokio::test]
async fn a_refund_that_was_on_its_way_ends_after_the_restart() {
    let file = StateFile::new();
    let server = start_with(&file).await;
    let stripe = client(&server);
    let paid = payment("pm_card_pendingRefund").send(&stripe).await.unwrap();
    let refund = CreateRefund::new().payment_intent(paid.id.as_str()).send(&stripe).await.unwrap();
    server.shutdown().await;

    let server = start_with(&file).await;
    let stripe = client(&server);
    eventually("the refund succeeds", async || {
        RetrieveRefund::new(refund.id.clone()).send(&stripe).await.unwrap().status.as_deref() == Some("succeeded")
    })
    .await;
    server.shutdown().await;
}

#[tokio::test]
async fn without_a_file_everything_is_forgotten() {
    let (server, client) = stripe().await;
    payment("pm_card_visa").send(&client).await.unwrap();
    server.shutdown().await;
    let (server, _client) = stripe().await;
    assert!(server.payment_intents().is_empty());
}

#[tokio::test]
async fn one_file_belongs_to_one_server() {
    let file = StateFile::new();
    let server = start_with(&file).await;
    let refused = start(Config { state: Some(file.0.clone()), ..config() }).await;
    assert!(matches!(refused, Err(StartError::State { .. })));
    server.shutdown().await;
    start_with(&file).await.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_stops() {
    let (server, client) = stripe().await;
    let address = server.addr();
    drop(server);
    eventually("the port is free", async || start(Config { listen: address, ..config() }).await.is_ok()).await;
    assert!(payment("pm_card_visa").send(&client).await.is_err());
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused() {
    let file = StateFile::new();
    std::fs::create_dir_all(file.0.parent().unwrap()).unwrap();
    std::fs::write(&file.0, "this is not a database, however long one looks at it").unwrap();
    let refused = start(Config { state: Some(file.0.clone()), ..config() }).await;
    assert!(matches!(refused, Err(StartError::State { .. })));
}
