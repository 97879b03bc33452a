//! The life of a payment intent.

use stripe_core::payment_intent::{
    CancelPaymentIntent, CancelPaymentIntentCancellationReason, CapturePaymentIntent, ConfirmPaymentIntent,
    CreatePaymentIntent, ListPaymentIntent, RetrievePaymentIntent, UpdatePaymentIntent,
};
use stripe_shared::{ChargeStatus, PaymentIntentCaptureMethod, PaymentIntentStatus};
use stripe_types::Currency;

use crate::support::{get, intent, json, metadata, payment, post, stripe};

#[tokio::test]
async fn a_payment_succeeds_in_one_call() {
    let (server, client) = stripe().await;
    let paid = payment("pm_card_visa")
        .metadata(metadata("ord_1"))
        .description("Order ord_1")
        .receipt_email("ada@example.com")
        .expand(["latest_charge".to_owned()])
        .send(&client)
        .await
        .unwrap();

    assert_eq!(paid.status, PaymentIntentStatus::Succeeded);
    assert_eq!((paid.amount, paid.amount_received, paid.amount_capturable), (2_500, 2_500, 0));
    assert_eq!(paid.metadata["order_id"], "ord_1");
    assert_eq!(paid.description.as_deref(), Some("Order ord_1"));
    let charge = paid.latest_charge.unwrap().into_object().unwrap();
    assert!(charge.captured && charge.paid && !charge.refunded);
    assert_eq!((charge.amount_captured, charge.amount_refunded), (2_500, 0));
    assert_eq!(charge.status, ChargeStatus::Succeeded);
    assert_eq!(charge.outcome.unwrap().type_, "authorized");
    let card = charge.payment_method_details.unwrap().card.unwrap();
    assert_eq!((card.brand.as_deref(), card.last4.as_deref()), (Some("visa"), Some("4242")));

    let snapshot = &server.payment_intents()[0];
    assert_eq!(
        (snapshot.order_id(), snapshot.amount_captured, snapshot.successful_charges()),
        (Some("ord_1"), 2_500, 1)
    );
    server.shutdown().await;
}

#[tokio::test]
async fn ids_and_secrets_look_like_stripes() {
    let (_server, client) = stripe().await;
    let paid = payment("pm_card_mastercard").send(&client).await.unwrap();
    assert!(paid.id.as_str().starts_with("pi_3") && paid.id.as_str().len() == 27);
    assert!(paid.client_secret.unwrap().starts_with(&format!("{}_secret_", paid.id)));
    assert!(paid.latest_charge.unwrap().id().as_str().starts_with("ch_3"));
    assert!(paid.payment_method.unwrap().id().as_str().starts_with("pm_3"));
}

#[tokio::test]
async fn a_payment_goes_step_by_step() {
    let (_server, client) = stripe().await;
    let created = intent().send(&client).await.unwrap();
    assert_eq!(created.status, PaymentIntentStatus::RequiresPaymentMethod);
    let updated =
        UpdatePaymentIntent::new(created.id.clone()).payment_method("pm_card_visa").send(&client).await.unwrap();
    assert_eq!(updated.status, PaymentIntentStatus::RequiresConfirmation);
    let confirmed = ConfirmPaymentIntent::new(created.id.clone()).send(&client).await.unwrap();
    assert_eq!(confirmed.status, PaymentIntentStatus::Succeeded);
    let retrieved = RetrievePaymentIntent::new(created.id).send(&client).await.unwrap();
    assert_eq!(retrieved.amount_received, 2_500);
}

#[tokio::test]
async fn another_card_confirms_the_same_intent_and_only_one_success_is_possible() {
    let (server, client) = stripe().await;
    let declined = payment("pm_card_visa_chargeDeclined").send(&client).await.unwrap_err();
    let id = declined.api_error().unwrap().payment_intent_id.clone().unwrap();
    let confirm = |method: &str| ConfirmPaymentIntent::new(id.as_str()).payment_method(method.to_owned());

    let paid = confirm("pm_card_mastercard").send(&client).await.unwrap();
    assert_eq!(paid.status, PaymentIntentStatus::Succeeded);
    assert!(paid.last_payment_error.is_none());

    let again = confirm("pm_card_visa").send(&client).await.unwrap_err();
    let error = again.api_error().unwrap();
    assert_eq!(again.status(), Some(400));
    assert_eq!(error.code.as_deref(), Some("payment_intent_unexpected_state"));
    assert_eq!(error.payment_intent_status.as_deref(), Some("succeeded"));

    let snapshot = &server.payment_intents()[0];
    assert_eq!((snapshot.charges.len(), snapshot.successful_charges()), (2, 1));
}

