//! Orders that are cancelled at the worst moments: while a step is under way, after the worker died in the middle of
//! them, and while their customer pays.

use anyhow::{Context as _, bail, ensure};
use kassa_domain::OrderId;
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_store::orders::OrderView;
use kassa_tests::customer::{GOOD_CARD, SECURE_CARD};
use kassa_tests::operators::Decides;
use kassa_tests::proxy::{Call, Moment, Refusal};
use kassa_tests::{Answer, Exclusive, Page, Shop, eventually, on_exclusive_shop};
use kassa_workflows::cancellation::{Cancellation, CancellationOutcome, workflow_id};
use kassa_workflows::checkout::{Checkout, Step, Undo};
use kassa_workflows::contracts::notifications::SEND;
use kassa_workflows::contracts::payments::CREATE_REFUND;
use kassa_workflows::contracts::reconciliation::FindingKind;
use kassa_workflows::parking::{Operator, Resolution};
use kassa_workflows::recovery;
use reqwest::{Method, StatusCode};
use serde_json::json;
use temporalio_client::errors::WorkflowUpdateError;
use temporalio_client::{
    WorkflowCancelOptions, WorkflowExecuteUpdateOptions, WorkflowExecutionStatus, WorkflowGetResultOptions,
    WorkflowTerminateOptions,
};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;

use crate::effects::{Deed, charge, confirmation};
use crate::rig::{PRICE, Rig, STOCK, on_sale};

/// The shop cancels an order.
async fn cancel(shop: &Shop, order: &OrderId) -> anyhow::Result<Answer> {
    let request = shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel"));
    Answer::of(request.json(&json!({}))).await
}

async fn stored(shop: &Shop, order: &OrderId) -> anyhow::Result<OrderView> {
    shop.orders.find(order).await?.context("the order is stored")
}

/// Kills the worker right after a step has taken effect, cancels the workflow, and starts the worker again.
async fn cancelled_after_a_kill_at(step: Step, shop: &mut Shop) -> anyhow::Result<()> {
    let mut rig = Rig::set_up(shop).await?;
    let shop: &Shop = shop;
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1);
    let order = checkout.order_id();
    let (proxy, call) = Deed::Step(step).effect(&order, &rig.proxies);
    let mut hold = proxy.hold(call, Moment::AfterEffect);
    let dies = async {
        hold.caught().await?;
        rig.worker.kill().await?;
        hold.discard();
        shop.workflow(&order).cancel(WorkflowCancelOptions::default()).await.context("cancelling the workflow")?;
        rig.start_worker().await
    };

    let (_, ()) = tokio::try_join!(checkout.send_until_decided(), dies)?;

    shop.oracle().product(&product, STOCK).order(&order).check().await.with_context(|| format!("at {step:?}"))
}

#[test]
fn an_order_that_is_cancelled_after_its_worker_died_leaves_neither_money_nor_stock_behind() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        // Up to there, nothing is recorded before all of it is done.
        for step in Step::ALL.into_iter().filter(|step| *step <= Step::Confirm) {
            cancelled_after_a_kill_at(step, shop).await?;
        }
        Ok(())
    })
}

/// Kills the worker right after the card was charged; when it is back, a step before the charge fails until
/// patience runs out.
async fn charged_and_then_failing_at(step: Step, shop: &mut Exclusive) -> anyhow::Result<()> {
    shop.restart_api(&[("KASSA_STEP_PATIENCE_MS", "3000")]).await?;
    let mut rig = Rig::set_up(shop).await?;
    let shop: &Shop = shop;
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1);
    let order = checkout.order_id();
    let mut hold = rig.proxies.stripe.hold(charge().and(order.as_str()), Moment::AfterEffect);
    let dies = async {
        hold.caught().await?;
        rig.worker.kill().await?;
        hold.discard();
        let (proxy, call) = Deed::Step(step).effect(&order, &rig.proxies);
        proxy.refuse(call, Refusal::unavailable());
        rig.start_worker().await
    };

    let (answer, ()) = tokio::try_join!(checkout.send_until_decided(), dies)?;
    rig.proxies.rds_data.clear();
    rig.proxies.dynamodb.clear();

    answer.assert_problem(503, "checkout_failed");
    eventually("the order is taken back", async || {
        let description = shop.describe(&order).await?.context("there is no workflow")?;
        if description.status() == WorkflowExecutionStatus::Completed {
            return Ok(());
        }
        // What takes the order back meets the same outage, and may have run out of patience before it was over.
        if shop.current_details(&order).await?.contains("Needs an operator") {
            let by = Operator { operator: "kim".to_owned(), step: None };
            shop.workflow(&order).execute_update(Checkout::retry, by, WorkflowExecuteUpdateOptions::default()).await?;
        }
        bail!("it is {:?}", description.status())
    })
    .await?;
    let oracle = shop.oracle().product(&product, STOCK).order(&order);
    oracle.check().await.with_context(|| format!("at {step:?}"))
}

