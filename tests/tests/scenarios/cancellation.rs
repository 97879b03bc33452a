//! Orders that their customers, or the shop, do not want any more.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use kassa_domain::{OrderId, OrderStatus, RefundId, StockLevel};
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_store::orders::RefundStatus;
use kassa_tests::refunds::RefundRequest;
use kassa_tests::valve::QUICK;
use kassa_tests::{Answer, Customer, Exclusive, Page, Shop, eventually, on_exclusive_shop, on_shared_shop};
use kassa_workflows::cancellation::{Cancellation, workflow_id};
use kassa_workflows::parking::Operator;
use reqwest::Method;
use serde_json::json;
use temporalio_client::{WorkflowCancelOptions, WorkflowExecuteUpdateOptions};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

/// A customer asks for the cancellation of an order.
async fn cancel(customer: &Customer<'_>, order: &Answer) -> anyhow::Result<Answer> {
    let request = customer.about(Method::POST, order, "/cancel");
    Answer::of(request.json(&json!({ "reason": "changed_mind" }))).await
}

/// The shop cancels an order.
async fn cancel_for_the_shop(shop: &Shop, order: &OrderId) -> anyhow::Result<Answer> {
    let request = shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel"));
    Answer::of(request.json(&json!({}))).await
}

#[track_caller]
fn assert_cancelled(answer: &Answer, reason: &str) {
    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (200, &json!("CANCELLED")), "{answer:#?}");
    assert_eq!(answer.body["failure_reason"], reason, "{answer:#?}");
}

#[test]
fn confirmed_order_is_cancelled_restocked_and_refunded() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let bought = customer.buys(&tea, 2).send().await?;
        let order = bought.assert_confirmed();

        let answer = cancel(&customer, &bought).await?;

        assert_cancelled(&answer, "cancelled_by_customer");
        shop.completed(&workflow_id(&order)).await?;
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 5, reserved: 0, sold: 0 });
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!((payment.amount_captured, payment.amount_refunded), (2500, 2500), "{payment:#?}");
        let read = Answer::of(customer.about(Method::GET, &bought, "")).await?;
        assert_eq!(read.body["payment"]["status"], "REFUNDED", "{read:#?}");
        assert_eq!(read.body["refunds"][0]["status"], "SUCCEEDED", "{read:#?}");
        let kinds: Vec<_> = shop.events(&order).await?.into_iter().map(|event| event.detail_type).collect();
        for kind in ["order.confirmed", "order.cancelled", "order.refunded"] {
            assert!(kinds.iter().any(|found| found == kind), "{kinds:?}");
        }
        let again = cancel(&customer, &bought).await?;
        assert_eq!((again.status, &again.body), (read.status, &read.body), "it stays as it is");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

/// While no worker runs, a workflow is cancelled and the timer that it waits for fires. The next worker reads both in one
/// workflow task.
async fn cancelled_as_its_timer_fires(shop: &mut Exclusive, order: &OrderId) -> anyhow::Result<()> {
    shop.stack.worker.kill().await?;
    shop.workflow(order).cancel(WorkflowCancelOptions::default()).await.context("cancelling the workflow")?;
    eventually("its timer has fired", async || {
        let history = shop.history(order).await?;
        let cancelled =
            history.iter().position(|event| event.event_type() == EventType::WorkflowExecutionCancelRequested);
        let unread = &history[cancelled.context("it is not cancelled")?..];
        ensure!(unread.iter().any(|event| event.event_type() == EventType::TimerFired), "it has not");
        Ok(())
    })
    .await?;
    shop.stack.worker.start().await?;
    shop.closed(order).await?;
    let status = shop.order(order).await?.body["status"].clone();
    ensure!(status == "CANCELLED", "it is {status}");
    Ok(())
}

#[test]
fn order_that_is_cancelled_just_when_its_payment_is_looked_at_ends() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_PAYMENT_POLL_MS", "3000")]).await?;
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2).on_page();
        let order = checkout.order_id();
        Page::of(&checkout.send_until_decided().await?)?;
        drop(checkout);

        cancelled_as_its_timer_fires(shop, &order).await?;

        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 5, reserved: 0, sold: 0 });
        Ok(())
    })
}

#[test]
fn order_that_is_cancelled_just_when_the_valve_is_looked_at_ends() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_VALVE_LOOK_MS", "3000"), QUICK[1]]).await?;
        let tea = shop.create_product(1250, 5).await?;
        shop.pause_payments().await?;
        let checkout = shop.customer().buys(&tea, 2);
        let order = checkout.order_id();
        checkout.send().await?;
        drop(checkout);
        shop.held(&order).await?;

        cancelled_as_its_timer_fires(shop, &order).await?;

        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 5, reserved: 0, sold: 0 });
        Ok(())
    })
}

