//! A worker is killed at every step and every undo, right before and right after the effect; another one goes on.

use anyhow::ensure;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::{join_all, try_join_all};
use kassa_devstack::stack::sdk_config;
use kassa_domain::ProductId;
use kassa_store::config::dynamodb_client;
use kassa_tests::customer::{Checkout, GOOD_CARD};
use kassa_tests::proxy::{Hold, Moment, Refusal};
use kassa_tests::{Answer, Shop, on_exclusive_shop};
use kassa_workflows::checkout::{Step, Undo};
use reqwest::StatusCode;

use crate::effects::{Deed, charge, confirmation};
use crate::rig::{DECLINED_CARD, PRICE, Rig, STOCK, on_sale};

/// What the customer of a case runs into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// All goes well.
    Sold,
    /// The database refuses to confirm the paid order.
    Unconfirmable,
    /// The card is declined.
    Declined,
    /// There are fewer pieces than asked for.
    OutOfStock,
}

impl Fate {
    /// One in which the deed is done.
    fn with(deed: Deed) -> Self {
        match deed {
            Deed::Step(_) => Self::Sold,
            Deed::Undo(Undo::Refund | Undo::Restock | Undo::Cancel) => Self::Unconfirmable,
            // Only stock that was held and not yet sold is released.
            Deed::Undo(Undo::Release) => Self::Declined,
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Sold => StatusCode::CREATED,
            Self::Unconfirmable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Declined => StatusCode::PAYMENT_REQUIRED,
            Self::OutOfStock => StatusCode::CONFLICT,
        }
    }
}

/// An order under which the worker dies.
struct Case<'shop> {
    deed: Deed,
    moment: Moment,
    fate: Fate,
    product: ProductId,
    checkout: Checkout<'shop>,
}

impl<'shop> Case<'shop> {
    /// An order that will be held where the worker shall die.
    async fn prepare(
        shop: &'shop Shop,
        rig: &Rig,
        (fate, deed, moment): (Fate, Deed, Moment),
    ) -> anyhow::Result<(Self, Hold)> {
        let product = on_sale(shop).await?;
        let pieces = if fate == Fate::OutOfStock { 11 } else { 1 };
        let card = if fate == Fate::Declined { DECLINED_CARD } else { GOOD_CARD };
        let checkout = shop.customer().buys(&product, pieces).pays_with(card);
        let order = checkout.order_id();
        if fate == Fate::Unconfirmable {
            rig.proxies.rds_data.refuse(confirmation().and(order.as_str()), Refusal::constraint_violation());
        }
        let (proxy, call) = deed.effect(&order, &rig.proxies);
        Ok((Self { deed, moment, fate, product, checkout }, proxy.hold(call, moment)))
    }

    async fn judge(&self, answer: &Answer) -> anyhow::Result<()> {
        let (shop, order) = (self.checkout.shop(), self.checkout.order_id());
        let expected = match (self.fate, self.deed, self.moment) {
            // The reservation is closed by now, and does not remember why.
            (Fate::OutOfStock, Deed::Undo(Undo::Release), Moment::AfterEffect)
            | (Fate::OutOfStock, Deed::Undo(Undo::Cancel), Moment::BeforeEffect) => Fate::Unconfirmable.status(),
            _ => self.fate.status(),
        };
        ensure!(answer.status == expected, "expected {expected}: {answer:?}");
        let oracle = shop.oracle().product(&self.product, STOCK).order(&order);
        // The only effect that nobody knows again: a mail that was on its way comes twice.
        let repeats = (self.deed, self.moment) == (Deed::Step(Step::Notify), Moment::AfterEffect);
        if repeats { oracle.mail_may_repeat() } else { oracle }.check().await
    }
}

/// Lets all orders come as far as they are held, kills the worker, and starts it again.
async fn kill_under(rig: &mut Rig, mut holds: Vec<Hold>) -> anyhow::Result<()> {
    for hold in &mut holds {
        hold.caught().await?;
    }
    rig.worker.kill().await?;
    // Whatever was under way dies with the worker.
    holds.into_iter().for_each(Hold::discard);
    rig.start_worker().await
}

async fn kill_at(shop: &mut Shop, cases: impl IntoIterator<Item = (Fate, Deed, Moment)>) -> anyhow::Result<()> {
    let mut rig = Rig::set_up(shop).await?;
    let prepared = cases.into_iter().map(|case| Case::prepare(shop, &rig, case));
    let (cases, holds): (Vec<_>, Vec<_>) = try_join_all(prepared).await?.into_iter().unzip();

    let answers = try_join_all(cases.iter().map(|case| case.checkout.send_until_decided()));
    let (answers, ()) = tokio::try_join!(answers, kill_under(&mut rig, holds))?;

    let judged = join_all(cases.iter().zip(&answers).map(async |(case, answer)| {
        case.judge(answer)
            .await
            .map_err(|error| format!("{:?} {:?} {:?}: {error:#}", case.fate, case.deed, case.moment))
    }));
    let wrong: Vec<String> = judged.await.into_iter().filter_map(Result::err).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn a_worker_killed_after_stripe_captured_and_before_that_is_recorded_charges_once() -> anyhow::Result<()> {
    let case = (Fate::Sold, Deed::Step(Step::Charge), Moment::AfterEffect);
    on_exclusive_shop(async |shop| kill_at(shop, [case]).await)
}

#[test]
fn a_worker_killed_at_any_step_or_undo_finishes_the_order_once_it_is_back() -> anyhow::Result<()> {
    let both = |(fate, deed)| [(fate, deed, Moment::BeforeEffect), (fate, deed, Moment::AfterEffect)];
    let deeds = Deed::all().map(|deed| (Fate::with(deed), deed));
    // Its undo consists of local activities alone, so none of it is recorded before all of it is done.
    let refused = [Undo::Release, Undo::Cancel].map(|undo| (Fate::OutOfStock, Deed::Undo(undo)));
    let cases: Vec<_> = deeds.chain(refused).flat_map(both).collect();
    on_exclusive_shop(async |shop| kill_at(shop, cases).await)
}

#[test]
fn a_price_that_changes_while_no_worker_runs_does_not_change_a_charged_order() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1).expects(PRICE);
        let order = checkout.order_id();
        let mut hold = rig.proxies.stripe.hold(charge().and(order.as_str()), Moment::AfterEffect);
        let dies = async {
            hold.caught().await?;
            rig.worker.kill().await?;
            hold.discard();
            raise_price(shop, &product).await?;
            rig.start_worker().await
        };
        let (answer, ()) = tokio::try_join!(checkout.send_until_decided(), dies)?;
        ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
        shop.oracle().product(&product, STOCK).order(&order).check().await
    })
}

/// Doubles the price of a product, as somebody who works on the catalogue would.
async fn raise_price(shop: &Shop, product: &ProductId) -> anyhow::Result<()> {
    let config = shop.stack.store_config().dynamodb;
    let client = dynamodb_client(&sdk_config().await, config.endpoint.as_deref());
    let update = client
        .update_item()
        .table_name(config.tables.products())
        .key("id", AttributeValue::S(product.to_string()))
        .update_expression("SET price = price + price")
        .condition_expression("attribute_exists(id)");
    update.send().await?;
    Ok(())
}
