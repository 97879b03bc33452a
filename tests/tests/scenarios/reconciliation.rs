//! Everything is compared: a shop in order has no findings, and whatever is damaged is found and mended, or shown.

mod waiting;

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, ensure};
use futures::future::{join, try_join_all};
use kassa_devstack::progress::Silent;
use kassa_devstack::stack::build;
use kassa_domain::{OrderId, OrderStatus, ProductId, StockLevel};
use kassa_stand_ins::rds_data::{Fault as SqlFault, FaultError};
use kassa_stand_ins::stripe::{Fault as StripeFault, Outcome, Stage};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::reconciliation::at_once;
use kassa_tests::{Answer, Page, Shop, eventually, on_own_shop};
use kassa_workflows::contracts::reconciliation::{Check, FindingKind, Started};
use kassa_workflows::finding::{FindingEnd, ParkedFinding};
use kassa_workflows::parking::{Reasoned, Resolution};
use kassa_workflows::reconciliation::{ReconciliationPolicy, Report};
use kassa_workflows::{cancellation, recovery, refund, workflow_id};
use reqwest::Method;
use serde_json::{Value, json};
use temporalio_client::{WorkflowExecuteUpdateOptions, WorkflowGetResultOptions};
use tokio::process::Command;

use crate::compensation::CONFIRM;

/// The statement that settles a refund.
const SETTLE: &str = "refunds.status AS refund_status";

fn transient() -> FaultError {
    FaultError::Database { sql_state: "57P01".to_owned(), message: "terminating connection".to_owned() }
}

#[track_caller]
fn assert_clean(report: &Report) {
    assert!(report.is_clean(), "{report:#?}");
}

async fn cancel(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    let cancel = shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel"));
    let answer = Answer::of(cancel.json(&json!({}))).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

/// Asks for something, and goes away once `until` holds.
async fn leave(shop: &Shop, checkout: &kassa_tests::customer::Checkout<'_>, activity: &str) -> anyhow::Result<OrderId> {
    let order = checkout.order_id();
    let what = format!("{order} reaches {activity}");
    let reached = eventually(&what, async || {
        let details = shop.current_details(&order).await?;
        ensure!(details.contains(&format!("{activity}: **running**")), "{details}");
        Ok(())
    });
    checkout.hang_up(reached).await?;
    Ok(order)
}

#[test]
fn a_shop_in_order_has_no_findings() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        let tea = shop.create_product(1250, 50).await?;
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.push(shop.customer().buys(&tea, 2).send().await?.assert_confirmed());
        }
        cancel(shop, &orders[0]).await?;
        ensure!(shop.refund(&orders[1]).of(300).send().await?.status == 201);
        ensure!(shop.refund(&orders[2]).send().await?.status == 201);
        let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{}/status", orders[3]));
        ensure!(Answer::of(ship.json(&json!({ "status": "SHIPPED" }))).await?.status == 200);
        for checkout in
            [shop.customer().buys(&tea, 1).pays_with("pm_card_chargeDeclined"), shop.customer().buys(&tea, 999)]
        {
            ensure!(!checkout.send().await?.status.is_success());
            orders.push(checkout.order_id());
        }
        let on_page = shop.customer().buys(&tea, 1).on_page();
        Page::of(&on_page.send().await?)?.pay(GOOD_CARD).await?;
        orders.push(on_page.order_id());
        let waiting = shop.customer().buys(&tea, 3).on_page();
        let page = Page::of(&waiting.send().await?)?;
        shop.oracle().orders(&orders).check().await?;

        let report = shop.reconcile_payments(6).await?;

        assert_clean(&report);
        assert_eq!(report.checks.len(), Check::ALL.len());
        let checked = |check| report.checks.iter().find(|report| report.check == check).map(|report| report.checked);
        assert_eq!(checked(Check::Books), Some(7), "every decided order: {report:#?}");
        let catalogue = u64::try_from(kassa_devstack::stack::products().len())?;
        assert_eq!(checked(Check::Stock), Some(catalogue + 1), "every product: {report:#?}");
        assert_eq!(checked(Check::Undecided), Some(1), "who waits for a customer is waited for: {report:#?}");

        // Page by page, each in a run of its own, it comes to the same.
        let short = shop.reconcile(ReconciliationPolicy { pages_per_run: 1, ..at_once() }).await?;
        assert_clean(&short);
        assert_eq!(short.checks.len(), Check::ALL.len());
        let _ = page.pay(GOOD_CARD).await?;
        Ok(())
    })
}

