//! Orders that cannot go on after the card was charged.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, StockLevel};
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_stand_ins::stripe;
use kassa_store::orders::PaymentStatus;
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::workflows::activities;
use kassa_tests::{Page, Shop, eventually, on_exclusive_shop, on_shared_shop};
use temporalio_client::WorkflowCancelOptions;

/// Part of the statement that confirms an order, and of no other.
pub(crate) const CONFIRM: &str = "WITH confirmed AS";

/// What a database says that will say the same the next time.
pub(crate) fn for_good() -> FaultError {
    FaultError::Database { sql_state: "23514".to_owned(), message: "a constraint is violated".to_owned() }
}

/// Checks that the charge was taken back, then the stock, then the order; each once.
async fn assert_taken_back(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    shop.closed(order).await?;
    let mut done = activities(&shop.history(order).await?);
    let told = done.split_off(done.len().saturating_sub(2));
    assert_eq!(
        done,
        [
            "orders.place",
            "inventory.reserve",
            "payments.charge",
            "inventory.deduct",
            "orders.confirm!",
            "orders.place",
            "payments.refund",
            "inventory.restock",
            "inventory.release",
            "orders.cancel",
        ]
    );
    // Neither waits for the other.
    assert_eq!(BTreeSet::from_iter(told), ["events.publish", "notifications.send"].map(str::to_owned).into());
    let [payment] = shop.payments(order).try_into().expect("one payment");
    assert_eq!((payment.amount_captured, payment.amount_refunded), (2500, 2500), "{payment:#?}");
    assert_eq!(payment.refunds.len(), 1, "{payment:#?}");
    let stored = shop.orders.find(order).await?.context("the order is stored")?;
    assert_eq!(stored.payment.map(|payment| payment.status), Some(PaymentStatus::Refunded));
    assert_eq!(stored.refunds.len(), 1);
    assert_eq!(stored.refunds[0].reference.as_ref(), Some(&payment.refunds[0].id));
    assert_eq!(stored.failure_reason.as_deref(), Some("step_failed"));
    Ok(())
}

#[test]
fn order_that_cannot_be_confirmed_is_refunded_restocked_and_cancelled_in_that_order() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2);
        let faults = shop.stack.rds_data.faults();
        let fault = faults.inject(Fault::fail_before(CONFIRM).with_error(for_good()).times(u32::MAX));

        let answer = checkout.send().await?;

        answer.assert_problem(503, "checkout_failed");
        assert_eq!(answer.order_id(), Some(checkout.order_id()), "{answer:#?}");
        let order = checkout.order_id();
        assert_taken_back(shop, &order).await?;
        assert_eq!(faults.fired(fault), 1, "what fails for good is not tried again");
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 5, reserved: 0, sold: 0 });
        assert_eq!(shop.order(&order).await?.body["status"], "CANCELLED");
        shop.oracle().product(&tea, 5).order(&order).check().await?;

        faults.clear();
        let again = checkout.send().await?;
        again.assert_problem(503, "checkout_failed");
        assert!(again.is_replay(), "the order has ended: {again:#?}");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn failures_that_stripe_saved_do_not_keep_the_money_from_going_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        for (stage, times) in [(stripe::Stage::Before, 2), (stripe::Stage::After, 1)] {
            let tea = shop.create_product(1250, 5).await?;
            let checkout = shop.customer().buys(&tea, 2);
            let order = checkout.order_id();
            shop.stack.rds_data.faults().inject(Fault::fail_before(CONFIRM).with_error(for_good()));
            let saved = stripe::Fault::new("refunds.create", stage, stripe::Outcome::status(500)).times(times);
            let saved = shop.stack.stripe.faults().add(saved.for_order(order.as_str()));

            let answer = checkout.send_until_decided().await?;

            answer.assert_problem(503, "checkout_failed");
            assert_taken_back(shop, &order).await?;
            assert_eq!(shop.stack.stripe.faults().fired(saved), times);
            shop.oracle().product(&tea, 5).order(&order).check().await?;
        }
        Ok(())
    })
}

#[test]
fn order_that_is_confirmed_although_the_confirmation_failed_is_sold() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2);
        shop.stack.rds_data.faults().inject(Fault::fail_after(CONFIRM).with_error(for_good()));

        let order = checkout.send().await?.assert_confirmed();

        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!(payment.refunds, []);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_that_is_paid_on_a_page_is_sold_although_the_confirmation_failed() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2).on_page();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;
        shop.stack.rds_data.faults().inject(Fault::fail_after(CONFIRM).with_error(for_good()));

        page.pay(GOOD_CARD).await?;

        shop.closed(&order).await?;
        assert_eq!(shop.order(&order).await?.body["status"], "CONFIRMED");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_of_an_order_that_cannot_go_on_is_in_the_books_as_pending_until_it_has_gone_through() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2).pays_with("pm_card_pendingRefund");
        let order = checkout.order_id();
        shop.stack.rds_data.faults().inject(Fault::fail_before(CONFIRM).with_error(for_good()));

        checkout.send().await?.assert_problem(503, "checkout_failed");

        shop.closed(&order).await?;
        let timeline = shop.orders.timeline(&order).await?;
        let told: Vec<_> = timeline.iter().map(|entry| (entry.event.as_str(), entry.event_sequence)).collect();
        assert_eq!(told, [("order.placed", None), ("order.cancelled", None), ("order.refunded", Some(2))]);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn nobody_is_refunded_because_the_database_was_away_for_a_moment() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2);
        let faults = shop.stack.rds_data.faults();
        faults.inject(Fault::fail_before(CONFIRM).with_error(FaultError::DatabaseResuming).times(3));

        let order = checkout.send().await?.assert_confirmed();

        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!(payment.refunds, []);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn confirming_twice_because_the_first_answer_was_lost_confirms_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2);
        shop.stack.rds_data.faults().inject(Fault::fail_after(CONFIRM).times(2));

        let order = checkout.send().await?.assert_confirmed();

        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_that_an_operator_cancels_during_its_charge_is_taken_back_even_if_the_charge_comes_late() -> anyhow::Result<()>
{
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2);
        let order = checkout.order_id();
        // Too slow for the attempt inside of the workflow task, and then slow again.
        let slow = stripe::Fault::slow("payment_intents.create", Duration::from_secs(6)).times(2);
        shop.stack.stripe.faults().add(slow.for_order(order.as_str()));
        let cancel = async {
            eventually("the charge is tried for the second time", async || {
                let tries = shop.stripe_operations(&order).len();
                ensure!(tries >= 2, "tried {tries} times");
                Ok(())
            })
            .await?;
            shop.workflow(&order).cancel(WorkflowCancelOptions::default()).await.context("cancelling the workflow")
        };

        let (answer, cancelled) = tokio::join!(checkout.send(), cancel);

        cancelled?;
        answer?.assert_problem(503, "checkout_failed");
        shop.closed(&order).await?;
        // The slow request is still under way, and must not charge anybody when it arrives.
        eventually("Stripe has nothing to do any more", async || {
            let requests = shop.stack.stripe.requests();
            let about = requests.iter().filter(|request| request.order_id.as_deref() == Some(order.as_str()));
            // The first one never gets an answer, because nobody waits for it.
            let busy = about.skip(1).filter(|request| request.status.is_none()).count();
            ensure!(busy == 0, "{busy} requests are under way");
            Ok(())
        })
        .await?;
        assert_eq!(shop.order(&order).await?.body["status"], "CANCELLED");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}
