//! Callers who do not wait for the answer, and answers that do not come in time.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_stand_ins::stripe::Fault;
use kassa_tests::{Shop, eventually, on_exclusive_shop, on_shared_shop};

/// Makes Stripe slow for an order, and returns once it was asked.
fn slow_charge(shop: &Shop, order: &kassa_domain::OrderId, delay: Duration) {
    shop.stack.stripe.faults().add(Fault::slow("payment_intents.create", delay).for_order(order.as_str()));
}

async fn charge_is_under_way(shop: &Shop, order: &kassa_domain::OrderId) -> anyhow::Result<()> {
    eventually("Stripe is asked for the charge", async || {
        ensure!(!shop.stripe_operations(order).is_empty(), "Stripe was not asked for anything");
        Ok(())
    })
    .await
}

#[test]
fn order_of_a_caller_who_hung_up_ends_properly_and_can_be_asked_for() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();
        slow_charge(shop, &order, Duration::from_secs(2));

        checkout.hang_up(charge_is_under_way(shop, &order)).await?;

        let answer = checkout.send().await?;
        assert_eq!(answer.assert_confirmed(), order);
        assert!(answer.is_replay(), "the first request has started the order: {answer:#?}");
        assert_eq!(shop.stripe_operations(&order), ["payment_intents.create"]);
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn order_whose_caller_never_comes_back_ends_properly() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let checkout = shop.customer().buys(&tea, 1).pays_with("pm_card_visa_chargeDeclined");
        let order = checkout.order_id();
        slow_charge(shop, &order, Duration::from_secs(1));

        checkout.hang_up(charge_is_under_way(shop, &order)).await?;

        shop.closed(&order).await?;
        assert_eq!(shop.order(&order).await?.body["status"], "CANCELLED");
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn caller_who_hangs_up_at_once_finds_one_order_or_none() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let checkout = shop.customer().buys(&tea, 1);

        // Whether the request has arrived by then or not: asking again brings one order.
        checkout
            .hang_up(async {
                tokio::task::yield_now().await;
                Ok(())
            })
            .await?;

        let order = checkout.send().await?.assert_confirmed();
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn undecided_checkout_is_answered_with_202_and_later_under_the_same_key_with_201() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_ANSWER_TIMEOUT_MS", "1000")]).await?;
        let tea = shop.create_product(1250, 3).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();
        slow_charge(shop, &order, Duration::from_secs(3));

        let early = checkout.send().await?;

        assert_eq!(early.status, 202, "{early:#?}");
        assert_eq!(early.order_id(), Some(order.clone()), "{early:#?}");
        assert_eq!(early.header("location"), Some(format!("/api/orders/{order}").as_str()));
        assert!(early.header("retry-after").is_some(), "{early:#?}");
        let late = checkout.send_until_decided().await?;
        assert_eq!(late.assert_confirmed(), order);
        assert!(late.is_replay(), "{late:#?}");
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}

#[test]
fn charge_that_outlasts_the_first_attempt_is_made_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 3).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();
        // Longer than the attempt inside of the workflow task may take.
        slow_charge(shop, &order, Duration::from_secs(7));

        let answer = checkout.send().await?;

        answer.assert_confirmed();
        let history = shop.history(&order).await.context("the history")?;
        let charges: Vec<_> = kassa_tests::workflows::activities(&history)
            .into_iter()
            .filter(|name| name.starts_with("payments."))
            .collect();
        assert_eq!(charges, ["payments.charge!", "payments.charge"]);
        shop.oracle().product(&tea, 3).order(&order).check().await
    })
}