#[test]
fn nothing_is_found_while_the_shop_sells() -> anyhow::Result<()> {
    let schedule = [("KASSA_RECONCILE_INTERVAL_MS", "1000"), ("KASSA_RECONCILE_GRACE_MS", "2000")];
    on_own_shop(&schedule, async |shop| {
        let shop = &*shop;
        let tea = shop.create_product(1250, 1000).await?;
        let open = AtomicBool::new(true);
        let selling = async {
            let customers = (0..2).map(|number| {
                let (tea, open) = (&tea, &open);
                async move {
                    let mut orders = Vec::new();
                    while open.load(Ordering::Relaxed) {
                        let answer = shop.customer().buys(tea, 1 + number).send().await?;
                        let order = answer.assert_confirmed();
                        match orders.len() % 3 {
                            0 => cancel(shop, &order).await?,
                            1 => ensure!(shop.refund(&order).of(100).send().await?.status == 201),
                            _ => {}
                        }
                        orders.push(order);
                    }
                    anyhow::Ok(orders)
                }
            });
            try_join_all(customers).await
        };
        let policy = ReconciliationPolicy { grace_ms: 2000, ..ReconciliationPolicy::default() };
        let comparing = async {
            let mut reports = Vec::new();
            let enough = |reports: &[Report]| {
                let judged = |report: &Report| report.checks.iter().map(|check| check.checked).sum::<u64>();
                reports.len() >= 4 && reports.iter().any(|report| judged(report) > 60)
            };
            while !enough(&reports) {
                reports.push(shop.reconcile(policy.clone()).await?);
            }
            open.store(false, Ordering::Relaxed);
            anyhow::Ok(reports)
        };
        let (orders, reports) = join(selling, comparing).await;
        let (orders, reports) = (orders?.concat(), reports?);

        for report in &reports {
            assert_clean(report);
        }
        shop.oracle().product(&tea, 1000).orders(&orders).check().await?;

        // Meanwhile, the schedule did the same.
        let scheduled = "WorkflowType = 'reconciliation' AND WorkflowId STARTS_WITH 'reconciliation-2'";
        let completed = format!("{scheduled} AND ExecutionStatus = 'Completed'");
        eventually("the schedule has compared everything", async || {
            ensure!(shop.count_workflows(&completed).await? >= 2);
            Ok(())
        })
        .await?;
        assert_eq!(shop.count_workflows("WorkflowType IN ('finding', 'recovery')").await?, 0);
        Ok(())
    })
}

