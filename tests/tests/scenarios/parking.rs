//! Orders that only a person can bring to their end.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_devstack::stack::STRIPE_SECRET_KEY;
use kassa_domain::{OrderId, ProductId};
use kassa_stand_ins::rds_data::{Fault as SqlFault, FaultError};
use kassa_stand_ins::stripe::{Fault as StripeFault, Outcome, Stage};
use kassa_store::orders::RefundStatus;
use kassa_tests::{Answer, Exclusive, Shop, eventually, on_exclusive_shop};
use kassa_workflows::checkout::Checkout;
use kassa_workflows::parking::{Operator, Reasoned, Resolution};
use kassa_workflows::search_attributes::ORDER_STATE;
use reqwest::Method;
use serde_json::{Value, json};
use temporalio_client::WorkflowExecuteUpdateOptions;
use temporalio_client::errors::WorkflowUpdateError;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::compensation::{CONFIRM, for_good};

fn operator() -> Operator {
    Operator { operator: "kim".to_owned(), step: None }
}

/// An operator's updates.
async fn retry(shop: &Shop, order: &OrderId, by: Operator) -> Result<(), WorkflowUpdateError> {
    shop.workflow(order).execute_update(Checkout::retry, by, WorkflowExecuteUpdateOptions::default()).await
}

async fn resolve(shop: &Shop, order: &OrderId, by: Resolution) -> Result<(), WorkflowUpdateError> {
    shop.workflow(order).execute_update(Checkout::resolve, by, WorkflowExecuteUpdateOptions::default()).await
}

async fn write_off(shop: &Shop, order: &OrderId, by: Reasoned) -> Result<(), WorkflowUpdateError> {
    shop.workflow(order).execute_update(Checkout::write_off, by, WorkflowExecuteUpdateOptions::default()).await
}

async fn abort(shop: &Shop, order: &OrderId, by: Reasoned) -> Result<(), WorkflowUpdateError> {
    shop.workflow(order).execute_update(Checkout::abort, by, WorkflowExecuteUpdateOptions::default()).await
}

