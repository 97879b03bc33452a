//! What administrators are told about an order that does not come to its end.

use anyhow::{Context as _, ensure};
use kassa_domain::OrderId;
use kassa_stand_ins::rds_data::Fault as SqlFault;
use kassa_stand_ins::stripe::{Fault as StripeFault, Outcome, Stage};
use kassa_tests::valve::QUICK;
use kassa_tests::{Answer, Shop, eventually, on_exclusive_shop, on_shared_shop};
use kassa_workflows::checkout::Checkout;
use kassa_workflows::parking::Operator;
use kassa_workflows::{cancellation, refund, workflow_id};
use reqwest::Method;
use serde_json::{Value, json};
use temporalio_client::WorkflowExecuteUpdateOptions;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::compensation::{CONFIRM, for_good};

async fn diagnose(shop: &Shop, order: &OrderId) -> anyhow::Result<Answer> {
    Answer::of(shop.as_admin(Method::GET, &format!("/api/orders/{order}/diagnosis"))).await
}

/// What is told of a workflow.
fn workflow<'a>(diagnosis: &'a Answer, id: &str) -> Option<&'a Value> {
    diagnosis.body["workflows"].as_array()?.iter().find(|workflow| workflow["workflow_id"] == id)
}

fn time(value: &Value) -> anyhow::Result<OffsetDateTime> {
    Ok(OffsetDateTime::parse(value.as_str().context("a time")?, &Rfc3339)?)
}