#[test]
fn a_charge_that_nothing_remembers_is_given_back_when_a_step_before_it_fails() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        charged_and_then_failing_at(Step::Validate, shop).await?;
        charged_and_then_failing_at(Step::Reserve, shop).await
    })
}

#[test]
fn what_an_operator_says_of_a_mail_is_not_said_of_the_money() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let order = shop.customer().buys(&product, 1).send_until_decided().await?.assert_confirmed();
        shop.closed(&order).await?;
        let mail = Call::with("POST /v2/email/outbound-emails").and(order.as_str());
        rig.proxies.aws.refuse(mail, Refusal::message_rejected().times(1));
        let refund = Fault::new("refunds.create", Stage::Before, Outcome::status(400)).for_order(order.as_str());
        shop.stack.stripe.faults().add(refund.times(u32::MAX));
        assert_eq!(cancel(shop, &order).await?.status, 200);

        let cancellation = workflow_id(&order);
        eventually("both are parked", async || {
            let details = shop.parked_workflow(&cancellation).await?;
            let both = [SEND, CREATE_REFUND].iter().all(|step| details.contains(&format!("at `{step}`")));
            ensure!(both, "it shows {details}");
            Ok(())
        })
        .await?;
        let workflow = shop.temporal.get_workflow_handle::<Cancellation>(&cancellation);
        let said = |step: Option<&str>| {
            let step = step.map(str::to_owned);
            let by = Resolution { operator: "kim".to_owned(), reference: "told by phone".to_owned(), step };
            workflow.execute_update(Cancellation::resolve, by, WorkflowExecuteUpdateOptions::default())
        };
        let Err(WorkflowUpdateError::Failed(refused)) = said(None).await else { bail!("it was taken") };
        assert!(shop.words_of(&refused).contains("`step` must name the one"), "{}", shop.words_of(&refused));
        said(Some(SEND)).await?;

        let details = shop.parked_workflow(&cancellation).await?;
        assert!(details.contains(CREATE_REFUND) && !details.contains(SEND), "{details}");
        shop.stack.stripe.faults().clear();
        shop.operator().decide(&cancellation, Decides::Retry).await?;
        shop.completed(&cancellation).await?;
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!(payment.amount_refunded, PRICE);
        // The mail that was replaced by a call is the only one that the judge misses.
        let objection = shop.oracle().product(&product, STOCK).order(&order).objection().await?;
        let is_about_a_mail = |line: &str| line.contains("mail") || line.contains("message");
        assert!(objection.lines().skip(1).all(is_about_a_mail), "{objection}");
        Ok(())
    })
}

#[test]
fn an_order_that_is_cancelled_while_it_is_being_confirmed_is_refunded_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1);
        let order = checkout.order_id();
        let mut confirming = rig.proxies.rds_data.hold(confirmation().and(order.as_str()), Moment::BeforeEffect);
        let undo = Deed::Undo(Undo::Cancel).effect(&order, &rig.proxies).1;
        let undoing = rig.proxies.rds_data.hold(undo, Moment::BeforeEffect);
        let late = async {
            confirming.caught().await?;
            let cancelled = cancel(shop, &order);
            let confirmed = async {
                eventually("the checkout knows that it is cancelled", async || {
                    let history = shop.history(&order).await?;
                    let kinds = history.iter().rev().map(HistoryEvent::event_type);
                    let since: Vec<_> =
                        kinds.take_while(|kind| *kind != EventType::WorkflowExecutionCancelRequested).collect();
                    ensure!(since.len() < history.len(), "it is not cancelled");
                    ensure!(since.contains(&EventType::WorkflowTaskStarted), "nobody has told it: {since:?}");
                    Ok(())
                })
                .await?;
                confirming.deliver();
                eventually("the order is cancelled in the books", async || {
                    let status = stored(shop, &order).await?.status;
                    ensure!(status.as_str() == "CANCELLED", "it is {status}");
                    Ok(())
                })
                .await?;
                undoing.deliver();
                anyhow::Ok(())
            };
            tokio::try_join!(cancelled, confirmed)
        };

        let (_, (cancelled, ())) = tokio::try_join!(checkout.send_until_decided(), late)?;

        ensure!(cancelled.status == StatusCode::OK, "{cancelled:#?}");
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}