#[tokio::test]
async fn a_used_payment_method_can_be_retrieved_and_used_again() {
    let (server, client) = stripe().await;
    let paid = payment("pm_card_amex").send(&client).await.unwrap();
    let method = paid.payment_method.unwrap().into_id();
    let (status, body) = json(get(&server, &format!("/v1/payment_methods/{method}"))).await;
    assert_eq!((status, body["card"]["brand"].as_str()), (200, Some("amex")));
    let paid_again = payment(method.as_str()).send(&client).await.unwrap();
    assert_eq!(paid_again.payment_method.unwrap().into_id(), method);
}

#[tokio::test]
async fn an_authorization_is_captured_in_full_or_in_part() {
    let (server, client) = stripe().await;
    for (wanted, captured) in [(None, 2_500), (Some(1_000), 1_000)] {
        let authorized =
            payment("pm_card_visa").capture_method(PaymentIntentCaptureMethod::Manual).send(&client).await.unwrap();
        assert_eq!(authorized.status, PaymentIntentStatus::RequiresCapture);
        assert_eq!((authorized.amount_capturable, authorized.amount_received), (2_500, 0));

        let mut capture = CapturePaymentIntent::new(authorized.id).expand(["latest_charge".to_owned()]);
        if let Some(amount) = wanted {
            capture = capture.amount_to_capture(amount);
        }
        let done = capture.send(&client).await.unwrap();
        assert_eq!(done.status, PaymentIntentStatus::Succeeded);
        assert_eq!((done.amount_capturable, done.amount_received), (0, captured));
        let charge = done.latest_charge.unwrap().into_object().unwrap();
        assert_eq!((charge.amount_captured, charge.amount_refunded), (captured, 2_500 - captured));
    }
    let captured: Vec<i64> = server.payment_intents().iter().map(|payment| payment.amount_captured).collect();
    assert_eq!(captured, [2_500, 1_000]);
}

#[tokio::test]
async fn no_more_than_authorized_can_be_captured_and_only_once() {
    let (_server, client) = stripe().await;
    let authorized =
        payment("pm_card_visa").capture_method(PaymentIntentCaptureMethod::Manual).send(&client).await.unwrap();
    let capture = |amount: i64| CapturePaymentIntent::new(authorized.id.clone()).amount_to_capture(amount);

    let too_much = capture(2_501).send(&client).await.unwrap_err();
    assert_eq!(too_much.api_error().unwrap().code.as_deref(), Some("amount_too_large"));
    capture(2_500).send(&client).await.unwrap();
    let again = capture(1).send(&client).await.unwrap_err();
    assert_eq!(again.api_error().unwrap().code.as_deref(), Some("payment_intent_unexpected_state"));
}

#[tokio::test]
async fn a_payment_is_canceled_unless_it_is_on_its_way_or_over() {
    let (server, client) = stripe().await;
    let authorized =
        payment("pm_card_visa").capture_method(PaymentIntentCaptureMethod::Manual).send(&client).await.unwrap();
    let unconfirmed = intent().payment_method("pm_card_visa").send(&client).await.unwrap();
    let open = intent().send(&client).await.unwrap();
    let action = payment("pm_card_authenticationRequired").send(&client).await.unwrap();
    let processing = payment("pm_usBankAccount_processing").send(&client).await.unwrap();
    assert_eq!(processing.status, PaymentIntentStatus::Processing);
    for intent in [&authorized, &unconfirmed, &open, &action] {
        let canceled = CancelPaymentIntent::new(intent.id.clone())
            .cancellation_reason(CancelPaymentIntentCancellationReason::Abandoned)
            .send(&client)
            .await
            .unwrap();
        assert_eq!(canceled.status, PaymentIntentStatus::Canceled);
        assert!(canceled.canceled_at.is_some() && canceled.cancellation_reason.is_some());
        assert_eq!(canceled.amount_capturable, 0);
    }
    assert!(
        server.payment_intents().iter().all(|payment| payment.amount_captured == 0 && payment.amount_refunded == 0)
    );

    let paid = payment("pm_card_visa").send(&client).await.unwrap();
    for id in [paid.id, open.id, processing.id] {
        let refused = CancelPaymentIntent::new(id).send(&client).await.unwrap_err();
        assert_eq!(refused.api_error().unwrap().code.as_deref(), Some("payment_intent_unexpected_state"));
    }
}

