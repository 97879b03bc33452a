//! Payments that are paused while the payment provider is down, and resumed.

use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use kassa_devstack::progress::Silent;
use kassa_devstack::stack::build;
use kassa_domain::{OrderId, StockLevel};
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_store::payment_valve::Position;
use kassa_tests::customer::{Checkout, GOOD_CARD};
use kassa_tests::valve::QUICK;
use kassa_tests::workflows::asked_at;
use kassa_tests::{Answer, Page, Shop, eventually, on_exclusive_shop};
use kassa_workflows::contracts::payments;
use kassa_workflows::search_attributes::{FAILURE_REASON, ORDER_STATE};
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

/// Much less than the harness has the API wait for an answer.
const AT_ONCE: Duration = Duration::from_secs(30);

/// Places an order while payments are paused.
async fn place(shop: &Shop, checkout: &Checkout<'_>) -> anyhow::Result<OrderId> {
    let answer = timeout(AT_ONCE, checkout.send()).await.context("the caller was left waiting")??;
    ensure!(answer.status == 202 && answer.body["status"] == "PENDING", "{answer:#?}");
    ensure!(answer.header("retry-after") == Some("15"), "{answer:#?}");
    let order = answer.order_id().context("the order")?;
    shop.held(&order).await?;
    Ok(order)
}

fn assert_untouched(shop: &Shop, order: &OrderId) {
    assert_eq!(shop.stripe_operations(order), [""; 0], "Stripe has heard of {order}");
}

#[test]
fn held_orders_never_reach_stripe_and_drain_one_after_the_other() -> anyhow::Result<()> {
    const ORDERS: usize = 20;
    const RATE: u32 = 10;
    on_exclusive_shop(async |shop| {
        shop.restart_api(&QUICK).await?;
        let tea = shop.create_product(1250, 30).await?;
        shop.pause_payments().await?;
        let before = shop.stack.stripe.stats().requests;
        let checkouts: Vec<_> = (0..ORDERS).map(|_| shop.customer().buys(&tea, 1)).collect();

        let orders = try_join_all(checkouts.iter().map(|checkout| place(shop, checkout))).await?;

        assert_eq!(shop.stack.stripe.stats().requests, before, "Stripe was asked");
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 10, reserved: 20, sold: 0 });
        eventually("all held orders are counted", async || {
            let valve = shop.read_valve().await?;
            ensure!(valve.body["state"] == "CLOSED" && valve.body["held"] == ORDERS, "{valve:?}");
            Ok(())
        })
        .await?;
        let again = timeout(AT_ONCE, checkouts[0].send()).await??;
        assert_eq!((again.status.as_u16(), again.order_id()), (202, Some(orders[0].clone())), "{again:#?}");

        shop.resume_payments(RATE).await?;

        for (checkout, order) in checkouts.iter().zip(&orders) {
            let answer = checkout.send_until_decided().await?;
            assert_eq!(answer.assert_confirmed(), *order);
            assert!(answer.is_replay(), "{answer:#?}");
            shop.closed(order).await?;
            assert_eq!(shop.stripe_operations(order), ["payment_intents.create"]);
            let state = shop.describe(order).await?.context("a workflow")?.search_attributes().get(&ORDER_STATE);
            assert_eq!(state.as_deref(), Some("CONFIRMED"));
        }
        // What spaces the calls is the places, and each order has waited for its own.
        let valve = shop.valve.get().await?;
        let places = shop.valve.places(&valve).await?;
        let mut served: Vec<_> = places.iter().map(|place| place.order_id.clone()).collect();
        let mut expected = orders.clone();
        served.sort();
        expected.sort();
        assert_eq!(served, expected, "every held order has one place");
        for pair in places.windows(2) {
            let apart = (pair[1].at - pair[0].at).whole_microseconds();
            assert!(apart >= 1_000_000 / i128::from(RATE), "{apart} µs are less than the rate allows");
        }
        for place in &places {
            let charged = asked_at(&shop.history(&place.order_id).await?, payments::CHARGE).context("a charge")?;
            assert!(charged >= place.at.unix_timestamp_nanos(), "{} went before its turn", place.order_id);
        }
        shop.oracle().product(&tea, 30).orders(&orders).check().await
    })
}

