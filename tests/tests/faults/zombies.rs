//! Workers that are taken for dead while they are in the middle of everything: one that is frozen, and one that does not reach
//! Temporal any more. Another one takes over, and what the first one finishes late changes nothing.

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use kassa_domain::OrderId;
use kassa_tests::cable::Cable;
use kassa_tests::customer::Checkout;
use kassa_tests::proxy::{Hold, Moment, Proxies};
use kassa_tests::wire::Wire;
use kassa_tests::{Answer, Shop, eventually, on_exclusive_shop};
use kassa_workflows::workflow_id;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;

use crate::effects::confirmation;
use crate::held::{Case, Place, judge_all};
use crate::rig::{Rig, STOCK, on_sale};

/// Why a worker is taken for dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    /// It stands still.
    Frozen,
    /// It works, and does not reach Temporal.
    CutOff,
}

/// What is known of an order that has come to rest.
async fn facts(shop: &Shop, order: &OrderId) -> anyhow::Result<String> {
    let (stored, timeline) = (shop.order(order).await?.body, shop.timeline(order).await?.body);
    let reservation = shop.reservations.get(order).await?;
    Ok(format!("{stored:#} {timeline:#} {reservation:?} {:?}", shop.payments(order)))
}

async fn facts_of(shop: &Shop, cases: &[Case]) -> anyhow::Result<Vec<String>> {
    try_join_all(cases.iter().map(|case| facts(shop, &case.order))).await
}

async fn finishes_late(shop: &mut Shop, absence: Absence) -> anyhow::Result<()> {
    let mut cable = Cable::plug_in(shop.stack.temporal.address()).await?;
    let wire = Wire::start(cable.address()).await?;
    let mut rig = Rig::set_up_with(shop, vec![wire.environment()]).await?;
    let shop: &Shop = shop;
    let prepared = Place::all().map(|place| Case::prepare(shop, &rig.proxies, place));
    let (cases, mut holds): (Vec<Case>, Vec<Hold>) = try_join_all(prepared).await?.into_iter().unzip();
    // What the other worker does is not held.
    let others = Proxies::start(&shop.stack).await?;
    for case in &cases {
        case.meets_its_fate(&others);
    }
    let mut second = shop.stack.another_worker("second-worker")?;

    let taken_over = async {
        try_join_all(holds.iter_mut().map(Hold::caught)).await?;
        match absence {
            Absence::Frozen => rig.worker.freeze(),
            Absence::CutOff => cable.pull().await,
        }
        second.start_with(&others.environment()).await?;
        Ok(())
    };
    let (answers, ()) = tokio::try_join!(try_join_all(cases.iter().map(Case::decided)), taken_over)?;
    let may_repeat = Place::is_at_a_mail;
    judge_all(shop, cases.iter().zip(&answers), may_repeat).await.context("the other worker has taken over")?;

    let rested = facts_of(shop, &cases).await?;
    let reported: Vec<_> = cases.iter().map(|case| wire.heard(&workflow_id(&case.order))).collect();
    // Whatever was on its way arrives now, long after everything is done, and then its sender goes on with it.
    let held: Vec<_> = holds.iter().map(Hold::count).collect();
    ensure!(held.iter().all(|held| *held > 0), "not all were held: {held:?}");
    holds.into_iter().for_each(Hold::deliver);
    match absence {
        Absence::Frozen => rig.worker.thaw(),
        Absence::CutOff => cable.put_back().await?,
    }
    // A worker that is cut off gives some up by itself.
    let wanted = if absence == Absence::Frozen { cases.len() } else { 1 };
    eventually("what was finished late is reported", async || {
        for (case, held) in cases.iter().zip(&held) {
            let (proxy, call) = case.place.deed.effect(&case.order, &rig.proxies);
            let arrived = proxy.passed(&call);
            ensure!(arrived >= *held, "{arrived} of {held} have arrived of {:?}", case.place);
        }
        let silent =
            cases.iter().zip(&reported).filter(|(case, before)| wire.heard(&workflow_id(&case.order)) <= **before);
        let silent: Vec<_> = silent.map(|(case, _)| case.place).collect();
        ensure!(silent.len() + wanted <= cases.len(), "nothing was reported of {silent:#?}");
        Ok(())
    })
    .await?;
    ensure!(rig.worker.is_running(), "the worker that was taken for dead has died of it");

    for ((case, before), after) in cases.iter().zip(&rested).zip(facts_of(shop, &cases).await?) {
        ensure!(*before == after, "{:?} has changed from {before} to {after}", case.place);
    }
    let again = try_join_all(cases.iter().map(Case::decided)).await?;
    ensure!(answers.iter().map(|answer| &answer.body).eq(again.iter().map(|answer| &answer.body)), "another answer");
    judge_all(shop, cases.iter().zip(&again), may_repeat).await.context("the late worker has finished")
}

#[test]
fn what_a_frozen_worker_finishes_late_changes_nothing() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| finishes_late(shop, Absence::Frozen).await)
}

#[test]
fn what_a_worker_that_was_cut_off_finishes_late_changes_nothing() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| finishes_late(shop, Absence::CutOff).await)
}

#[test]
fn a_worker_that_reaches_temporal_again_finishes_what_it_had_begun() -> anyhow::Result<()> {
    const ORDERS: usize = 8;
    on_exclusive_shop(async |shop| {
        let mut cable = Cable::plug_in(shop.stack.temporal.address()).await?;
        let address = ("TEMPORAL_ADDRESS".to_owned(), cable.address().to_string());
        let rig = Rig::set_up_with(shop, vec![address]).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkouts: Vec<_> = (0..ORDERS).map(|_| shop.customer().buys(&product, 1)).collect();
        let orders: Vec<_> = checkouts.iter().map(Checkout::order_id).collect();
        let mut holds: Vec<_> = orders
            .iter()
            .map(|order| rig.proxies.rds_data.hold(confirmation().and(order.as_str()), Moment::AfterEffect))
            .collect();
        let comes_back = async {
            try_join_all(holds.iter_mut().map(Hold::caught)).await?;
            let connections = cable.connections();
            cable.pull().await;
            holds.into_iter().for_each(Hold::deliver);
            eventually("everybody is missed", async || {
                for order in &orders {
                    let history = shop.history(order).await?;
                    let missed = history.iter().map(HistoryEvent::event_type);
                    let missed = missed.filter(|kind| *kind == EventType::WorkflowTaskTimedOut).count();
                    ensure!(missed > 0, "{order} is not");
                }
                Ok(())
            })
            .await?;
            cable.put_back().await?;
            eventually("the worker has come back", async || {
                ensure!(cable.connections() > connections, "it has not");
                Ok(())
            })
            .await
        };
        let sent = try_join_all(checkouts.iter().map(Checkout::send_until_decided));
        let (answers, ()): (Vec<Answer>, ()) = tokio::try_join!(sent, comes_back)?;
        for answer in answers {
            answer.assert_confirmed();
        }
        shop.oracle().product(&product, STOCK).orders(&orders).check().await
    })
}