#[test]
fn whoever_authenticates_while_the_order_is_taken_back_gets_the_money_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1).pays_with(SECURE_CARD).can_authenticate();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        let abandoning = Call::with(format!("POST /v1/payment_intents/{}/cancel", payment.id));
        let mut hold = rig.proxies.stripe.hold(abandoning, Moment::BeforeEffect);
        let pays = async {
            hold.caught().await?;
            ensure!(page.submit(&[("result", "passed")]).await?.0 == 303, "the bank did not believe it");
            hold.deliver();
            Ok(())
        };

        let (cancelled, ()) = tokio::try_join!(cancel(shop, &order), pays)?;

        ensure!(cancelled.status == StatusCode::OK, "{cancelled:#?}");
        shop.oracle().product(&product, STOCK).order(&order).check().await?;
        let captured: i64 = shop.payments(&order).iter().map(|payment| payment.amount_captured).sum();
        ensure!(captured > 0, "the customer was not in time");
        Ok(())
    })
}

#[test]
fn whoever_pays_on_the_page_while_the_order_is_taken_back_gets_the_money_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1).on_page();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;
        let session = page.url.rsplit('/').next().context("a page has a session")?;
        let closing = Call::with("POST /v1/checkout/sessions/").and(format!("{session}/expire"));
        let mut hold = rig.proxies.stripe.hold(closing, Moment::BeforeEffect);
        let pays = async {
            hold.caught().await?;
            ensure!(page.pay(GOOD_CARD).await?.0 == 303, "the page was closed");
            hold.deliver();
            Ok(())
        };

        let (cancelled, ()) = tokio::try_join!(cancel(shop, &order), pays)?;

        ensure!(cancelled.status == StatusCode::OK, "{cancelled:#?}");
        shop.oracle().product(&product, STOCK).order(&order).check().await?;
        let captured: i64 = shop.payments(&order).iter().map(|payment| payment.amount_captured).sum();
        ensure!(captured > 0, "the customer was not in time");
        Ok(())
    })
}

#[test]
fn an_order_whose_checkout_was_terminated_is_not_waited_for_without_anybody_seeing_it() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_ANSWER_TIMEOUT_MS", "1000")]).await?;
        let _rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1).on_page();
        let order = checkout.order_id();
        Page::of(&checkout.send_until_decided().await?)?;
        shop.workflow(&order).terminate(WorkflowTerminateOptions::default()).await.context("terminating")?;
        let ended = shop.describe(&order).await?.context("a workflow")?.status();
        ensure!(ended == WorkflowExecutionStatus::Terminated, "it is {ended:?}");

        let undecided = cancel(shop, &order).await?;

        ensure!(undecided.status == StatusCode::ACCEPTED, "{undecided:#?}");
        let cancellation = workflow_id(&order);
        let details = shop.parked_workflow(&cancellation).await?;
        ensure!(details.contains("has ended and left it undecided"), "{details}");

        // The next comparison takes the order back, and then there is nothing left to cancel.
        let found = shop.finds(FindingKind::OrderUndecided).await?;
        ensure!(found.finding.order_id.as_ref() == Some(&order), "{found:?}");
        shop.completed(&recovery::workflow_id(&order)).await?;
        let (by, options) =
            (Operator { operator: "kim".to_owned(), step: None }, WorkflowExecuteUpdateOptions::default());
        let cancelling = shop.temporal.get_workflow_handle::<Cancellation>(&cancellation);
        cancelling.execute_update(Cancellation::retry, by, options).await?;
        shop.completed(&cancellation).await?;
        let end = cancelling.get_result(WorkflowGetResultOptions::default()).await?;
        ensure!(matches!(end, CancellationOutcome::NotSold { .. }), "{end:?}");
        shop.oracle().product(&product, STOCK).order(&order).ended_from_outside().check().await
    })
}
