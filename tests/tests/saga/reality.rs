//! A schedule made true: a real order on real servers, whose calls meet the troubles.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, ProductId, RefundId};
use kassa_tests::customer::{Checkout, GOOD_CARD};
use kassa_tests::operators::Decides;
use kassa_tests::proxy::{Call, Failing, Failure, Kind, Moment, Proxies};
use kassa_tests::wait::eventually_within;
use kassa_tests::{Answer, Shop};
use kassa_workflows::checkout::{Step, Undo};
use reqwest::Method;
use serde_json::json;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::effects::Deed;
use crate::outcome::Outcome;
use crate::schedule::{Cancelled, Schedule, Trouble};

/// How many pieces of every product there are.
pub(crate) const STOCK: u64 = 5;

const PRICE: i64 = 1_250;

/// How long an order may take from its request to its end: several times nobody has patience any more.
const LONGEST: Duration = Duration::from_mins(4);

/// An order that was played to its end.
pub(crate) struct Played {
    pub(crate) order: OrderId,
    pub(crate) product: ProductId,
    pub(crate) outcome: Outcome,
}

/// Troubles that wait for their calls.
struct Armed(Vec<(Deed, Failing)>);

impl Armed {
    fn of(schedule: &Schedule, order: &OrderId, proxies: &Proxies) -> Self {
        let mut armed = Vec::new();
        for (deed, trouble) in &schedule.troubles {
            let failure = match *trouble {
                Trouble::Passing(moment, kind, times) => Failure::new(moment, kind).times(times),
                Trouble::ForGood(moment) => Failure::new(moment, Kind::Refused),
                Trouble::Outage => Failure::new(Moment::BeforeEffect, Kind::Unavailable).times(usize::MAX),
            };
            let (proxy, call) = deed.effect(order, proxies);
            armed.push((*deed, proxy.fail(call, failure.clone())));
            if *deed == Deed::Undo(Undo::Refund) {
                // The refund of a sale that is cancelled names itself and not the order.
                let call = Call::with("POST /v1/refunds").and(RefundId::of_cancellation(order).as_str());
                armed.push((*deed, proxy.fail(call, failure)));
            }
        }
        Self(armed)
    }

    fn lift(&self) {
        self.0.iter().for_each(|(_, failing)| failing.lift());
    }

    /// Lifts the outage of a step.
    fn lift_outage(&self, schedule: &Schedule, step: &str) {
        for (deed, failing) in &self.0 {
            let activity = match deed {
                Deed::Step(step) => step.activity(),
                Deed::Undo(undo) => undo.activity(),
            };
            let meant = activity == step || released_by(*deed, step);
            if meant && schedule.trouble(*deed) == Some(Trouble::Outage) {
                failing.lift();
            }
        }
    }

    fn struck(&self) -> BTreeSet<String> {
        self.0.iter().filter(|(_, failing)| failing.fired() > 0).map(|(deed, _)| format!("{deed:?}")).collect()
    }
}

/// Whether a deed may be done by the activity of another one.
fn released_by(deed: Deed, step: &str) -> bool {
    (deed == Deed::Undo(Undo::Release) && step == Undo::Restock.activity())
        || (deed == Deed::Undo(Undo::Refund) && step == "payments.create_refund")
}

/// Plays a schedule to its end, deciding like an operator about whatever waits for one.
pub(crate) async fn play(shop: &Shop, proxies: &Proxies, schedule: &Schedule) -> anyhow::Result<Played> {
    let product = shop.create_product(PRICE, STOCK.cast_signed()).await?;
    let pieces = if schedule.in_stock { 2 } else { 6 };
    let card = if schedule.good_card { GOOD_CARD } else { "pm_card_chargeDeclined" };
    let checkout = shop.customer().buys(&product, pieces).pays_with(card);
    let order = checkout.order_id();
    let armed = Armed::of(schedule, &order, proxies);
    let mut parked = BTreeSet::new();

    let bought = async {
        match schedule.cancelled {
            Some(Cancelled::Charging(moment)) => {
                let (proxy, call) = Deed::Step(Step::Charge).effect(&order, proxies);
                let mut hold = proxy.hold(call, moment);
                let cancelled = async {
                    hold.caught().await?;
                    match moment {
                        Moment::BeforeEffect => {
                            cancel(shop, &order).await?;
                            // It arrives when nobody waits for it any more.
                            hold.deliver();
                        }
                        Moment::AfterEffect => {
                            let noticed = async {
                                told_to_stop(shop, &order).await?;
                                // Nobody ever learns from it that the card was charged.
                                hold.discard();
                                Ok(())
                            };
                            tokio::try_join!(cancel(shop, &order), noticed)?;
                        }
                    }
                    Ok(())
                };
                tokio::try_join!(checkout.send_until_decided(), cancelled).map(|(answer, ())| answer)
            }
            Some(Cancelled::Confirmed) | None => checkout.send_until_decided().await,
        }
    };
    let (answer, ()) = tokio::try_join!(bought, at_rest(shop, &order, schedule, &armed, &mut parked))?;
    if schedule.cancelled == Some(Cancelled::Confirmed) && answer.status == 201 {
        // It is told as soon as it is decided; the money and the stock follow.
        cancel(shop, &order).await?;
        at_rest(shop, &order, schedule, &armed, &mut parked).await?;
    }
    let struck = armed.struck();
    armed.lift();
    let outcome = observe(&checkout, &answer, parked, struck).await?;
    Ok(Played { order, product, outcome })
}