#[test]
fn orders_whose_workflows_were_ended_are_taken_back() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let mut orders = Vec::new();

        // The stock is held, and Stripe is away.
        let away = StripeFault::new("payment_intents.create", Stage::Before, Outcome::status(503)).times(u32::MAX);
        shop.stack.stripe.faults().add(away);
        let reserved = leave(shop, &shop.customer().buys(&tea, 2), "payments.charge").await?;
        eventually("the stock is held", async || {
            ensure!(shop.stock(&tea).await?.reserved == 2);
            Ok(())
        })
        .await?;
        shop.terminate(&workflow_id(&reserved)).await?;
        shop.stack.stripe.faults().clear();
        orders.push(reserved.clone());

        let found = shop.finds(FindingKind::StockHeld).await?;
        assert_eq!(found.finding.order_id.as_ref(), Some(&reserved));
        mended(shop, &reserved).await?;

        // The card is charged, and the database is away.
        shop.stack.rds_data.faults().inject(SqlFault::fail_before(CONFIRM).with_error(transient()).times(u32::MAX));
        let charged = leave(shop, &shop.customer().buys(&tea, 3), "orders.confirm").await?;
        shop.terminate(&workflow_id(&charged)).await?;
        forget(shop).await?;
        orders.push(charged.clone());
        assert_eq!(shop.payments(&charged)[0].amount_captured, 3750);

        let found = shop.finds(FindingKind::OrderUndecided).await?;
        assert_eq!(found.finding.order_id.as_ref(), Some(&charged));
        assert!(
            matches!(&found.started, Started::Recovery { workflow_id } if *workflow_id == recovery::workflow_id(&charged))
        );
        mended(shop, &charged).await?;
        assert_eq!(shop.payments(&charged)[0].amount_refunded, 3750);

        // A customer is on Stripe's page, and pays after all.
        let on_page = shop.customer().buys(&tea, 4).on_page();
        let page = Page::of(&on_page.send().await?)?;
        shop.terminate(&workflow_id(&on_page.order_id())).await?;
        page.pay(GOOD_CARD).await?;
        orders.push(on_page.order_id());

        let found = shop.finds(FindingKind::StockHeld).await?;
        assert_eq!(found.finding.order_id, Some(on_page.order_id()));
        mended(shop, &on_page.order_id()).await?;

        for order in &orders {
            let stored = shop.orders.find(order).await?.context("the order")?;
            assert_eq!(
                (stored.status, stored.failure_reason.as_deref()),
                (OrderStatus::Cancelled, Some("step_failed"))
            );
        }
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 20, reserved: 0, sold: 0 });
        assert_clean(&shop.reconcile_payments(2).await?);
        check_terminated(shop, &orders).await
    })
}

async fn bought(shop: &Shop, product: &ProductId, pieces: u32) -> anyhow::Result<OrderId> {
    Ok(shop.customer().buys(product, pieces).send().await?.assert_confirmed())
}

/// Lets the database answer again, once the worker is gone that would go on with what it does not know to have been ended.
async fn forget(shop: &mut Shop) -> anyhow::Result<()> {
    shop.stack.worker.kill().await?;
    shop.stack.rds_data.faults().clear();
    Ok(shop.stack.worker.start().await?)
}

/// Waits until the recovery of an order has ended.
async fn mended(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    shop.completed(&recovery::workflow_id(order)).await?;
    Ok(())
}

/// The workflows of these orders were ended, and what they left behind was mended.
async fn check_terminated(shop: &Shop, orders: &[OrderId]) -> anyhow::Result<()> {
    shop.oracle().orders(orders).ended_from_outside().check().await
}

#[test]
fn what_is_left_of_decided_orders_is_done() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        let tea = shop.create_product(1250, 20).await?;

        // A cancellation was ended before anything went back.
        let cancelled = bought(shop, &tea, 2).await?;
        shop.closed(&cancelled).await?;
        let away = StripeFault::new("refunds.create", Stage::Before, Outcome::status(503)).times(u32::MAX);
        shop.stack.stripe.faults().add(away);
        cancel(shop, &cancelled).await?;
        shop.terminate(&cancellation::workflow_id(&cancelled)).await?;
        shop.stack.stripe.faults().clear();
        let found = shop.finds(FindingKind::RefundUnsettled).await?;
        assert_eq!(found.finding.order_id.as_ref(), Some(&cancelled));
        mended(shop, &cancelled).await?;

        // A refund was ended between Stripe and the books.
        let refunded = bought(shop, &tea, 3).await?;
        shop.closed(&refunded).await?;
        shop.stack.rds_data.faults().inject(SqlFault::fail_before(SETTLE).with_error(transient()).times(u32::MAX));
        let request = shop.refund(&refunded).of(500);
        let ended = async {
            let id = refund::workflow_id(&request.refund_id());
            eventually("the refund is made", async || {
                ensure!(shop.payments(&refunded)[0].amount_refunded == 500);
                Ok(())
            })
            .await?;
            shop.terminate(&id).await
        };
        let (_answer, ended) = join(request.send(), ended).await;
        ended?;
        forget(shop).await?;
        shop.finds(FindingKind::RefundUnsettled).await?;
        mended(shop, &refunded).await?;

        // An event was never published.
        let quiet = bought(shop, &tea, 1).await?;
        shop.closed(&quiet).await?;
        shop.forget_event(&quiet, 1).await?;
        let found = shop.finds(FindingKind::EventsMissing).await?;
        assert_eq!(found.finding.order_id.as_ref(), Some(&quiet));
        mended(shop, &quiet).await?;

        // Money came for an order that nobody could have sold.
        let sold_out = shop.customer().buys(&tea, 99);
        sold_out.send().await?.assert_problem(409, "out_of_stock");
        let late = sold_out.order_id();
        let total = shop.orders.find(&late).await?.context("the order")?.order.total.amount;
        shop.charge_by_hand(total, Some(&late)).await?;
        let found = shop.finds(FindingKind::MoneyOfCancelledOrder).await?;
        assert_eq!(found.finding.order_id.as_ref(), Some(&late));
        mended(shop, &late).await?;
        assert_eq!(shop.payments(&late)[0].amount_refunded, total);

        assert_clean(&shop.reconcile_payments(4).await?);
        let orders = [cancelled, refunded, quiet, late];
        shop.oracle().product(&tea, 20).orders(&orders).ended_from_outside().check().await
    })
}