#[test]
fn order_that_is_held_for_too_long_is_cancelled_without_asking_stripe() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[QUICK[0], QUICK[1], ("KASSA_PAYMENT_HOLD_MS", "4000")]).await?;
        let tea = shop.create_product(1250, 3).await?;
        shop.pause_payments().await?;
        // As it is while Stripe is down: whoever asks waits, and the stock with them.
        shop.stack.stripe.faults().add(Fault::new("*", Stage::Before, Outcome::status(503)).times(u32::MAX));
        let checkout = shop.customer().buys(&tea, 2);

        let order = place(shop, &checkout).await?;
        let workflow = shop.closed(&order).await?;

        assert_eq!(workflow.search_attributes().get(&FAILURE_REASON).as_deref(), Some("payment_unavailable"));
        assert_eq!(shop.order(&order).await?.body["failure_reason"], "payment_unavailable");
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 3, reserved: 0, sold: 0 });
        assert_untouched(shop, &order);
        checkout.send().await?.assert_problem(503, "checkout_failed");
        let [mail] = shop.mails(&order).await?.try_into().expect("one mail");
        assert!(mail.body_text.is_some_and(|text| text.contains("could not take payments")));
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn what_stripe_may_have_heard_of_is_asked_for_when_it_cannot_wait() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let settle = ("KASSA_VALVE_SETTLE_MS", "3600000");
        shop.restart_api(&[QUICK[0], settle, ("KASSA_PAYMENT_HOLD_MS", "4000")]).await?;
        let tea = shop.create_product(1250, 3).await?;
        shop.pause_payments().await?;

        let order = place(shop, &shop.customer().buys(&tea, 2)).await?;
        shop.closed(&order).await?;

        let asked = shop.stripe_operations(&order);
        assert_eq!(asked.first().map(String::as_str), Some("payment_intents.create"), "the door is closed: {asked:?}");
        assert_eq!(shop.order(&order).await?.body["failure_reason"], "payment_unavailable");
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn held_order_can_be_cancelled() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&QUICK).await?;
        let tea = shop.create_product(1250, 3).await?;
        shop.pause_payments().await?;
        let customer = shop.customer();
        let checkout = customer.buys(&tea, 2);
        let held = checkout.send().await?;
        let order = held.order_id().context("the order")?;
        shop.held(&order).await?;

        let cancel = customer.about(Method::POST, &held, "/cancel");
        let answer = Answer::of(cancel.json(&json!({ "reason": "changed_mind" }))).await?;

        assert_eq!((answer.status.as_u16(), &answer.body["status"]), (200, &json!("CANCELLED")), "{answer:#?}");
        assert_eq!(answer.body["failure_reason"], "cancelled_by_customer");
        assert_untouched(shop, &order);
        checkout.send().await?.assert_problem(409, "order_cancelled");
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn pause_survives_the_death_of_the_worker() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&QUICK).await?;
        let tea = shop.create_product(1250, 3).await?;
        shop.pause_payments().await?;
        let before = place(shop, &shop.customer().buys(&tea, 1)).await?;

        shop.stack.worker.kill().await?;
        shop.stack.worker.start().await?;

        let after = place(shop, &shop.customer().buys(&tea, 1)).await?;
        shop.held(&before).await?;
        assert_untouched(shop, &before);
        assert_untouched(shop, &after);
        shop.resume_payments(100).await?;
        for order in [&before, &after] {
            shop.closed(order).await?;
            assert_eq!(shop.order(order).await?.body["status"], "CONFIRMED");
        }
        shop.oracle().product(&tea, 3).orders([&before, &after]).check().await
    })
}

