//! Refunds that wait for an operator: tried again, made by hand, given up.

use anyhow::{Context as _, ensure};
use kassa_devstack::stack::STRIPE_SECRET_KEY;
use kassa_domain::OrderId;
use kassa_stand_ins::rds_data::{Fault as DatabaseFault, FaultError};
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_store::orders::RefundStatus;
use kassa_tests::reconciliation::at_once;
use kassa_tests::refunds::RefundRequest;
use kassa_tests::{Answer, Shop, eventually, on_exclusive_shop};
use kassa_workflows::contracts::reconciliation::{FindingKind, Started};
use kassa_workflows::parking::{Operator, Reasoned, Resolution};
use kassa_workflows::recovery;
use kassa_workflows::refund::{Refund, workflow_id};
use temporalio_client::{Client, WorkflowExecuteUpdateOptions, WorkflowHandle};

use super::{refunded_at_stripe, sold};

const IMPATIENT: [(&str, &str); 2] = [("KASSA_STEP_PATIENCE_MS", "1000"), ("KASSA_ANSWER_TIMEOUT_MS", "500")];
/// What tells the statement of a claim.
const CLAIMING: &str = "AS known_fingerprint";

fn workflow(shop: &Shop, refund: &RefundRequest<'_>) -> WorkflowHandle<Client, Refund> {
    shop.temporal.get_workflow_handle::<Refund>(workflow_id(&refund.refund_id()))
}

fn now() -> WorkflowExecuteUpdateOptions {
    WorkflowExecuteUpdateOptions::default()
}

/// A refund that waits for an operator, because Stripe is away for longer than it waits.
async fn parked<'shop>(shop: &'shop Shop, order: &OrderId) -> anyhow::Result<RefundRequest<'shop>> {
    let away = Fault::new("refunds.create", Stage::Before, Outcome::status(503));
    shop.stack.stripe.faults().add(away.for_order(order.as_str()).times(u32::MAX));
    let request = shop.refund(order).of(500);
    let answer = request.send().await?;
    assert_eq!(answer.status, 202, "nobody waits that long for an answer: {answer:#?}");
    let details = shop.parked_workflow(&workflow_id(&request.refund_id())).await?;
    assert!(details.contains("at `payments.create_refund`"), "{details}");
    shop.stack.stripe.faults().clear();
    Ok(request)
}

/// The number of a refund of 5.00 EUR that somebody makes at Stripe.
async fn made_by_hand(shop: &Shop, order: &OrderId) -> anyhow::Result<String> {
    let [payment] = shop.payments(order).try_into().expect("one payment");
    let made: serde_json::Value = shop
        .http
        .post(format!("{}/v1/refunds", shop.stack.stripe.url()))
        .bearer_auth(STRIPE_SECRET_KEY)
        .form(&[("payment_intent", payment.id.as_str()), ("amount", "500")])
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    Ok(made["id"].as_str().context("a refund has an id")?.to_owned())
}

#[test]
fn refund_that_stripe_never_answers_is_parked_until_an_operator_retries() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.restart_api(&IMPATIENT).await?;
        let request = parked(shop, &order).await?;

        workflow(shop, &request)
            .execute_update(Refund::retry, Operator { operator: "kim".to_owned(), step: None }, now())
            .await?;

        shop.completed(&workflow_id(&request.refund_id())).await?;
        assert_eq!(refunded_at_stripe(shop, &order), 500);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_that_waits_for_an_operator_is_named_by_a_reconciliation() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.restart_api(&IMPATIENT).await?;
        let request = parked(shop, &order).await?;
        let id = workflow_id(&request.refund_id());

        let found = shop.names(&id, &at_once()).await?;

        assert_eq!(found.finding.kind, FindingKind::WorkflowParked);
        assert_eq!(found.started, Started::Named { workflow_id: id.clone() });
        assert!(shop.describe_workflow(&recovery::workflow_id(&order)).await?.is_none(), "nobody else is at it");
        workflow(shop, &request)
            .execute_update(Refund::retry, Operator { operator: "kim".to_owned(), step: None }, now())
            .await?;
        shop.completed(&id).await?;
        assert_eq!(refunded_at_stripe(shop, &order), 500);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_that_was_made_by_hand_is_in_the_books_with_its_reference() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.restart_api(&IMPATIENT).await?;
        let request = parked(shop, &order).await?;
        let reference = made_by_hand(shop, &order).await?;

        let by = Resolution { operator: "kim".to_owned(), reference: reference.clone(), step: None };
        workflow(shop, &request).execute_update(Refund::resolve, by, now()).await?;

        shop.completed(&workflow_id(&request.refund_id())).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert_eq!(stored.refunds[0].reference.as_deref(), Some(reference.as_str()));
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_that_is_written_off_says_so_in_the_books_and_can_be_made_again() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.restart_api(&IMPATIENT).await?;
        let request = parked(shop, &order).await?;

        let by = Reasoned { operator: "kim".to_owned(), reason: "paid in cash".to_owned(), step: None };
        workflow(shop, &request).execute_update(Refund::write_off, by, now()).await?;

        shop.completed(&workflow_id(&request.refund_id())).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        let [written_off] = stored.refunds.as_slice() else { anyhow::bail!("{:?}", stored.refunds) };
        assert_eq!(written_off.status, RefundStatus::WrittenOff);
        assert_eq!(written_off.reference.as_deref(), Some("paid in cash"));
        assert_eq!(refunded_at_stripe(shop, &order), 0);
        shop.oracle().product(&tea, 5).order(&order).check().await?;
        shop.restart_api(&[]).await?;
        assert_eq!(shop.refund(&order).send().await?.body["amount"]["amount"], 2500);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