#[test]
fn what_only_an_operator_can_mend_is_shown_once() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let order = shop.customer().buys(&tea, 2).send().await?.assert_confirmed();
        let other = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();
        shop.closed(&order).await?;
        shop.closed(&other).await?;
        let mut parked = Vec::new();
        let mut show = async |kind: FindingKind| {
            let found = shop.finds(kind).await?;
            let id = found.started.workflow_id().to_owned();
            let details = shop.parked_workflow(&id).await?;
            assert!(details.contains(kind.as_str()) && details.contains(&found.finding.detail), "{details}");
            assert!(details.contains("`resolve` or `write_off`") && !details.contains("`retry`"), "{details}");
            parked.push(id);
            anyhow::Ok(found.finding)
        };

        let stray = shop.charge_by_hand(700, None).await?;
        let finding = show(FindingKind::MoneyWithoutOrder).await?;
        assert_eq!(finding.payment_intent, Some(stray.clone()));
        assert!(finding.detail.contains("7.00 EUR"), "{finding:?}");

        let second = shop.charge_by_hand(2500, Some(&order)).await?;
        assert_eq!(show(FindingKind::SecondPayment).await?.payment_intent, Some(second.clone()));

        shop.miscount(&tea, "sold", 1).await?;
        let finding = show(FindingKind::StockDiffers).await?;
        assert_eq!(finding.product_id.as_ref(), Some(&tea));
        assert!(finding.detail.contains("sold: 1 more"), "{finding:?}");
        shop.miscount(&tea, "sold", -1).await?;

        let intent = shop.payments(&other)[0].id.clone();
        let by_hand = shop.at_stripe("refunds", &[("payment_intent", &intent), ("amount", "100")]).await?;
        let finding = show(FindingKind::RefundNotBooked).await?;
        assert_eq!(finding.refund.as_deref(), by_hand["id"].as_str());

        shop.in_the_books(&format!("DELETE FROM payments WHERE order_id = '{order}'")).await?;
        assert_eq!(show(FindingKind::PaymentNotBooked).await?.order_id.as_ref(), Some(&order));

        shop.in_the_books(&format!("UPDATE payments SET amount = 9900 WHERE order_id = '{other}'")).await?;
        assert_eq!(show(FindingKind::AmountDiffers).await?.order_id.as_ref(), Some(&other));

        // Nothing is started twice, and nothing else.
        let again = shop.reconcile(at_once()).await?;
        assert!(again.found > 0 && again.new == 0, "{again:#?}");
        let open = "WorkflowType = 'finding' AND OrderState = 'NeedsOperator' AND ExecutionStatus = 'Running'";
        eventually("each has a workflow of its own", async || {
            let found = shop.count_workflows(open).await?;
            ensure!(found == parked.len(), "{found} and not {}", parked.len());
            Ok(())
        })
        .await?;

        // Operators bring them to an end.
        let options = WorkflowExecuteUpdateOptions::default;
        for (place, id) in parked.iter().enumerate() {
            let workflow = shop.temporal.get_workflow_handle::<ParkedFinding>(id);
            let operator = "kim".to_owned();
            let expected = if place == 0 {
                let reference = "refunded by hand".to_owned();
                let by = Resolution { operator, reference: reference.clone(), step: None };
                workflow.execute_update(ParkedFinding::resolve, by, options()).await?;
                FindingEnd::Resolved { reference }
            } else {
                let reason = "a test".to_owned();
                let by = Reasoned { operator, reason: reason.clone(), step: None };
                workflow.execute_update(ParkedFinding::write_off, by, options()).await?;
                FindingEnd::WrittenOff { reason }
            };
            assert_eq!(workflow.get_result(WorkflowGetResultOptions::default()).await?, expected);
        }
        // None of which puts the money right.
        let objection = shop.oracle().product(&tea, 20).order(&order).order(&other).objection().await?;
        assert!(objection.contains("captured less refunded money: found 5000, expected 2500"), "{objection}");
        Ok(())
    })
}