#[test]
fn order_that_is_to_be_paid_on_a_page_is_held_before_the_page() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&QUICK).await?;
        let tea = shop.create_product(1250, 3).await?;
        shop.pause_payments().await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = place(shop, &checkout).await?;
        assert_untouched(shop, &order);

        shop.resume_payments(100).await?;

        let answer = checkout.send_until_decided().await?;
        assert!(answer.is_replay(), "{answer:#?}");
        assert_eq!(Page::of(&answer)?.pay(GOOD_CARD).await?.0, 303);
        shop.closed(&order).await?;
        let again = checkout.send().await?;
        assert!(again.is_replay() && again.body == answer.body, "the same key gives the same answer: {again:#?}");
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn order_whose_charge_is_being_retried_is_held_and_charged_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&QUICK).await?;
        let tea = shop.create_product(1250, 3).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();
        // Stripe charges, and its answers are lost.
        let lost = Fault::new("payment_intents.create", Stage::After, Outcome::Reset).for_order(order.as_str());
        shop.stack.stripe.faults().add(lost.times(u32::MAX));
        let paused = async {
            eventually("the charge is tried again", async || {
                let tried = shop.stripe_operations(&order).len();
                ensure!(tried > 2, "it was tried {tried} times");
                Ok(())
            })
            .await?;
            shop.pause_payments().await?;
            shop.held(&order).await
        };
        // The caller who waits is told as soon as the order is held.
        let (answer, paused) = tokio::join!(checkout.send(), paused);
        paused?;
        assert_eq!(answer?.status, 202);

        shop.stack.stripe.faults().clear();
        shop.resume_payments(100).await?;

        checkout.send_until_decided().await?.assert_confirmed();
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!(payment.successful_charges(), 1);
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn refunds_go_on_and_new_orders_pass_while_held_ones_drain() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&QUICK).await?;
        let tea = shop.create_product(1250, 9).await?;
        let sold = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();
        shop.pause_payments().await?;
        let checkouts: Vec<_> = (0..2).map(|_| shop.customer().buys(&tea, 1)).collect();
        let mut orders = try_join_all(checkouts.iter().map(|checkout| place(shop, checkout))).await?;

        let refund = shop.refund(&sold).of(300).send().await?;
        assert_eq!(refund.status, 201, "{refund:#?}");
        assert_eq!(shop.stripe_operations(&sold).iter().filter(|asked| *asked == "refunds.create").count(), 1);

        // The second one's turn comes a second after the first one's.
        shop.resume_payments(1).await?;
        eventually("both have asked for their turn", async || {
            let places = shop.valve.places(&shop.valve.get().await?).await?;
            ensure!(places.len() == 2, "{places:?}");
            Ok(())
        })
        .await?;
        orders.push(shop.customer().buys(&tea, 1).send().await?.assert_confirmed());

        let places = shop.valve.places(&shop.valve.get().await?).await?;
        assert_eq!(places.len(), 2, "who comes while others drain needs no turn: {places:?}");
        for checkout in &checkouts {
            checkout.send_until_decided().await?.assert_confirmed();
        }
        orders.push(sold);
        shop.oracle().product(&tea, 9).orders(&orders).check().await
    })
}

#[test]
fn whoever_moves_the_valve_says_who_and_why() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        for (body, field) in [
            (json!({ "state": "CLOSED" }), "reason"),
            (json!({ "state": "CLOSED", "reason": " " }), "reason"),
            (json!({ "state": "CLOSED", "reason": "down", "rate": 5 }), "rate"),
            (json!({ "state": "OPEN" }), "rate"),
            (json!({ "state": "OPEN", "rate": 0 }), "rate"),
            (json!({ "state": "DRAINING", "rate": 5 }), "state"),
        ] {
            let answer = shop.put_valve(&body).await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [field], "{body}");
        }
        let customer = shop.sign_up().await?;
        let request = shop.http.put(shop.url("/api/payments/valve"));
        let answer =
            Answer::of(customer.signs(request).json(&json!({ "state": "CLOSED", "reason": "for fun" }))).await?;
        answer.assert_problem(403, "forbidden");

        let paused = kassa(shop, &["payments", "pause", "--operator", "kim", "--reason", "Stripe is down"]).await?;
        assert!(paused.status.success() && said(&paused).starts_with("payments are paused"), "{paused:?}");
        assert_eq!(shop.valve.get().await?.position, Position::Closed);
        let refused = kassa(shop, &["payments", "resume", "--operator", "kim"]).await?;
        assert!(!refused.status.success(), "{refused:?}");
        shop.resume_payments(7).await?;

        let valve = shop.read_valve().await?;
        assert_eq!((&valve.body["state"], &valve.body["rate"]), (&json!("OPEN"), &json!(7)), "{valve:#?}");
        let [last, first] = [0, 1].map(|number| valve.body["changes"][number].clone());
        assert_eq!((&first["state"], &first["operator"]), (&json!("CLOSED"), &json!("kim")), "{valve:#?}");
        assert_eq!(first["reason"], "Stripe is down");
        assert!(last["operator"].as_str().is_some_and(|by| by.starts_with("usr_")), "{valve:#?}");
        let status = kassa(shop, &["payments", "status"]).await?;
        assert!(said(&status).contains("not paused") && said(&status).contains("by kim: Stripe is down"), "{status:?}");
        Ok(())
    })
}

/// Runs a command of operators against the store of a shop.
async fn kassa(shop: &Shop, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut kassa = Command::new(&build(&Silent).await?.cli);
    kassa.args(arguments).env_clear();
    kassa.envs(shop.stack.environment().iter().map(|(name, value)| (name, value)));
    Ok(kassa.output().await?)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