/// A refund that waits for an operator, because the database gives no answer to its claim.
async fn parked_at_claim<'shop>(
    shop: &'shop Shop,
    order: &OrderId,
    unanswered: DatabaseFault,
) -> anyhow::Result<RefundRequest<'shop>> {
    let faults = shop.stack.rds_data.faults();
    faults.inject(unanswered.with_error(FaultError::StatementTimeout).times(u32::MAX));
    let request = shop.refund(order).of(500);
    let answer = request.send().await?;
    assert_eq!(answer.status, 202, "nobody waits that long for an answer: {answer:#?}");
    let details = shop.parked_workflow(&workflow_id(&request.refund_id())).await?;
    assert!(details.contains("at `refunds.claim`"), "{details}");
    faults.clear();
    Ok(request)
}

/// What whoever asks again is told: the API, too, is impatient.
async fn decided(request: &RefundRequest<'_>) -> anyhow::Result<Answer> {
    eventually("the refund is decided", async || {
        let answer = request.send().await?;
        ensure!(answer.status != 202, "{answer:?}");
        Ok(answer)
    })
    .await
}

#[test]
fn claim_that_was_written_unseen_is_not_made_after_an_operator_gave_it_up() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.restart_api(&IMPATIENT).await?;
        let request = parked_at_claim(shop, &order, DatabaseFault::fail_after(CLAIMING)).await?;

        let by = Reasoned { operator: "kim".to_owned(), reason: "paid in cash".to_owned(), step: None };
        workflow(shop, &request).execute_update(Refund::write_off, by, now()).await?;

        shop.completed(&workflow_id(&request.refund_id())).await?;
        shop.reconcile(at_once()).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        let [written_off] = stored.refunds.as_slice() else { anyhow::bail!("{:?}", stored.refunds) };
        assert_eq!(written_off.status, RefundStatus::WrittenOff);
        assert_eq!(refunded_at_stripe(shop, &order), 0);
        assert_eq!(decided(&request).await?.status, 409);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn claim_that_was_written_unseen_is_not_made_again_after_it_was_made_by_hand() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.restart_api(&IMPATIENT).await?;
        let request = parked_at_claim(shop, &order, DatabaseFault::fail_after(CLAIMING)).await?;
        let reference = made_by_hand(shop, &order).await?;

        let by = Resolution { operator: "kim".to_owned(), reference: reference.clone(), step: None };
        workflow(shop, &request).execute_update(Refund::resolve, by, now()).await?;

        shop.completed(&workflow_id(&request.refund_id())).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        let [made] = stored.refunds.as_slice() else { anyhow::bail!("{:?}", stored.refunds) };
        assert_eq!((made.status, made.reference.as_deref()), (RefundStatus::Succeeded, Some(reference.as_str())));
        assert_eq!(refunded_at_stripe(shop, &order), 500);
        assert_eq!(decided(&request).await?.body["status"], "SUCCEEDED");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn claim_that_was_never_written_leaves_nothing_in_the_books_when_it_is_given_up() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.restart_api(&IMPATIENT).await?;
        let request = parked_at_claim(shop, &order, DatabaseFault::fail_before(CLAIMING)).await?;

        let by = Reasoned { operator: "kim".to_owned(), reason: "paid in cash".to_owned(), step: None };
        workflow(shop, &request).execute_update(Refund::write_off, by, now()).await?;

        shop.completed(&workflow_id(&request.refund_id())).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert!(stored.refunds.is_empty(), "{:?}", stored.refunds);
        shop.oracle().product(&tea, 5).order(&order).check().await?;
        shop.restart_api(&[]).await?;
        assert_eq!(shop.refund(&order).send().await?.body["amount"]["amount"], 2500);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}