#[test]
fn administrators_and_the_command_line_have_everything_compared() -> anyhow::Result<()> {
    on_own_shop(&[("KASSA_RECONCILE_GRACE_MS", "1000")], async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        shop.customer().buys(&tea, 2).send().await?.assert_confirmed();

        let report = requested(shop, &json!({})).await?;
        assert_eq!((&report["found"], &report["findings"]), (&json!(0), &json!([])), "{report:#}");
        eventually("the order is old enough to be judged", async || {
            let (code, output, errors) = command(shop, &["reconcile"]).await?;
            assert_eq!((code, output.as_str()), (Some(0), ""), "{errors}");
            ensure!(errors.contains("books: 1 compared") && errors.contains("0 findings"), "{errors}");
            Ok(())
        })
        .await?;

        shop.charge_by_hand(700, None).await?;
        let finding = eventually("the stray payment is found", async || {
            let report = requested(shop, &json!({ "since": "2020-01-01T00:00:00Z" })).await?;
            assert_eq!(report["since"], "2020-01-01T00:00:00Z");
            ensure!(report["found"] == 1, "{report:#}");
            Ok(report["findings"][0].clone())
        })
        .await?;
        assert_eq!(finding["kind"], "money_without_order", "{finding:#}");
        let (code, output, errors) = command(shop, &["reconcile", "--since", "2020-01-01T00:00:00Z"]).await?;
        assert_eq!(code, Some(1), "{errors}");
        assert!(output.contains("money_without_order: pi_") && output.contains("was started before"), "{output}");

        let (code, _, errors) = command(shop, &["reconcile", "--since", "yesterday"]).await?;
        assert!(code == Some(1) && errors.contains("--since is not valid"), "{errors}");
        let nobody = Answer::of(shop.as_admin(Method::GET, "/api/reconciliations/rec_nobody")).await?;
        nobody.assert_problem(404, "reconciliation_not_found");
        Ok(())
    })
}

/// Asks the API for a reconciliation, and waits for its report.
async fn requested(shop: &Shop, body: &Value) -> anyhow::Result<Value> {
    let begun = Answer::of(shop.as_admin(Method::POST, "/api/reconciliations").json(body)).await?;
    ensure!(begun.status == 202 && begun.body["status"] == "RUNNING", "{begun:?}");
    let path = begun.header("location").context("a location")?.to_owned();
    eventually("there is a report", async || {
        let answer = Answer::of(shop.as_admin(Method::GET, &path)).await?;
        ensure!(answer.status == 200 && answer.body["status"] == "COMPLETED", "{answer:?}");
        Ok(answer.body["report"].clone())
    })
    .await
}

/// Runs `kassa`.
async fn command(shop: &Shop, arguments: &[&str]) -> anyhow::Result<(Option<i32>, String, String)> {
    let mut kassa = Command::new(&build(&Silent).await?.cli);
    kassa.args(arguments).env_clear();
    kassa.envs(shop.stack.environment().iter().map(|(name, value)| (name, value)));
    let output = kassa.stdin(Stdio::null()).output().await?;
    Ok((output.status.code(), String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
}
