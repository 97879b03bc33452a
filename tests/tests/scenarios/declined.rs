//! Orders whose card is declined.

use anyhow::Context as _;
use kassa_domain::StockLevel;
use kassa_tests::{Answer, Shop, on_shared_shop};
use kassa_workflows::search_attributes::{FAILURE_REASON, ORDER_STATE};

/// Checks out one piece with a card that is declined, and that nothing of it remains.
async fn assert_declined(shop: &Shop, card: &str, code: &str, decline_code: Option<&str>) -> anyhow::Result<Answer> {
    let tea = shop.create_product(1250, 4).await?;
    let checkout = shop.customer().buys(&tea, 1).pays_with(card);

    let answer = checkout.send().await?;

    answer.assert_problem(402, "payment_declined");
    let order = answer.order_id().context("the problem names the order")?;
    assert_eq!(order, checkout.order_id());
    assert_eq!(answer.body["decline"]["code"], code, "{answer:#?}");
    assert_eq!(answer.body["decline"]["decline_code"].as_str(), decline_code, "{answer:#?}");
    assert!(answer.body["decline"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer:#?}");

    shop.closed(&order).await?;
    assert_eq!(shop.stock(&tea).await?, StockLevel { available: 4, reserved: 0, sold: 0 });
    let [payment] = shop.payments(&order).try_into().expect("one payment intent");
    assert_eq!((payment.status.as_str(), payment.amount_captured), ("canceled", 0), "{payment:#?}");
    let read = shop.order(&order).await?;
    assert_eq!(read.body["status"], "CANCELLED", "{read:#?}");
    assert_eq!(read.body["failure_reason"], "payment_declined", "{read:#?}");
    let timeline = shop.timeline(&order).await?;
    let entries = timeline.body["entries"].as_array().context("a list of entries")?;
    let statuses: Vec<_> = entries.iter().filter_map(|entry| entry["status"].as_str()).collect();
    assert_eq!(statuses, ["PENDING", "CANCELLED"], "{timeline:#?}");
    shop.oracle().product(&tea, 4).order(&order).check().await?;
    Ok(answer)
}

#[test]
fn declined_card_is_answered_with_the_reason_and_leaves_nothing_behind() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let answer =
            assert_declined(shop, "pm_card_visa_chargeDeclined", "card_declined", Some("generic_decline")).await?;

        let order = answer.order_id().context("the problem names the order")?;
        let [event] = shop.events(&order).await?.try_into().expect("one event");
        assert_eq!(event.detail_type, "order.cancelled");
        assert_eq!(event.detail["reason"], "payment_declined");
        assert!(shop.mails(&order).await?.is_empty());
        let attributes = shop.closed(&order).await?.search_attributes();
        assert_eq!(attributes.get(&ORDER_STATE).as_deref(), Some("CANCELLED"));
        assert_eq!(attributes.get(&FAILURE_REASON).as_deref(), Some("payment_declined"));
        Ok(())
    })
}

#[test]
fn every_reason_of_the_issuer_reaches_the_caller() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for (card, code, decline_code) in [
            ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", Some("insufficient_funds")),
            ("pm_card_visa_chargeDeclinedLostCard", "card_declined", Some("lost_card")),
            ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", Some("stolen_card")),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
            ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
            ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ] {
            assert_declined(shop, card, code, decline_code).await.with_context(|| card.to_owned())?;
        }
        Ok(())
    })
}

#[test]
fn payment_method_that_does_not_exist_is_declined() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;

        let answer = shop.customer().buys(&tea, 1).pays_with("pm_0000000000000000000000").send().await?;

        answer.assert_problem(402, "payment_declined");
        let order = answer.order_id().context("the problem names the order")?;
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn total_that_stripe_does_not_charge_is_declined() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        // Stripe charges from half a euro up to eight digits.
        for (price, quantity) in [(10, 1), (99_999_999, 2)] {
            let odd = shop.create_product(price, 5).await?;

            let answer = shop.customer().buys(&odd, quantity).send().await?;

            answer.assert_problem(402, "payment_declined");
            let order = answer.order_id().context("the problem names the order")?;
            shop.oracle().product(&odd, 5).order(&order).check().await?;
        }
        Ok(())
    })
}

#[test]
fn customer_may_try_another_card_with_another_key() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let customer = shop.customer();
        let declined = customer.buys(&tea, 1).pays_with("pm_card_visa_chargeDeclined").send().await?;
        declined.assert_problem(402, "payment_declined");
        let first = declined.order_id().context("the problem names the order")?;
        shop.closed(&first).await?;

        let second = customer.buys(&tea, 1).send().await?.assert_confirmed();

        shop.oracle().product(&tea, 1).order(&first).order(&second).check().await
    })
}