#[tokio::test]
async fn a_canceled_payment_cannot_go_on() {
    let (_server, client) = stripe().await;
    let created = intent().send(&client).await.unwrap();
    CancelPaymentIntent::new(created.id.clone()).send(&client).await.unwrap();
    let confirm = ConfirmPaymentIntent::new(created.id.clone()).payment_method("pm_card_visa");
    let capture = CapturePaymentIntent::new(created.id.clone());
    let errors = [confirm.send(&client).await.unwrap_err(), capture.send(&client).await.unwrap_err()];
    for error in errors {
        let error = error.api_error().unwrap();
        assert_eq!(error.code.as_deref(), Some("payment_intent_unexpected_state"));
        assert_eq!(error.payment_intent_status.as_deref(), Some("canceled"));
    }
    let reprice = UpdatePaymentIntent::new(created.id).amount(5_000).send(&client).await.unwrap_err();
    assert_eq!(reprice.status(), Some(400));
}

#[tokio::test]
async fn a_bank_debit_is_on_its_way_before_it_succeeds_or_fails() {
    let (server, client) = stripe().await;
    for (method, end) in
        [("pm_usBankAccount_success", "succeeded"), ("pm_usBankAccount_insufficientFunds", "requires_payment_method")]
    {
        let created = payment(method).send(&client).await.unwrap();
        assert_eq!(created.status, PaymentIntentStatus::Processing);
        crate::support::eventually("the debit ends", async || {
            server.payment_intents().iter().any(|payment| payment.id == created.id.as_str() && payment.status == end)
        })
        .await;
    }
    let stays = payment("pm_usBankAccount_processing").send(&client).await.unwrap();
    let path = format!("/_control/payment_intents/{}/settlement", stays.id);
    let body = serde_json::json!({ "result": "succeeded" });
    let (status, settled) = json(crate::support::raw(reqwest::Method::POST, &server, &path).json(&body)).await;
    assert_eq!((status, settled["status"].as_str()), (200, Some("succeeded")));
}

#[tokio::test]
async fn metadata_is_changed_even_after_success() {
    let (_server, client) = stripe().await;
    let paid = payment("pm_card_visa").metadata(metadata("ord_1")).send(&client).await.unwrap();
    let changes = [("attempt".to_owned(), String::new()), ("note".to_owned(), "gift".to_owned())];
    let updated = UpdatePaymentIntent::new(paid.id)
        .metadata(std::collections::HashMap::from(changes))
        .send(&client)
        .await
        .unwrap();
    assert_eq!(updated.metadata.len(), 2);
    assert_eq!((updated.metadata["order_id"].as_str(), updated.metadata["note"].as_str()), ("ord_1", "gift"));
}

#[tokio::test]
async fn lists_come_newest_first_and_in_pages() {
    let (_server, client) = stripe().await;
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(intent().send(&client).await.unwrap().id);
    }
    ids.reverse();
    let first = ListPaymentIntent::new().send(&client).await.unwrap();
    assert_eq!(first.data.iter().map(|intent| &intent.id).collect::<Vec<_>>(), ids[..10].iter().collect::<Vec<_>>());
    assert!(first.has_more);

    let mut all = Vec::new();
    let mut after = None;
    loop {
        let mut list = ListPaymentIntent::new().limit(7).created(stripe_types::RangeQueryTs::gte(0));
        if let Some(id) = after {
            list = list.starting_after(id);
        }
        let page = list.send(&client).await.unwrap();
        all.extend(page.data.iter().map(|intent| intent.id.clone()));
        after = all.last().map(ToString::to_string);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(all, ids);

    let future = stripe_types::RangeQueryTs::gt(i64::MAX - 1);
    assert!(ListPaymentIntent::new().created(future).send(&client).await.unwrap().data.is_empty());
    let before = ListPaymentIntent::new().limit(2).ending_before(ids[5].as_str()).send(&client).await.unwrap();
    assert_eq!(before.data.iter().map(|intent| &intent.id).collect::<Vec<_>>(), [&ids[3], &ids[4]]);
}

