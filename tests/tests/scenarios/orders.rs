//! Who may see an order, and what customers and administrators are told about it.

use anyhow::{Context as _, ensure};
use kassa_stand_ins::rds_data::Fault as SqlFault;
use kassa_tests::customer::ORDER_TOKEN;
use kassa_tests::{Answer, eventually, on_exclusive_shop, on_shared_shop};
use kassa_workflows::contracts::reconciliation::FindingKind;
use kassa_workflows::recovery;
use reqwest::Method;
use temporalio_client::WorkflowTerminateOptions;

/// The paths of an order that its customer may read.
const READS: [&str; 2] = ["", "/timeline"];

#[test]
fn guest_reads_the_order_with_its_token() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let answer = customer.buys(&tea, 1).send().await?;
        let order = answer.assert_confirmed();

        for path in READS {
            let read = Answer::of(customer.about(Method::GET, &answer, path)).await?;
            assert_eq!(read.status, 200, "{read:#?}");
            assert!(!read.body.to_string().contains("@example.com"), "no personal data: {read:#?}");
        }
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_of_somebody_else_looks_as_if_it_did_not_exist() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let mine = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();
        let theirs = shop.customer().buys(&tea, 1).send().await?;
        let token = theirs.body["order_token"].as_str().context("a token")?;

        for path in READS {
            let url = shop.url(&format!("/api/orders/{mine}{path}"));
            let nothing = Answer::of(shop.http.get(&url)).await?;
            let foreign = Answer::of(shop.http.get(&url).header(ORDER_TOKEN, token)).await?;
            let unknown_id = "ord_00000000000000000000000000000000";
            let unknown = shop.url(&format!("/api/orders/{unknown_id}{path}"));
            let unknown = Answer::of(shop.http.get(unknown).header(ORDER_TOKEN, token)).await?;
            for answer in [&nothing, &foreign, &unknown] {
                answer.assert_problem(404, "order_not_found");
            }
            let spelt = unknown.body.to_string().replace(unknown_id, mine.as_str());
            assert_eq!(foreign.body.to_string(), spelt, "they differ in nothing but the id that was asked for");
        }
        Ok(())
    })
}

#[test]
fn token_of_an_order_is_the_same_in_every_answer_that_names_it() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        for (card, status) in [("pm_card_visa_chargeDeclined", 402), ("pm_card_visa", 201), ("pm_card_visa", 409)] {
            let customer = shop.customer();
            let checkout = customer.buys(&tea, 1).pays_with(card);
            let (first, again) = (checkout.send().await?, checkout.send().await?);
            assert_eq!((first.status.as_u16(), again.status.as_u16()), (status, status), "{first:#?}");
            assert!(first.body["order_token"].is_string(), "{first:#?}");
            assert_eq!(first.body, again.body);
            let read = Answer::of(customer.about(Method::GET, &first, "")).await?;
            assert_eq!(read.status, 200, "{read:#?}");

            // The same key with something else in the body may be somebody else's.
            let other = checkout.clone().pays_with("pm_card_mastercard").send().await?;
            other.assert_problem(422, "idempotency_key_reused");
            assert!(other.body["order_token"].is_null(), "{other:#?}");
            shop.closed(&checkout.order_id()).await?;
        }
        Ok(())
    })
}

#[test]
fn order_that_was_decided_keeps_its_answer_though_its_workflow_was_terminated() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();
        // The row is confirmed, and every word about it is lost on the way, so that the workflow never learns of it.
        let faults = shop.stack.rds_data.faults();
        faults.inject(SqlFault::fail_after("'order.confirmed'").times(u32::MAX));
        let terminate = async {
            eventually("the order is confirmed in the database", async || {
                let order = shop.orders.find(&order).await?.context("there is no order")?;
                ensure!(order.answer_json.is_some(), "it is {}", order.status);
                Ok(())
            })
            .await?;
            Ok(shop.workflow(&order).terminate(WorkflowTerminateOptions::default()).await?)
        };
        let (first, terminated): (_, anyhow::Result<()>) = tokio::join!(checkout.send(), terminate);
        terminated?;
        shop.stack.rds_data.faults().clear();

        let (first, again) = (first?, checkout.send().await?);

        for answer in [first, again] {
            assert_eq!(answer.assert_confirmed(), order);
            assert_eq!(answer.body["total"]["amount"], 1250, "{answer:#?}");
        }
        checkout.pays_with("pm_card_mastercard").send().await?.assert_problem(422, "idempotency_key_reused");

        // Nobody is left who would tell of it.
        let found = shop.finds(FindingKind::EventsMissing).await?;
        assert_eq!(found.finding.order_id.as_ref(), Some(&order));
        shop.completed(&recovery::workflow_id(&order)).await?;
        shop.oracle().product(&tea, 5).order(&order).ended_from_outside().check().await
    })
}