#[test]
fn a_charge_that_is_retried_shows_its_attempt_its_error_and_when_it_is_tried_again() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();
        let down = StripeFault::new("payment_intents.create", Stage::Before, Outcome::status(503));
        let fault = shop.stack.stripe.faults().add(down.for_order(order.as_str()).times(u32::MAX));
        let looked = async {
            let seen = eventually("the charge is seen between two attempts", async || {
                let diagnosis = diagnose(shop, &order).await?;
                let checkout = workflow(&diagnosis, &workflow_id(&order)).context("no checkout")?.clone();
                let charge = &checkout["activities"][0];
                let attempts = charge["attempt"].as_i64().unwrap_or_default();
                ensure!(attempts >= 2 && charge["next_attempt_at"].is_string(), "{diagnosis:#?}");
                Ok((diagnosis, checkout))
            })
            .await;
            shop.stack.stripe.faults().remove(fault);
            seen
        };

        let (answer, looked) = tokio::join!(checkout.send_until_decided(), looked);

        let (diagnosis, checkout) = looked?;
        assert_eq!((&diagnosis.body["status"], &diagnosis.body["needs_operator"]), (&json!("PENDING"), &json!(false)));
        assert_eq!((&checkout["type"], &checkout["status"]), (&json!("checkout"), &json!("RUNNING")));
        assert_eq!((&checkout["step"], &checkout["order_state"]), (&json!("payments.charge"), &json!("PENDING")));
        let charge = &checkout["activities"][0];
        assert_eq!((&charge["activity"], &charge["state"]), (&json!("payments.charge"), &json!("SCHEDULED")));
        assert!(charge["last_error"].as_str().is_some_and(|error| error.contains("503")), "{charge:#}");
        assert!(time(&charge["next_attempt_at"])? > time(&charge["last_failed_at"])?, "{charge:#}");
        assert!(time(&charge["gives_up_at"])? > time(&charge["next_attempt_at"])?, "{charge:#}");
        let address =
            format!("/namespaces/default/workflows/order-{order}/{}/history", checkout["run_id"].as_str().unwrap());
        assert!(checkout["web_ui"].as_str().is_some_and(|url| url.ends_with(&address)), "{checkout:#}");
        answer?.assert_confirmed();
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn a_parked_order_shows_its_step_and_what_an_operator_can_do() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2);
        let order = checkout.order_id();
        shop.stack.rds_data.faults().inject(SqlFault::fail_before(CONFIRM).with_error(for_good()).times(u32::MAX));
        let refusal = StripeFault::new("refunds.create", Stage::Before, Outcome::status(400));
        shop.stack.stripe.faults().add(refusal.for_order(order.as_str()).times(u32::MAX));
        checkout.send().await?.assert_problem(503, "checkout_failed");
        shop.parked(&order).await?;

        let diagnosis = diagnose(shop, &order).await?;

        assert_eq!(diagnosis.body["needs_operator"], true, "{diagnosis:#?}");
        let parked = workflow(&diagnosis, &workflow_id(&order)).context("the checkout")?;
        assert_eq!((&parked["order_state"], &parked["step"]), (&json!("NeedsOperator"), &json!("taking back")));
        let waiting = &parked["waiting"][0];
        assert_eq!(waiting["step"], "payments.refund");
        assert_eq!(waiting["updates"], json!(["retry", "resolve", "write_off"]));
        assert!(waiting["error"].as_str().is_some_and(|error| !error.is_empty()), "{waiting:#}");

        // Its customer asks for its end meanwhile: that works on the order, too.
        let cancel = shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel")).json(&json!({}));
        let cancelling = tokio::spawn(Answer::of(cancel));
        eventually("the cancellation waits for the checkout", async || {
            let diagnosis = diagnose(shop, &order).await?;
            let found = workflow(&diagnosis, &cancellation::workflow_id(&order)).context("no cancellation")?;
            ensure!(found["step"] == "stopping the checkout" && found["status"] == "RUNNING", "{found:#}");
            Ok(())
        })
        .await?;
        shop.stack.stripe.faults().clear();
        let by = Operator { operator: "kim".to_owned(), step: None };
        shop.workflow(&order).execute_update(Checkout::retry, by, WorkflowExecuteUpdateOptions::default()).await?;
        cancelling.await??;

        shop.closed(&order).await?;
        let diagnosis = diagnose(shop, &order).await?;
        assert_eq!(
            (&diagnosis.body["status"], &diagnosis.body["needs_operator"]),
            (&json!("CANCELLED"), &json!(false))
        );
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn a_held_order_says_so_and_one_without_a_worker_is_shown_all_the_same() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&QUICK).await?;
        let tea = shop.create_product(1250, 5).await?;
        shop.pause_payments().await?;
        let order = shop.customer().buys(&tea, 2).send().await?.order_id().context("the order")?;
        shop.held(&order).await?;

        let diagnosis = diagnose(shop, &order).await?;
        let held = workflow(&diagnosis, &workflow_id(&order)).context("the checkout")?;
        assert_eq!((&held["order_state"], &held["step"]), (&json!("Held"), &json!("held before the charge")));

        shop.stack.worker.kill().await?;
        let diagnosis = eventually("its task waits for a worker", async || {
            let diagnosis = diagnose(shop, &order).await?;
            let alone = workflow(&diagnosis, &workflow_id(&order)).context("no checkout")?;
            ensure!(alone["task"]["since"].is_string(), "{alone:#}");
            Ok(diagnosis)
        })
        .await;
        shop.stack.worker.start().await?;
        let diagnosis = diagnosis?;
        let alone = workflow(&diagnosis, &workflow_id(&order)).context("the checkout")?;
        assert_eq!((&alone["status"], &alone["order_state"]), (&json!("RUNNING"), &json!("Held")), "{alone:#}");
        assert!(alone["step"].is_null(), "nobody can say: {alone:#}");
        shop.resume_payments(100).await?;
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn an_order_that_is_over_shows_all_that_has_worked_on_it() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let order = shop.customer().buys(&tea, 2).send().await?.assert_confirmed();
        let request = shop.refund(&order).of(500);
        assert_eq!(request.send().await?.status, 201);
        let status = shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
        assert_eq!(Answer::of(status.json(&json!({ "status": "SHIPPED" }))).await?.status, 200);
        shop.closed(&order).await?;
        shop.settled(&order).await?;

        let diagnosis = diagnose(shop, &order).await?;

        assert_eq!((&diagnosis.body["status"], &diagnosis.body["needs_operator"]), (&json!("SHIPPED"), &json!(false)));
        let workflows = diagnosis.body["workflows"].as_array().context("a list")?;
        let kinds: Vec<_> = workflows.iter().filter_map(|workflow| workflow["type"].as_str()).collect();
        assert_eq!(kinds, ["checkout", "refund", "fulfilment"]);
        for workflow in workflows {
            assert_eq!(workflow["status"], "COMPLETED", "{workflow:#}");
            assert!(time(&workflow["closed_at"])? >= time(&workflow["started_at"])?, "{workflow:#}");
            assert_eq!((&workflow["waiting"], &workflow["activities"]), (&json!([]), &json!([])));
            assert!(workflow["step"].is_null(), "{workflow:#}");
        }
        assert_eq!(workflows[0]["order_state"], "CONFIRMED");
        assert!(workflow(&diagnosis, &refund::workflow_id(&request.refund_id())).is_some(), "{diagnosis:#?}");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn an_order_that_temporal_has_forgotten_still_has_its_status() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let bought = customer.buys(&tea, 2).send().await?;
        let order = bought.assert_confirmed();
        shop.oracle().product(&tea, 5).order(&order).check().await?;
        shop.forget(&order).await?;

        let diagnosis = diagnose(shop, &order).await?;

        assert_eq!(diagnosis.status, 200, "{diagnosis:#?}");
        assert_eq!((&diagnosis.body["status"], &diagnosis.body["workflows"]), (&json!("CONFIRMED"), &json!([])));
        let unknown = "ord_0000000000000000".parse()?;
        diagnose(shop, &unknown).await?.assert_problem(404, "order_not_found");
        // Not even its customer is told.
        let account = shop.sign_up().await?;
        let asked = shop.http.get(shop.url(&format!("/api/orders/{order}/diagnosis")));
        Answer::of(account.signs(asked)).await?.assert_problem(403, "forbidden");
        Answer::of(customer.about(Method::GET, &bought, "/diagnosis")).await?.assert_problem(401, "unauthorized");
        Ok(())
    })
}