#[test]
fn cancelled_order_gives_back_only_what_was_not_given_back_before() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let order = shop.customer().buys(&tea, 2).send().await?.assert_confirmed();
        shop.refund(&order).of(900).send().await?;

        assert_cancelled(&cancel_for_the_shop(shop, &order).await?, "cancelled_by_shop");

        shop.refund(&order).of(1).send().await?.assert_problem(409, "refund_exceeds_captured");
        shop.completed(&workflow_id(&order)).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        let amounts: Vec<_> = stored.refunds.iter().map(|refund| refund.amount.amount).collect();
        assert_eq!(amounts, [900, 1600]);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_whose_checkout_still_runs_is_stopped_and_taken_back() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let checkout = customer.buys(&tea, 2);
        let order = checkout.order_id();
        // Too slow for the attempt inside of the workflow task, and then slow again.
        let slow = Fault::slow("payment_intents.create", Duration::from_secs(6)).times(2);
        shop.stack.stripe.faults().add(slow.for_order(order.as_str()));
        let cancelled = async {
            eventually("the charge is tried for the second time", async || {
                let tries = shop.stripe_operations(&order).len();
                ensure!(tries >= 2, "tried {tries} times");
                Ok(())
            })
            .await?;
            cancel_for_the_shop(shop, &order).await
        };

        let (answer, cancelled) = tokio::join!(checkout.send(), cancelled);

        assert_cancelled(&cancelled?, "cancelled_by_shop");
        answer?.assert_problem(409, "order_cancelled");
        eventually("Stripe has nothing to do any more", async || {
            let requests = shop.stack.stripe.requests();
            let about = requests.iter().filter(|request| request.order_id.as_deref() == Some(order.as_str()));
            // The first one never gets an answer, because nobody waits for it.
            let busy = about.skip(1).filter(|request| request.status.is_none()).count();
            ensure!(busy == 0, "{busy} requests are under way");
            Ok(())
        })
        .await?;
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_that_is_on_its_way_cannot_be_cancelled() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let bought = customer.buys(&tea, 2).send().await?;
        let order = bought.assert_confirmed();
        let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
        let shipped = Answer::of(ship.json(&json!({ "status": "SHIPPED" }))).await?;
        assert_eq!(shipped.status, 200, "{shipped:#?}");

        cancel(&customer, &bought).await?.assert_problem(409, "not_cancellable");

        assert!(shop.describe_workflow(&workflow_id(&order)).await?.is_none(), "nothing was started");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn of_shipping_and_cancelling_at_once_one_wins() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let customer = shop.customer();
        let mut orders = Vec::new();
        for _ in 0..4 {
            let bought = customer.buys(&tea, 1).send().await?;
            let order = bought.assert_confirmed();
            let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
            let ship = Answer::of(ship.json(&json!({ "status": "SHIPPED" })));

            let (shipped, cancelled) = tokio::try_join!(ship, cancel(&customer, &bought))?;

            let status = shop.orders.find(&order).await?.context("the order is stored")?.status;
            match (shipped.status.as_u16(), cancelled.status.as_u16()) {
                (200, 409) => assert_eq!(status, OrderStatus::Shipped),
                (409, 200) => assert_eq!(status, OrderStatus::Cancelled),
                both => anyhow::bail!("{both:?}: {shipped:#?} {cancelled:#?}"),
            }
            orders.push(order);
        }
        shop.oracle().product(&tea, 20).orders(&orders).check().await
    })
}

#[test]
fn cancelling_and_refunding_at_once_never_give_back_more_than_was_captured() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let bought = customer.buys(&tea, 2).send().await?;
        let order = bought.assert_confirmed();
        let refunds: Vec<_> = (0..6).map(|n| shop.refund(&order).of(400 + n)).collect();

        let refunding = try_join_all(refunds.iter().map(RefundRequest::send));
        let (refunded, first, second) =
            tokio::try_join!(refunding, cancel(&customer, &bought), cancel(&customer, &bought))?;

        for answer in [&first, &second] {
            assert_cancelled(answer, "cancelled_by_customer");
        }
        for answer in refunded {
            ensure!([201, 409].contains(&answer.status.as_u16()), "{answer:#?}");
        }
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        let cancellations = stored.refunds.iter().filter(|r| r.refund_id == RefundId::of_cancellation(&order)).count();
        assert!(cancellations <= 1, "{:?}", stored.refunds);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn cancelled_order_whose_refund_stripe_refuses_waits_for_an_operator() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let bought = customer.buys(&tea, 2).send().await?;
        let order = bought.assert_confirmed();
        let refusal = Fault::new("refunds.create", Stage::Before, Outcome::status(400));
        shop.stack.stripe.faults().add(refusal.for_order(order.as_str()).times(u32::MAX));

        assert_cancelled(&cancel(&customer, &bought).await?, "cancelled_by_customer");

        let details = shop.parked_workflow(&workflow_id(&order)).await?;
        assert!(details.contains("at `payments.create_refund`") && details.contains("owed"), "{details}");
        eventually("the stock is back all the same", async || {
            ensure!(shop.stock(&tea).await?.available == 5, "it is not");
            Ok(())
        })
        .await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert_eq!(stored.refunds[0].status, RefundStatus::Pending, "what is owed stays in the books");

        shop.stack.stripe.faults().clear();
        let workflow = shop.temporal.get_workflow_handle::<Cancellation>(workflow_id(&order));
        let by = Operator { operator: "kim".to_owned(), step: None };
        workflow.execute_update(Cancellation::retry, by, WorkflowExecuteUpdateOptions::default()).await?;

        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_of_somebody_else_is_not_cancelled() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let mine = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();
        let (other, theirs) = (shop.customer(), shop.customer().buys(&tea, 1).send().await?);
        let token = theirs.body["order_token"].as_str().context("a token")?;
        let url = shop.url(&format!("/api/orders/{mine}/cancel"));

        let foreign = shop.http.post(&url).header("kassa-order-token", token).json(&json!({}));
        Answer::of(foreign).await?.assert_problem(404, "order_not_found");
        Answer::of(shop.http.post(&url).json(&json!({}))).await?.assert_problem(404, "order_not_found");
        let raw = other.about(Method::POST, &theirs, "/cancel").json(&json!({ "status": "CANCELLED" }));
        let refused = Answer::of(raw).await?;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.fields(), ["status"]);

        let theirs = theirs.assert_confirmed();
        for order in [&mine, &theirs] {
            assert_eq!(shop.order(order).await?.body["status"], "CONFIRMED");
        }
        shop.oracle().product(&tea, 5).orders([&mine, &theirs]).check().await
    })
}
