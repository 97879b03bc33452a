//! Payments that the customer has to authenticate.

use kassa_stand_ins::stripe::{Authentication, Server};
use kassa_stripe_client::PooledStripe;
use stripe_core::payment_intent::{ConfirmPaymentIntent, RetrievePaymentIntent};
use stripe_shared::{ApiErrorsCode, PaymentIntent, PaymentIntentCaptureMethod, PaymentIntentStatus};

use crate::support::{get, json, payment, post, raw, stripe};

async fn retrieve(client: &PooledStripe, intent: &PaymentIntent) -> PaymentIntent {
    RetrievePaymentIntent::new(intent.id.clone()).expand(["latest_charge".to_owned()]).send(client).await.unwrap()
}

async fn choose(server: &Server, intent: &PaymentIntent, result: &str) -> (u16, serde_json::Value) {
    let path = format!("/_control/payment_intents/{}/authentication", intent.id);
    json(raw(reqwest::Method::POST, server, &path).json(&serde_json::json!({ "result": result }))).await
}

#[tokio::test]
async fn the_customer_authenticates_on_a_page_and_comes_back() {
    let (server, client) = stripe().await;
    let intent = payment("pm_card_threeDSecure2Required")
        .return_url("https://shop.example/thanks?order=1")
        .send(&client)
        .await
        .unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresAction);
    let action = intent.next_action.clone().unwrap();
    assert_eq!(action.type_, "redirect_to_url");
    let page = action.redirect_to_url.unwrap().url.unwrap();
    let path = page.strip_prefix(&server.url()).unwrap();

    let shown = get(&server, path).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("$25.00 USD") && shown.contains("Complete authentication"));
    let back = post(&server, path, "result=passed").send().await.unwrap();
    assert_eq!(back.status(), 303);
    let location = back.headers()["location"].to_str().unwrap();
    let expected = format!("https://shop.example/thanks?order=1&payment_intent={}&", intent.id);
    assert!(location.starts_with(&expected) && location.ends_with("redirect_status=succeeded"), "{location}");

    let paid = retrieve(&client, &intent).await;
    assert_eq!((paid.status, paid.amount_received), (PaymentIntentStatus::Succeeded, 2_500));
    assert!(paid.next_action.is_none());
    let charge = paid.latest_charge.unwrap().into_object().unwrap();
    assert!(charge.payment_method_details.unwrap().card.unwrap().three_d_secure.is_some());

    assert_eq!(post(&server, path, "result=passed").send().await.unwrap().status(), 409);
    assert_eq!(post(&server, "/_hosted/3ds/pi_none", "result=passed").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_failed_authentication_leaves_the_payment_open_for_another_card() {
    let (server, client) = stripe().await;
    let intent = payment("pm_card_authenticationRequired").send(&client).await.unwrap();
    assert_eq!(intent.next_action.as_ref().unwrap().type_, "use_stripe_sdk");
    assert_eq!(choose(&server, &intent, "failed").await.0, 200);

    let failed = retrieve(&client, &intent).await;
    assert_eq!(failed.status, PaymentIntentStatus::RequiresPaymentMethod);
    let error = failed.last_payment_error.unwrap();
    assert_eq!(error.code, Some(ApiErrorsCode::PaymentIntentAuthenticationFailure));
    assert!(failed.latest_charge.is_none());

    let confirm = ConfirmPaymentIntent::new(intent.id).payment_method("pm_card_visa");
    assert_eq!(confirm.send(&client).await.unwrap().status, PaymentIntentStatus::Succeeded);
}

#[tokio::test]
async fn a_card_can_be_declined_after_authentication() {
    let (server, client) = stripe().await;
    for (method, decline_code) in [
        ("pm_card_threeDSecureRequiredChargeDeclined", "generic_decline"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
    ] {
        let intent = payment(method).send(&client).await.unwrap();
        assert_eq!(intent.status, PaymentIntentStatus::RequiresAction);
        let (status, body) = choose(&server, &intent, "passed").await;
        assert_eq!((status, body["status"].as_str()), (200, Some("requires_payment_method")));
        let declined = retrieve(&client, &intent).await;
        assert_eq!(declined.last_payment_error.unwrap().decline_code.as_deref(), Some(decline_code));
    }
}

#[tokio::test]
async fn a_test_in_the_same_process_authenticates_directly() {
    let (server, client) = stripe().await;
    let intent = payment("pm_card_threeDSecure2Required").send(&client).await.unwrap();
    assert!(server.authenticate(intent.id.as_str(), Authentication::Passed));
    assert!(!server.authenticate(intent.id.as_str(), Authentication::Passed));
    assert_eq!(server.payment_intents()[0].amount_captured, 2_500);
}

#[tokio::test]
async fn confirming_again_leads_to_the_same_action() {
    let (_server, client) = stripe().await;
    let intent = payment("pm_card_authenticationRequiredOnSetup").send(&client).await.unwrap();
    let again = ConfirmPaymentIntent::new(intent.id.clone()).send(&client).await.unwrap();
    assert_eq!(again.status, PaymentIntentStatus::RequiresAction);
    let other = ConfirmPaymentIntent::new(intent.id).payment_method("pm_card_visa").send(&client).await.unwrap();
    assert_eq!(other.status, PaymentIntentStatus::Succeeded);
}

#[tokio::test]
async fn an_authenticated_payment_can_wait_for_capture() {
    let (server, client) = stripe().await;
    let intent = payment("pm_card_threeDSecure2Required")
        .capture_method(PaymentIntentCaptureMethod::Manual)
        .send(&client)
        .await
        .unwrap();
    let (_, body) = choose(&server, &intent, "passed").await;
    assert_eq!((body["status"].as_str(), body["amount_capturable"].as_i64()), (Some("requires_capture"), Some(2_500)));
}
