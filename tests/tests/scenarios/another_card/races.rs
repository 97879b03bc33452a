//! Cards that meet other cards, a cancellation, and the end of the hold.

use std::time::Duration;

use futures::future::try_join_all;
use kassa_stand_ins::stripe::{Fault, Stage};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::on_exclusive_shop;
use kassa_workflows::cancellation;

use super::{BAD_CARD, CONFIRM, THREE_CARDS, Waiting, assert_paid, card_is_tried};

#[test]
fn equal_requests_at_the_same_time_try_one_card_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS, ("KASSA_LIMIT_PAYMENT", "100/1000/60")]).await?;
        let waiting = Waiting::of(shop).await?;

        let answers = try_join_all((0..20).map(|_| waiting.pays_under(GOOD_CARD, "the-same-key"))).await?;

        for answer in &answers {
            assert_paid(answer);
            assert_eq!(answer.body, answers[0].body);
        }
        assert_eq!(answers.iter().filter(|answer| !answer.is_replay()).count(), 1);
        waiting.assert_charges(shop, 2, 1);
        waiting.judged(shop).await
    })
}

#[test]
fn different_cards_at_the_same_time_charge_one() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        for _ in 0..3 {
            let waiting = Waiting::of(shop).await?;

            let cards = [GOOD_CARD, "pm_card_mastercard", "pm_card_amex", BAD_CARD];
            let answers = try_join_all(cards.map(|card| waiting.pays(card))).await?;

            let paid = answers.iter().filter(|answer| answer.status == 200).count();
            for answer in &answers {
                assert!([200, 402, 409].contains(&answer.status.as_u16()), "{answer:#?}");
            }
            if paid == 0 {
                // The bad card was the one that was let in.
                assert_paid(&waiting.pays(GOOD_CARD).await?);
            }
            assert!(paid <= 1, "{answers:#?}");
            let [payment] = shop.payments(&waiting.order).try_into().expect("one payment intent");
            assert_eq!(payment.successful_charges(), 1, "{payment:#?}");
            waiting.judged(shop).await?;
        }
        Ok(())
    })
}

#[test]
fn card_that_is_on_its_way_while_the_order_is_cancelled_is_given_back_or_never_charged() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        for stage in [Stage::Before, Stage::After] {
            let waiting = Waiting::of(shop).await?;
            let slow = Fault { stage, ..Fault::slow(CONFIRM, Duration::from_secs(4)) };
            shop.stack.stripe.faults().add(slow.for_order(waiting.order.as_str()));

            let cancel = async {
                card_is_tried(shop, &waiting.order).await?;
                waiting.cancels().await
            };
            let (paid, cancelled) = futures::future::try_join(waiting.pays(GOOD_CARD), cancel).await?;

            paid.assert_problem(409, "order_cancelled");
            assert_eq!(cancelled.body["status"], "CANCELLED", "{cancelled:#?}");
            shop.completed(&cancellation::workflow_id(&waiting.order)).await?;
            waiting.judged(shop).await?;
        }
        Ok(())
    })
}

#[test]
fn card_that_meets_the_end_of_the_hold_is_charged_or_refused() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS, ("KASSA_PAYMENT_HOLD_MS", "3000"), ("KASSA_LIMIT_PAYMENT", "1000/1000/60")])
            .await?;
        for _ in 0..3 {
            let waiting = Waiting::of(shop).await?;
            // A bad card leaves the order waiting, so this goes on until the end comes.
            let mut answers = vec![waiting.pays("pm_card_chargeDeclinedLostCard").await?];
            while shop.order(&waiting.order).await?.body["status"] == "PAYMENT_FAILED" {
                answers.push(waiting.pays(GOOD_CARD).await?);
            }

            let paid = answers.iter().any(|answer| answer.status == 200);
            shop.closed(&waiting.order).await?;
            let status = shop.order(&waiting.order).await?.body["status"].clone();
            assert_eq!(status, if paid { "CONFIRMED" } else { "CANCELLED" }, "{answers:#?}");
            waiting.judged(shop).await?;
        }
        Ok(())
    })
}