#[track_caller]
fn assert_refused(shop: &Shop, result: Result<(), WorkflowUpdateError>, why: &str) {
    match result {
        Err(WorkflowUpdateError::Failed(failure)) => {
            let text = shop.words_of(&failure);
            assert!(text.contains(why), "{text}");
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// What was said with the updates of this name that the order has accepted, as its history keeps it.
async fn accepted(shop: &Shop, order: &OrderId, update: &str) -> anyhow::Result<Vec<Value>> {
    let history = shop.history(order).await?.into_iter();
    let inputs = history.filter_map(|event| match event.attributes? {
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted) => accepted.accepted_request?.input,
        _ => None,
    });
    let said = inputs.filter(|input| input.name == update).filter_map(|input| input.args);
    let said = said.flat_map(|arguments| arguments.payloads);
    said.map(|payload| serde_json::from_slice(&payload.data).context("reading an update")).collect()
}

/// A charged order that cannot be confirmed, and whose refund Stripe refuses.
async fn park_at_refund(shop: &Shop) -> anyhow::Result<(ProductId, OrderId)> {
    let tea = shop.create_product(1250, 5).await?;
    let checkout = shop.customer().buys(&tea, 2);
    let order = checkout.order_id();
    shop.stack.rds_data.faults().inject(SqlFault::fail_before(CONFIRM).with_error(for_good()).times(u32::MAX));
    let refusal = StripeFault::new("refunds.create", Stage::Before, Outcome::status(400));
    shop.stack.stripe.faults().add(refusal.for_order(order.as_str()).times(u32::MAX));

    checkout.send().await?.assert_problem(503, "checkout_failed");

    let details = shop.parked(&order).await?;
    assert!(details.contains("at `payments.refund`"), "{details}");
    assert!(details.contains("`retry`, `resolve` or `write_off`"), "{details}");
    assert_state(shop, &order, "NeedsOperator").await?;
    Ok((tea, order))
}

/// The search attribute of an order becomes this state.
async fn assert_state(shop: &Shop, order: &OrderId, expected: &str) -> anyhow::Result<()> {
    eventually(&format!("{order} is {expected}"), async || {
        let workflow = shop.describe(order).await?.context("there is no workflow")?;
        let state = workflow.search_attributes().get(&ORDER_STATE);
        ensure!(state.as_deref() == Some(expected), "it is {state:?}");
        Ok(())
    })
    .await
}

#[test]
fn refund_that_fails_for_good_parks_the_order_until_an_operator_retries() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = park_at_refund(shop).await?;
        // The order is found by whoever looks for work.
        eventually("the order is found among those that need an operator", async || {
            let query = format!("OrderState = 'NeedsOperator' AND WorkflowId = 'order-{order}'");
            ensure!(shop.count_workflows(&query).await? == 1, "it is not found");
            Ok(())
        })
        .await?;
        assert_refused(
            shop,
            retry(shop, &order, Operator { operator: " ".to_owned(), step: None }).await,
            "who decides",
        );

        // As long as Stripe refuses, a retry parks it again.
        retry(shop, &order, operator()).await?;
        shop.parked(&order).await?;
        assert_eq!(shop.order(&order).await?.body["status"], "PENDING");

        shop.stack.stripe.faults().clear();
        retry(shop, &order, operator()).await?;

        shop.closed(&order).await?;
        assert_state(shop, &order, "CANCELLED").await?;
        assert_eq!(shop.order(&order).await?.body["status"], "CANCELLED");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_that_was_made_by_hand_is_recorded_with_its_reference() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = park_at_refund(shop).await?;
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        shop.stack.stripe.faults().clear();
        let refund: Value = shop
            .http
            .post(format!("{}/v1/refunds", shop.stack.stripe.url()))
            .bearer_auth(STRIPE_SECRET_KEY)
            .form(&[("payment_intent", payment.id.as_str())])
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let reference = refund["id"].as_str().context("a refund has an id")?.to_owned();

        let nothing = Resolution { operator: "kim".to_owned(), reference: String::new(), step: None };
        assert_refused(shop, resolve(shop, &order, nothing).await, "must not be empty");
        resolve(shop, &order, Resolution { operator: "kim".to_owned(), reference: reference.clone(), step: None })
            .await?;

        shop.closed(&order).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert_eq!(
            stored.refunds.iter().filter_map(|refund| refund.reference.as_ref()).collect::<Vec<_>>(),
            [&reference]
        );
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_that_is_written_off_lets_the_order_end() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = park_at_refund(shop).await?;
        let reasoned = |reason: &str| Reasoned { operator: "kim".to_owned(), reason: reason.to_owned(), step: None };
        assert_refused(shop, write_off(shop, &order, reasoned("")).await, "must not be empty");
        assert_refused(shop, abort(shop, &order, reasoned("changed my mind")).await, "past the point of return");

        write_off(shop, &order, reasoned("charged back by the bank")).await?;

        shop.closed(&order).await?;
        let decision = json!({ "operator": "kim", "reason": "charged back by the bank" });
        assert_eq!(accepted(shop, &order, "write_off").await?, [decision], "who decided is in the history");
        assert_state(shop, &order, "CANCELLED").await?;
        assert_eq!(shop.order(&order).await?.body["status"], "CANCELLED");
        assert_eq!(shop.stock(&tea).await?.available, 5);
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!(payment.amount_refunded, 0, "nobody may invent a refund");
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        let recorded = stored.payment.context("what was captured is in the books")?;
        assert_eq!((recorded.captured.amount, recorded.refunded.amount, recorded.refund_pending.amount), (2500, 0, 0));
        assert_eq!(stored.refunds[0].status, RefundStatus::WrittenOff);
        assert_eq!(stored.refunds[0].reference.as_deref(), Some("charged back by the bank"));
        // What the operator has answered for is exactly what the oracle objects to.
        let objection = shop.oracle().product(&tea, 5).order(&order).objection().await?;
        assert!(objection.contains("captured less refunded money: found 2500, expected 0"), "{objection}");
        Ok(())
    })
}

