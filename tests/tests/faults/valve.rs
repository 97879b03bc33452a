//! The valve before the payment provider, when workers die at it and when it cannot be read: nobody is charged past it, and
//! nobody is lost.

use anyhow::Context as _;
use kassa_tests::proxy::{Call, Moment, Refusal};
use kassa_tests::valve::QUICK;
use kassa_tests::{Answer, on_exclusive_shop};
use kassa_workflows::checkout::Step;

use crate::effects::{Deed, charge};
use crate::rig::{PRICE, Rig, STOCK, on_sale};

/// So that an order may be held for a moment only.
const SHORT_HOLD: (&str, &str) = ("KASSA_PAYMENT_HOLD_MS", "5000");

/// A worker dies when an order has come so far, and takes everything with it that nobody has recorded yet; the order is held
/// until that is over.
fn dies_and_is_held(deed: Deed) -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[QUICK[0], QUICK[1], SHORT_HOLD]).await?;
        let mut rig = Rig::set_up(shop).await?;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1);
        let order = checkout.order_id();
        let (proxy, call) = deed.effect(&order, &rig.proxies);
        let mut done = proxy.hold(call, Moment::AfterEffect);
        let request = checkout.request();
        let waiting = tokio::spawn(Answer::of(request));
        done.caught().await?;
        rig.worker.kill().await?;
        done.discard();

        // Nothing in its history says that it has been charged when it is held.
        shop.pause_payments().await?;
        rig.start_worker().await?;

        assert_eq!(waiting.await??.status, 202);
        shop.closed(&order).await?;
        assert_eq!(shop.order(&order).await?.body["failure_reason"], "payment_unavailable");
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!((payment.amount_captured, payment.amount_refunded), (PRICE, PRICE), "{payment:#?}");
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}

#[test]
fn an_order_that_was_charged_by_a_dying_worker_and_then_held_gets_its_money_back() -> anyhow::Result<()> {
    dies_and_is_held(Deed::Step(Step::Charge))
}

#[test]
fn an_order_that_was_sold_by_a_dying_worker_and_then_held_gives_its_stock_back_as_well() -> anyhow::Result<()> {
    dies_and_is_held(Deed::Step(Step::Deduct))
}

#[test]
fn a_held_order_whose_valve_cannot_be_read_any_more_is_taken_back_at_stripe() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[QUICK[0], QUICK[1], SHORT_HOLD]).await?;
        let rig = Rig::set_up(shop).await?;
        let product = on_sale(shop).await?;
        shop.pause_payments().await?;
        let order = shop.customer().buys(&product, 1).send().await?.order_id().context("the order")?;
        rig.proxies.dynamodb.refuse(Call::with("payment-valve"), Refusal::unavailable());

        shop.closed(&order).await?;

        assert_eq!(shop.order(&order).await?.body["failure_reason"], "payment_unavailable");
        assert!(!shop.stripe_operations(&order).is_empty(), "nobody knew that Stripe had never heard of it");
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}

#[test]
fn an_order_is_charged_as_soon_as_the_valve_can_be_read() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let product = on_sale(shop).await?;
        let look = Call::with("DynamoDB_20120810.GetItem").and("payment-valve");
        rig.proxies.dynamodb.refuse(look.clone(), Refusal::unavailable().times(3));
        let checkout = shop.customer().buys(&product, 1);

        let order = checkout.send().await?.assert_confirmed();

        assert!(rig.proxies.dynamodb.passed(&look) > 0, "it was read in the end");
        assert_eq!(rig.proxies.stripe.passed(&charge().and(order.as_str())), 1);
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}