#[tokio::test]
async fn amounts_have_limits_per_currency() {
    let (_server, client) = stripe().await;
    for (amount, currency, code) in [
        (49, Currency::USD, "amount_too_small"),
        (0, Currency::USD, "parameter_invalid_integer"),
        (-1, Currency::EUR, "parameter_invalid_integer"),
        (29, Currency::GBP, "amount_too_small"),
        (100_000_000, Currency::USD, "amount_too_large"),
    ] {
        let refused = CreatePaymentIntent::new(amount, currency).send(&client).await.unwrap_err();
        assert_eq!(refused.status(), Some(400));
        assert_eq!(refused.api_error().unwrap().code.as_deref(), Some(code), "{amount}");
    }
    assert!(CreatePaymentIntent::new(50, Currency::USD).send(&client).await.is_ok());
    assert!(CreatePaymentIntent::new(99_999_999, Currency::USD).send(&client).await.is_ok());
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let (server, _client) = stripe().await;
    for (form, status, code, param) in [
        ("currency=usd", 400, Some("parameter_missing"), Some("amount")),
        ("amount=100", 400, Some("parameter_missing"), Some("currency")),
        ("amount=ten&currency=usd", 400, Some("parameter_invalid_integer"), Some("amount")),
        ("amount=100&currency=xxx", 400, None, Some("currency")),
        ("amount=100&currency=usd&colour=red", 400, Some("parameter_unknown"), Some("colour")),
        ("amount=100&currency=usd&description=", 400, Some("parameter_invalid_empty"), Some("description")),
        ("amount=100&currency=usd&capture_method=later", 400, None, Some("capture_method")),
        ("amount=100&currency=usd&confirm=perhaps", 400, None, Some("confirm")),
        ("amount=100&currency=usd&customer=cus_none", 400, Some("resource_missing"), Some("customer")),
        ("amount=100&currency=usd&payment_method=pm_none", 400, Some("resource_missing"), Some("payment_method")),
        ("amount=100&currency=usd&off_session=true", 400, None, Some("off_session")),
        ("amount=100&currency=usd&expand[]=secrets", 400, None, Some("expand")),
        ("amount=100&currency=usd&payment_method_types[]=barter", 400, None, Some("payment_method_types")),
    ] {
        let (actual, body) = json(post(&server, "/v1/payment_intents", form)).await;
        assert_eq!(actual, status, "{form}");
        assert_eq!(body["error"]["type"], "invalid_request_error", "{form}");
        assert_eq!(body["error"]["code"].as_str(), code, "{form}");
        assert_eq!(body["error"]["param"].as_str(), param, "{form}");
    }
    assert!(server.payment_intents().is_empty());
}

#[tokio::test]
async fn a_confirmation_needs_a_payment_method_and_a_way_back() {
    let (server, client) = stripe().await;
    let (status, body) =
        json(post(&server, "/v1/payment_intents", "amount=100&currency=usd&confirm=true&payment_method=pm_card_visa"))
            .await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("return_url"));

    let created = intent().send(&client).await.unwrap();
    let refused = ConfirmPaymentIntent::new(created.id).send(&client).await.unwrap_err();
    assert_eq!(refused.api_error().unwrap().code.as_deref(), Some("payment_intent_unexpected_state"));
}

#[tokio::test]
async fn what_does_not_exist_is_missing() {
    let (_server, client) = stripe().await;
    let missing = RetrievePaymentIntent::new("pi_none").send(&client).await.unwrap_err();
    assert!(missing.is_missing() && !missing.is_retryable());
    assert_eq!(missing.status(), Some(404));
    assert!(CancelPaymentIntent::new("pi_none").send(&client).await.unwrap_err().is_missing());
}
