//! Requests that are sent more than once.

use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use kassa_stand_ins::stripe::Fault;
use kassa_tests::customer::Checkout;
use kassa_tests::{Answer, eventually, on_shared_shop};

/// Checks that one answer is the first and that all others repeat it.
#[track_caller]
fn assert_one_first(answers: &[Answer], status: u16) {
    let first = &answers[0];
    for answer in answers {
        assert_eq!(answer.status.as_u16(), status, "{answer:#?}");
        assert_eq!(answer.body, first.body);
        assert_eq!(answer.header("location"), first.header("location"));
    }
    let firsts = answers.iter().filter(|answer| !answer.is_replay()).count();
    assert_eq!(firsts, 1, "{answers:#?}");
}

#[test]
fn same_key_ten_times_at_once_and_again_later_is_one_order() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let checkout = shop.customer().buys(&tea, 1);

        let mut answers = try_join_all((0..10).map(|_| checkout.send())).await?;

        assert_one_first(&answers, 201);
        let order = answers[0].assert_confirmed();
        shop.closed(&order).await?;
        // The workflow has ended by now; its answer has not.
        answers.push(checkout.send().await?);
        assert_one_first(&answers, 201);
        assert!(answers[10].is_replay());
        assert_eq!(shop.stripe_operations(&order), ["payment_intents.create"]);
        shop.oracle().product(&tea, 20).order(&order).check().await
    })
}

#[test]
fn fifty_equal_requests_at_once_are_one_order_one_charge_and_one_answer() -> anyhow::Result<()> {
    const REQUESTS: usize = 50;
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 60).await?;
        let checkout = shop.customer().buys(&tea, 1);
        let order = checkout.order_id();

        let answers = try_join_all((0..REQUESTS).map(|_| checkout.send())).await?;

        assert_one_first(&answers, 201);
        for answer in &answers {
            assert_eq!(answer.assert_confirmed(), order);
        }
        shop.closed(&order).await?;
        assert_eq!(shop.stripe_operations(&order), ["payment_intents.create"]);
        assert_eq!(shop.stock(&tea).await?.sold, 1);
        shop.oracle().product(&tea, 60).order(&order).check().await
    })
}

#[test]
fn declined_order_stays_declined_under_its_key() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let checkout = shop.customer().buys(&tea, 1).pays_with("pm_card_visa_chargeDeclined");

        let mut answers = try_join_all((0..3).map(|_| checkout.send())).await?;

        shop.closed(&checkout.order_id()).await?;
        answers.push(checkout.send().await?);
        assert_one_first(&answers, 402);
        shop.oracle().product(&tea, 20).order(&checkout.order_id()).check().await
    })
}

#[test]
fn out_of_stock_stays_out_of_stock_under_its_key() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 2);
        let first = checkout.send().await?;
        first.assert_problem(409, "out_of_stock");
        shop.closed(&checkout.order_id()).await?;
        shop.receive_stock(&tea, 5, "delivery-0001").await?;

        let second = checkout.send().await?;

        assert_one_first(&[first, second], 409);
        shop.oracle().product(&tea, 6).order(&checkout.order_id()).check().await
    })
}

#[test]
fn same_key_with_another_body_is_refused_while_running_and_after_the_end() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let customer = shop.customer();
        let key = "one-key-for-two-bodies";
        let checkout = customer.buys(&tea, 1).key(key);
        let others = [
            customer.buys(&tea, 2).key(key),
            customer.buys(&tea, 1).key(key).pays_with("pm_card_mastercard"),
            customer.buys(&tea, 1).key(key).expects(1250),
        ];
        let order = checkout.order_id();
        let slow = Fault::slow("payment_intents.create", Duration::from_secs(1));
        shop.stack.stripe.faults().add(slow.for_order(order.as_str()));
        let meanwhile = async {
            eventually("the order is under way", async || {
                shop.describe(&order).await?.context("there is no workflow").map(drop)
            })
            .await?;
            try_join_all(others.iter().map(Checkout::send)).await
        };

        let (first, early) = tokio::join!(checkout.send(), meanwhile);

        first?.assert_confirmed();
        for answer in early? {
            answer.assert_problem(422, "idempotency_key_reused");
        }
        shop.closed(&order).await?;
        for other in &others {
            other.send().await?.assert_problem(422, "idempotency_key_reused");
        }

        assert!(checkout.send().await?.is_replay(), "the first body still gets its answer");
        shop.oracle().product(&tea, 20).order(&order).check().await
    })
}

#[test]
fn same_key_of_another_caller_is_another_order() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let key = "a-key-that-two-callers-like";

        let first = shop.customer().buys(&tea, 1).key(key).send().await?;
        let second = shop.customer().buys(&tea, 1).key(key).send().await?;

        let (first_order, second_order) = (first.assert_confirmed(), second.assert_confirmed());
        assert_ne!(first_order, second_order);
        assert!(!first.is_replay() && !second.is_replay());
        shop.oracle().product(&tea, 20).order(&first_order).order(&second_order).check().await
    })
}

#[test]
fn key_of_a_caller_does_not_depend_on_the_spelling_of_the_address() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let customer = shop.customer();
        let checkout = customer.buys(&tea, 1);
        let order = checkout.send().await?.assert_confirmed();

        let shouted = checkout.clone().field("email", customer.email().to_uppercase().into());
        let answer = shouted.send().await?;

        // Whether the spelling counts as another body or not: it is no second order.
        assert!(answer.is_replay() || answer.code() == Some("idempotency_key_reused"), "{answer:#?}");
        shop.oracle().product(&tea, 20).order(&order).check().await
    })
}

#[test]
fn answer_is_repeated_though_everything_is_sold_by_now() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).expects(1250);
        let first = checkout.send().await?;
        let order = first.assert_confirmed();
        shop.closed(&order).await?;

        let again = checkout.send().await?;

        assert_one_first(&[first, again], 201);
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn answer_outlives_the_history_of_its_workflow() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 20).await?;
        let bought = shop.customer().buys(&tea, 1).key("bought-long-ago");
        let declined = shop.customer().buys(&tea, 1).pays_with("pm_card_visa_chargeDeclined");
        let orders = [bought.order_id(), declined.order_id()];
        let first = [bought.send().await?, declined.send().await?];
        try_join_all(orders.iter().map(|order| shop.closed(order))).await?;
        // Deleting takes Temporal half a minute, during which the other tests go on.
        try_join_all(orders.iter().map(|order| shop.forget(order))).await?;

        let again = [bought.send().await?, declined.send().await?];

        for ((first, again), status) in first.into_iter().zip(again).zip([201, 402]) {
            assert_one_first(&[first, again], status);
        }
        for checkout in [bought, declined] {
            checkout.pays_with("pm_card_mastercard").send().await?.assert_problem(422, "idempotency_key_reused");
        }
        shop.oracle().product(&tea, 20).orders(&orders).check().await
    })
}