async fn cancel(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    let request = shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel")).json(&json!({}));
    let answer = Answer::of(request).await?;
    ensure!(answer.status == 200 || answer.status == 202, "cancelling: {answer:?}");
    Ok(())
}

/// Waits until the checkout of an order has been told to stop.
async fn told_to_stop(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    eventually_within(LONGEST, "the checkout is told to stop", async || {
        let told = shop.history(order).await?.into_iter().any(|event| {
            matches!(event.attributes, Some(Attributes::WorkflowExecutionCancelRequestedEventAttributes(_)))
        });
        ensure!(told, "it is not");
        Ok(())
    })
    .await
}

/// Waits until nothing of an order is open any more; whatever waits for an operator meanwhile is noted and decided.
async fn at_rest(
    shop: &Shop,
    order: &OrderId,
    schedule: &Schedule,
    armed: &Armed,
    parked: &mut BTreeSet<&'static str>,
) -> anyhow::Result<()> {
    eventually_within(LONGEST, &format!("{order} is at rest"), async || {
        let diagnosis = shop.diagnosis(order).await?;
        for workflow in &diagnosis.workflows {
            for waits in &workflow.waiting {
                parked.insert(known(&waits.step)?);
                armed.lift_outage(schedule, &waits.step);
            }
            if let Some(waits) = workflow.waiting.first() {
                let can_abort = waits.updates.iter().any(|update| update == "abort");
                let decides = if can_abort { schedule.operators } else { Decides::Retry };
                shop.operator().decide(&workflow.workflow_id, decides).await?;
            }
        }
        ensure!(!diagnosis.workflows.is_empty() && diagnosis.is_over(), "{diagnosis:?}");
        Ok(())
    })
    .await
}

/// The name of a step as the model has it.
fn known(step: &str) -> anyhow::Result<&'static str> {
    let deeds = Deed::all().map(|deed| match deed {
        Deed::Step(step) => step.activity(),
        Deed::Undo(undo) => undo.activity(),
    });
    let mut names = deeds.chain(["payments.create_refund"]);
    names.find(|name| *name == step).with_context(|| format!("parked at `{step}`, which no model knows"))
}

/// What has become of an order, by what the outside systems say.
async fn observe(
    checkout: &Checkout<'_>,
    answer: &Answer,
    parked: BTreeSet<&'static str>,
    struck: BTreeSet<String>,
) -> anyhow::Result<Outcome> {
    const CODES: [&str; 4] = ["checkout_failed", "out_of_stock", "payment_declined", "order_cancelled"];
    const REASONS: [&str; 4] = ["step_failed", "out_of_stock", "payment_declined", "cancelled_by_shop"];
    const EVENTS: [&str; 3] = ["order.confirmed", "order.cancelled", "order.refunded"];
    let (shop, order) = (checkout.shop(), checkout.order_id());
    let stored = shop.orders.find(&order).await?.context("the order is not in the books")?;
    let code = answer.code().map(|code| one_of(&CODES, code)).transpose()?;
    let reason = stored.failure_reason.as_deref().map(|reason| one_of(&REASONS, reason)).transpose()?;
    let (captured, refunded) = shop.payments(&order).iter().fold((0, 0), |(captured, refunded), payment| {
        (captured + payment.amount_captured, refunded + payment.amount_refunded)
    });
    let total = 2 * PRICE;
    ensure!([0, total].contains(&captured) && [0, total].contains(&refunded), "{captured} and {refunded} of {total}");
    let subjects = shop.mails(&order).await?.into_iter().map(|mail| mail.subject);
    let mails = ["confirmed", "cancelled"].into_iter();
    let subjects: Vec<_> = subjects.collect();
    let events = shop.events(&order).await?;
    let events = events.iter().map(|event| one_of(&EVENTS, &event.detail_type)).collect::<anyhow::Result<_>>()?;
    Ok(Outcome {
        answer: (answer.status.as_u16(), code),
        status: stored.status.as_str(),
        reason,
        captured: captured == total,
        refunded: refunded == total,
        reservation: shop.reservations.get(&order).await?.map(|reservation| reservation.status.as_str()),
        mails: mails.filter(|kind| subjects.iter().any(|subject| subject.ends_with(kind))).collect(),
        events,
        parked,
        struck,
    })
}

fn one_of(known: &[&'static str], found: &str) -> anyhow::Result<&'static str> {
    known.iter().copied().find(|known| *known == found).with_context(|| format!("`{found}` is not known here"))
}
