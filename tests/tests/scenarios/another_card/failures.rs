//! Another card, while a worker dies or Stripe's answer is lost.

use std::time::Duration;

use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::{Answer, on_exclusive_shop};

use super::{BAD_CARD, CONFIRM, THREE_CARDS, Waiting, assert_paid, card_is_tried};

#[test]
fn worker_that_dies_while_a_card_is_tried_charges_it_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        for stage in [Stage::Before, Stage::After] {
            let (declined, order, product) = {
                let Waiting { declined, order, product, .. } = Waiting::of(shop).await?;
                (declined, order, product)
            };
            let slow = Fault { stage, ..Fault::slow(CONFIRM, Duration::from_secs(2)) };
            shop.stack.stripe.faults().add(slow.for_order(order.as_str()));
            let asked = {
                let request = shop.customer().pays_again(&declined, GOOD_CARD, "while-it-dies");
                tokio::spawn(Answer::of(request))
            };
            card_is_tried(shop, &order).await?;

            shop.stack.worker.kill().await?;
            shop.stack.worker.start().await?;

            assert_paid(&asked.await??);
            let [payment] = shop.payments(&order).try_into().expect("one payment intent");
            assert_eq!((payment.charges.len(), payment.successful_charges()), (2, 1), "{payment:#?}");
            shop.oracle().product(&product, 4).order(&order).check().await?;
        }
        Ok(())
    })
}

#[test]
fn worker_that_dies_while_the_order_waits_goes_on_waiting() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let (declined, order, product) = {
            let Waiting { declined, order, product, .. } = Waiting::of(shop).await?;
            (declined, order, product)
        };
        shop.stack.worker.kill().await?;
        shop.stack.worker.start().await?;

        let paid = Answer::of(shop.customer().pays_again(&declined, GOOD_CARD, "after-its-death")).await?;

        assert_paid(&paid);
        shop.oracle().product(&product, 4).order(&order).check().await
    })
}

#[test]
fn card_whose_answer_is_lost_is_charged_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        for outcome in [Outcome::Reset, Outcome::MalformedJson, Outcome::status(500), Outcome::status(503)] {
            for card in [GOOD_CARD, BAD_CARD] {
                let waiting = Waiting::of(shop).await?;
                let lost = Fault::new(CONFIRM, Stage::After, outcome.clone()).for_order(waiting.order.as_str());
                shop.stack.stripe.faults().add(lost);

                let answer = waiting.pays(card).await?;

                if card == GOOD_CARD {
                    assert_paid(&answer);
                    waiting.assert_charges(shop, 2, 1);
                } else {
                    answer.assert_problem(402, "payment_declined");
                    assert_paid(&waiting.pays(GOOD_CARD).await?);
                }
                waiting.judged(shop).await?;
            }
        }
        Ok(())
    })
}