#[test]
fn operator_cannot_decide_about_an_order_that_is_not_parked() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();
        // The first attempt fails at once and the second one takes its time, outside of the workflow task.
        let charge = "payment_intents.create";
        let faults = shop.stack.stripe.faults();
        faults.add(StripeFault::new(charge, Stage::Before, Outcome::Reset).for_order(order.as_str()));
        faults.add(StripeFault::slow(charge, Duration::from_secs(5)).for_order(order.as_str()));
        let decide = async {
            eventually("the charge is tried for the second time", async || {
                let tries = shop.stripe_operations(&order).len();
                ensure!(tries >= 2, "tried {tries} times");
                Ok(())
            })
            .await?;
            let reasoned = Reasoned { operator: "kim".to_owned(), reason: "a try".to_owned(), step: None };
            let (retried, written_off) =
                tokio::join!(retry(shop, &order, operator()), write_off(shop, &order, reasoned));
            assert_refused(shop, retried, "no step of this order waits");
            assert_refused(shop, written_off, "no step of this order waits");
            anyhow::Ok(())
        };

        let (answer, decided) = tokio::join!(checkout.send(), decide);

        decided?;
        answer?.assert_confirmed();
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

/// A charged order whose confirmation met this fault until patience ran out, and its caller.
async fn with_order_parked_at_confirm(
    shop: &mut Exclusive,
    fault: SqlFault,
    decide: impl AsyncFnOnce(&Shop, &OrderId) -> anyhow::Result<()>,
) -> anyhow::Result<(kassa_tests::Answer, ProductId, OrderId)> {
    shop.restart_api(&[("KASSA_STEP_PATIENCE_MS", "1000")]).await?;
    let tea = shop.create_product(1250, 5).await?;
    let checkout = shop.customer().buys(&tea, 2);
    let order = checkout.order_id();
    shop.stack.rds_data.faults().inject(fault.with_error(FaultError::DatabaseResuming).times(u32::MAX));
    let decision = async {
        eventually("the order has a workflow", async || {
            shop.describe(&order).await?.context("there is no workflow").map(drop)
        })
        .await?;
        let details = shop.parked(&order).await?;
        assert!(details.contains("at `orders.confirm`"), "{details}");
        assert!(details.contains("`retry` or `abort`"), "{details}");
        shop.stack.rds_data.faults().clear();
        decide(shop, &order).await
    };
    let (answer, decided) = tokio::join!(checkout.send_until_decided(), decision);
    decided?;
    Ok((answer?, tea, order))
}

#[test]
fn paid_order_waits_for_an_operator_when_the_database_stays_away() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let away = SqlFault::fail_before(CONFIRM);
        let (answer, tea, order) =
            with_order_parked_at_confirm(shop, away, async |shop, order| Ok(retry(shop, order, operator()).await?))
                .await?;

        assert_eq!(answer.assert_confirmed(), order);
        assert_state(shop, &order, "CONFIRMED").await?;
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn paid_order_that_an_operator_aborts_is_taken_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let away = SqlFault::fail_before(CONFIRM);
        let (answer, tea, order) = with_order_parked_at_confirm(shop, away, async |shop, order| {
            let resolution = Resolution { operator: "kim".to_owned(), reference: "by hand".to_owned(), step: None };
            assert_refused(shop, resolve(shop, order, resolution).await, "can still be taken back");
            let reasoned =
                Reasoned { operator: "kim".to_owned(), reason: "the customer called".to_owned(), step: None };
            Ok(abort(shop, order, reasoned).await?)
        })
        .await?;

        answer.assert_problem(503, "checkout_failed");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_that_was_confirmed_and_shipped_is_not_taken_back_when_an_operator_aborts() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let answers_lost = SqlFault::fail_after(CONFIRM);
        let (answer, tea, order) = with_order_parked_at_confirm(shop, answers_lost, async |shop, order| {
            let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
            let shipped = Answer::of(ship.json(&json!({ "status": "SHIPPED" }))).await?;
            assert_eq!(shipped.status, 200, "{shipped:#?}");
            let reasoned =
                Reasoned { operator: "kim".to_owned(), reason: "the customer called".to_owned(), step: None };
            Ok(abort(shop, order, reasoned).await?)
        })
        .await?;

        assert_eq!(answer.assert_confirmed(), order);
        assert_eq!(shop.order(&order).await?.body["status"], "SHIPPED");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}
