//! Cards that are declined.

use stripe_core::payment_intent::{CreatePaymentIntentOffSession, RetrievePaymentIntent};
use stripe_shared::{ApiErrorsCode, ApiErrorsType, ChargeStatus, PaymentIntentStatus};

use crate::support::{json, payment, post, stripe};

const DECLINES: &[(&str, &str, Option<&str>)] = &[
    ("pm_card_visa_chargeDeclined", "card_declined", Some("generic_decline")),
    ("pm_card_chargeDeclined", "card_declined", Some("generic_decline")),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", Some("insufficient_funds")),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", Some("lost_card")),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", Some("stolen_card")),
    ("pm_card_visa_chargeDeclinedFraudulent", "card_declined", Some("fraudulent")),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", Some("card_velocity_exceeded")),
    ("pm_card_chargeCustomerFail", "card_declined", Some("generic_decline")),
    ("pm_card_radarBlock", "card_declined", Some("fraudulent")),
    ("pm_card_riskLevelHighest", "card_declined", Some("fraudulent")),
    ("pm_card_threeDSecureRequiredProcessingError", "card_declined", Some("generic_decline")),
];

#[tokio::test]
async fn every_documented_card_is_declined_with_its_code() {
    let (server, client) = stripe().await;
    for (method, code, decline_code) in DECLINES {
        let declined = payment(method).send(&client).await.unwrap_err();
        assert_eq!(declined.status(), Some(402), "{method}");
        assert!(declined.is_card_error() && !declined.is_retryable(), "{method}");
        let error = declined.api_error().unwrap();
        assert_eq!(error.code.as_deref(), Some(*code), "{method}");
        assert_eq!(error.decline_code.as_deref(), *decline_code, "{method}");
        assert_eq!(error.payment_intent_status.as_deref(), Some("requires_payment_method"), "{method}");
        assert!(error.charge_id.as_deref().unwrap().starts_with("ch_"), "{method}");
        assert!(error.request_id.as_deref().unwrap().starts_with("req_"), "{method}");
        assert!(error.message().is_some(), "{method}");
    }
    assert!(server.payment_intents().iter().all(|payment| payment.amount_captured == 0 && payment.charges.len() == 1));
}

#[tokio::test]
async fn a_declined_payment_remembers_why() {
    let (_server, client) = stripe().await;
    let declined = payment("pm_card_visa_chargeDeclinedInsufficientFunds").send(&client).await.unwrap_err();
    let id = declined.api_error().unwrap().payment_intent_id.clone().unwrap();
    let intent = RetrievePaymentIntent::new(id).expand(["latest_charge".to_owned()]).send(&client).await.unwrap();

    assert_eq!(intent.status, PaymentIntentStatus::RequiresPaymentMethod);
    assert!(intent.payment_method.is_none());
    let error = intent.last_payment_error.unwrap();
    assert_eq!(error.type_, ApiErrorsType::CardError);
    assert_eq!(error.code, Some(ApiErrorsCode::CardDeclined));
    assert_eq!(error.decline_code.as_deref(), Some("insufficient_funds"));
    assert_eq!(error.payment_method.unwrap().card.unwrap().last4, "9995");
    let charge = intent.latest_charge.unwrap().into_object().unwrap();
    assert_eq!(charge.status, ChargeStatus::Failed);
    assert!(!charge.paid && !charge.captured);
    assert_eq!(charge.failure_code.as_deref(), Some("card_declined"));
    assert_eq!(charge.outcome.unwrap().type_, "issuer_declined");
}

#[tokio::test]
async fn a_payment_that_radar_blocks_is_not_sent_to_the_network() {
    let (_server, client) = stripe().await;
    let declined = payment("pm_card_radarBlock").send(&client).await.unwrap_err();
    let id = declined.api_error().unwrap().payment_intent_id.clone().unwrap();
    let intent = RetrievePaymentIntent::new(id).expand(["latest_charge".to_owned()]).send(&client).await.unwrap();
    let outcome = intent.latest_charge.unwrap().into_object().unwrap().outcome.unwrap();
    assert_eq!(outcome.type_, "blocked");
    assert_eq!(outcome.network_status.as_deref(), Some("not_sent_to_network"));
    assert_eq!(outcome.risk_level.as_deref(), Some("highest"));
}

#[tokio::test]
async fn without_the_customer_a_card_that_wants_authentication_is_declined() {
    let (_server, client) = stripe().await;
    let off_session = payment("pm_card_authenticationRequired")
        .off_session(CreatePaymentIntentOffSession::Bool(true))
        .send(&client)
        .await
        .unwrap_err();
    let erring =
        payment("pm_card_threeDSecure2Required").error_on_requires_action(true).send(&client).await.unwrap_err();
    for declined in [off_session, erring] {
        assert!(declined.is_card_error());
        assert_eq!(declined.api_error().unwrap().code.as_deref(), Some("authentication_required"));
    }
    let set_up = payment("pm_card_authenticationRequiredSetupForOffSession")
        .off_session(CreatePaymentIntentOffSession::Bool(true))
        .send(&client)
        .await
        .unwrap();
    assert_eq!(set_up.status, PaymentIntentStatus::Succeeded);
}

#[tokio::test]
async fn card_numbers_behave_like_their_test_payment_methods() {
    let (server, _client) = stripe().await;
    let pay = |number: &str| {
        let form = format!(
            "amount=100&currency=usd&confirm=true&payment_method_types[]=card&payment_method_data[type]=card\
             &payment_method_data[card][number]={number}"
        );
        post(&server, "/v1/payment_intents", &form)
    };
    for (number, status, code) in [
        ("4242424242424242", 200, None),
        ("4000000000009995", 402, Some("card_declined")),
        ("4242424242424241", 402, Some("incorrect_number")),
        ("4929123412341234", 402, Some("card_declined")),
    ] {
        let (actual, body) = json(pay(number)).await;
        assert_eq!((actual, body["error"]["code"].as_str()), (status, code), "{number}");
    }
}
