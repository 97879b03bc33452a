//! Money that goes back.

use futures::future::join_all;
use stripe_core::refund::{CreateRefund, CreateRefundReason, ListRefund, RetrieveRefund, UpdateRefund};
use stripe_shared::PaymentIntentCaptureMethod;

use crate::support::{eventually, get, intent, json, metadata, payment, stripe};

#[tokio::test]
async fn a_payment_is_refunded_in_full() {
    let (server, client) = stripe().await;
    let paid = payment("pm_card_visa").send(&client).await.unwrap();
    let refund = CreateRefund::new()
        .payment_intent(paid.id.as_str())
        .reason(CreateRefundReason::RequestedByCustomer)
        .metadata(metadata("ord_1"))
        .send(&client)
        .await
        .unwrap();
    assert_eq!((refund.amount, refund.status.as_deref()), (2_500, Some("succeeded")));
    assert_eq!(refund.metadata.unwrap()["order_id"], "ord_1");
    assert!(refund.id.as_str().starts_with("re_3"));

    let charge = paid.latest_charge.unwrap().into_id();
    let (_, charge) = json(get(&server, &format!("/v1/charges/{charge}"))).await;
    assert_eq!((charge["refunded"].as_bool(), charge["amount_refunded"].as_i64()), (Some(true), Some(2_500)));
    let snapshot = &server.payment_intents()[0];
    assert_eq!((snapshot.status.as_str(), snapshot.amount_refunded), ("succeeded", 2_500));
}

#[tokio::test]
async fn parts_are_refunded_until_nothing_is_left() {
    let (_server, client) = stripe().await;
    let paid = payment("pm_card_visa").send(&client).await.unwrap();
    let refund = |amount: i64| CreateRefund::new().payment_intent(paid.id.as_str()).amount(amount);
    refund(1_000).send(&client).await.unwrap();

    let too_much = refund(1_501).send(&client).await.unwrap_err();
    let error = too_much.api_error().unwrap();
    assert_eq!((too_much.status(), error.param.as_deref()), (Some(400), Some("amount")));
    assert_eq!(error.message(), Some("Refund amount ($15.01) is greater than unrefunded amount on charge ($15.00)"));

    let rest =
        CreateRefund::new().charge(paid.latest_charge.as_ref().unwrap().id().as_str()).send(&client).await.unwrap();
    assert_eq!(rest.amount, 1_500);
    let nothing_left = refund(1).send(&client).await.unwrap_err();
    assert_eq!(nothing_left.api_error().unwrap().code.as_deref(), Some("charge_already_refunded"));

    let listed = ListRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap();
    assert_eq!(listed.data.iter().map(|refund| refund.amount).collect::<Vec<_>>(), [1_500, 1_000]);
}

#[tokio::test]
async fn concurrent_refunds_never_exceed_what_was_captured() {
    let (server, client) = stripe().await;
    let paid = payment("pm_card_visa").send(&client).await.unwrap();
    let refunds = join_all((0..20).map(|_| {
        let (client, id) = (client.clone(), paid.id.clone());
        async move { CreateRefund::new().payment_intent(id.as_str()).amount(1_000).send(&client).await }
    }))
    .await;
    assert_eq!(refunds.iter().filter(|refund| refund.is_ok()).count(), 2);
    assert_eq!(server.payment_intents()[0].amount_refunded, 2_000);
}

#[tokio::test]
async fn only_what_was_captured_is_refunded() {
    let (_server, client) = stripe().await;
    let open = intent().send(&client).await.unwrap();
    let authorized =
        payment("pm_card_visa").capture_method(PaymentIntentCaptureMethod::Manual).send(&client).await.unwrap();
    for id in [open.id, authorized.id] {
        let refused = CreateRefund::new().payment_intent(id.as_str()).send(&client).await.unwrap_err();
        assert_eq!(refused.status(), Some(400));
        assert!(refused.api_error().unwrap().message().unwrap().contains("does not have a successful charge"));
    }
    let missing = CreateRefund::new().payment_intent("pi_none").send(&client).await.unwrap_err();
    assert!(missing.is_missing());
    let nothing = CreateRefund::new().send(&client).await.unwrap_err();
    assert_eq!(nothing.api_error().unwrap().code.as_deref(), Some("parameter_missing"));
    let negative = CreateRefund::new().payment_intent("pi_none").amount(-1).send(&client).await.unwrap_err();
    assert_eq!(negative.api_error().unwrap().code.as_deref(), Some("parameter_invalid_integer"));
}

#[tokio::test]
async fn a_pending_refund_succeeds_later() {
    let (_server, client) = stripe().await;
    let paid = payment("pm_card_pendingRefund").send(&client).await.unwrap();
    let refund = CreateRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap();
    assert_eq!(refund.status.as_deref(), Some("pending"));
    eventually("the refund succeeds", async || {
        let refund = RetrieveRefund::new(refund.id.clone()).send(&client).await.unwrap();
        refund.status.as_deref() == Some("succeeded")
    })
    .await;
}

#[tokio::test]
async fn a_refund_that_seemed_to_succeed_fails_later_and_can_be_tried_again() {
    let (server, client) = stripe().await;
    let paid = payment("pm_card_refundFail").send(&client).await.unwrap();
    let refund = CreateRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap();
    assert_eq!(refund.status.as_deref(), Some("succeeded"));
    eventually("the refund fails", async || {
        let refund = RetrieveRefund::new(refund.id.clone()).send(&client).await.unwrap();
        refund.status.as_deref() == Some("failed")
            && refund.failure_reason.as_deref() == Some("expired_or_canceled_card")
    })
    .await;
    assert_eq!(server.payment_intents()[0].amount_refunded, 0);
    let again = CreateRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap();
    assert_eq!(again.amount, 2_500);
}

#[tokio::test]
async fn metadata_of_a_refund_is_changed() {
    let (_server, client) = stripe().await;
    let paid = payment("pm_card_visa").send(&client).await.unwrap();
    let refund = CreateRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap();
    let updated = UpdateRefund::new(refund.id).metadata(metadata("ord_1")).send(&client).await.unwrap();
    assert_eq!(updated.metadata.unwrap()["order_id"], "ord_1");
}
