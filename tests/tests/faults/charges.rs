//! Stripe fails in every way it can; a card is charged once or not at all.

use std::time::Duration;

use anyhow::ensure;
use kassa_stand_ins::stripe::{Fault, Outcome, PaymentSnapshot, Stage};
use kassa_tests::proxy::{Call, Moment, Refusal};
use kassa_tests::{Answer, Shop, eventually, on_exclusive_shop, on_shared_shop};
use reqwest::StatusCode;

use crate::effects::charge;
use crate::rig::{Rig, STOCK, on_sale};

/// The operation by which an order is charged.
const CHARGE: &str = "payment_intents.create";

/// Buys a piece while Stripe fails like that, and wants one capture.
fn charges_once(fault: Fault) -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1);
        let order = checkout.order_id();
        let times = fault.times;
        let fault = shop.stack.stripe.faults().add(fault.for_order(order.as_str()));

        let answer = checkout.send_until_decided().await?;

        ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
        let struck = shop.stack.stripe.faults().fired(fault);
        ensure!(struck == times, "the fault struck {struck} times instead of {times}");
        let payments = shop.payments(&order);
        let captures: usize = payments.iter().map(PaymentSnapshot::successful_charges).sum();
        ensure!(captures == 1, "{captures} captures: {payments:?}");
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}

#[test]
fn a_failure_that_stripe_saved_without_charging_is_overcome_by_another_key() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::Before, Outcome::status(500)))
}

#[test]
fn a_charge_behind_a_failure_that_stripe_saved_is_found() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::After, Outcome::status(500)))
}

#[test]
fn failures_that_stripe_saved_under_several_keys_are_overcome() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::Before, Outcome::status(500)).times(3))
}

#[test]
fn a_charge_whose_answer_never_comes_is_not_repeated() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::After, Outcome::Hang))
}

#[test]
fn a_charge_that_never_arrived_is_made() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::Before, Outcome::Hang))
}

#[test]
fn a_charge_whose_connection_breaks_is_not_repeated() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::After, Outcome::Reset).times(2))
}

#[test]
fn a_charge_whose_connection_breaks_too_early_is_made() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::Before, Outcome::Reset).times(2))
}

#[test]
fn a_charge_whose_answer_cannot_be_read_is_not_repeated() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::After, Outcome::MalformedJson).times(2))
}

#[test]
fn a_charge_beyond_the_rate_limit_is_made_later() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::Before, Outcome::status(429)).times(3))
}

#[test]
fn a_charge_that_stripe_had_no_time_for_is_made_later() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::Before, Outcome::status(503)).times(3))
}

#[test]
fn a_charge_that_another_request_is_busy_with_is_not_repeated() -> anyhow::Result<()> {
    charges_once(Fault::new(CHARGE, Stage::Before, Outcome::status(409)).times(2))
}

#[test]
fn a_charge_slower_than_a_workflow_task_is_not_repeated() -> anyhow::Result<()> {
    charges_once(Fault::slow(CHARGE, Duration::from_secs(11)))
}

/// Buys a piece while Stripe cannot be charged for longer than the shop waits, and wants nothing of it to stay.
async fn gives_up(shop: &Shop, break_stripe: impl FnOnce(Call)) -> anyhow::Result<kassa_domain::OrderId> {
    let product = on_sale(shop).await?;
    let checkout = shop.customer().buys(&product, 1);
    let order = checkout.order_id();
    break_stripe(charge().and(order.as_str()));
    let answer: Answer = checkout.send_until_decided().await?;
    answer.assert_problem(503, "checkout_failed");
    shop.oracle().product(&product, STOCK).order(&order).check().await?;
    let captured: i64 = shop.payments(&order).iter().map(|payment| payment.amount_captured).sum();
    ensure!(captured == 0, "{captured} were captured of an order that was given up");
    Ok(order)
}

#[test]
fn an_order_that_cannot_be_charged_is_undone_and_a_late_charge_is_shut_out() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        shop.restart_api(&[("KASSA_STEP_PATIENCE_MS", "3000")]).await?;
        let shop: &Shop = shop;
        let stripe = &rig.proxies.stripe;

        gives_up(shop, |charge| stripe.refuse(charge, Refusal::unavailable())).await?;

        let mut late = None;
        let order =
            gives_up(shop, |charge| late = Some((charge.clone(), stripe.hold(charge, Moment::BeforeEffect)))).await?;
        let Some((charge, hold)) = late else { anyhow::bail!("no charge was held") };
        let held = hold.count();
        ensure!(held > 0, "no charge was held");
        hold.deliver();
        eventually("the late charges arrive", async || {
            let arrived = stripe.passed(&charge);
            ensure!(arrived == held, "{arrived} of {held} have arrived");
            Ok(())
        })
        .await?;
        let captured: i64 = shop.payments(&order).iter().map(|payment| payment.amount_captured).sum();
        ensure!(captured == 0, "a charge that came after the undo captured {captured}");
        Ok(())
    })
}
