//! Every activity that changes something outside is made to fail in every way, in one story in which it is done (two of them in
//! two): before its effect, after it, and after it with an answer that comes too late. All cases run at the same time, each with
//! an order of its own; the oracle judges them together.
//!
//! `cargo test --test faults -- grid --nocapture` prints the tables of what was tried: one case of each class, and all of them with
//! `KASSA_EVERY_CASE=1`.

mod act;
mod case;
mod classes;
mod coverage;
mod fault;
mod stories;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;
use futures::{StreamExt as _, stream};
use kassa_devstack::stack::Application;
use kassa_tests::cases::{every_case, print_left_out};
use kassa_tests::proxy::Proxies;
use kassa_tests::{Exclusive, Shop, on_exclusive_shop};
use tokio::time::sleep;

use crate::late::Late;
use crate::rig::Rig;
use act::{Act, Round};
use case::{Begun, Case, Told};
use classes::representatives;
use fault::Fault;
use table::Table;

/// How many held orders go each second once payments are resumed.
const RATE: u32 = 50;

/// How many cases are under way at once: those that hang cost nothing but a place.
const AT_ONCE: usize = 48;

/// How often it is looked whether the worker is there.
const LOOK: Duration = Duration::from_secs(1);

/// Tells all stories of a round, each with every fault of every act in it.
async fn tell(shop: &mut Exclusive, round: Round, table: &mut Table) -> anyhow::Result<()> {
    shop.restart_api(round.environment()).await?;
    let Rig { proxies, mut worker, .. } = Rig::set_up(shop).await?;
    let acts: Vec<_> = Act::all().into_iter().filter(|act| act.story().round() == round).collect();
    let cells = acts.iter().flat_map(|act| Fault::all().map(move |fault| (*act, fault)));
    let (possible, impossible): (Vec<_>, Vec<_>) = cells.partition(|(act, fault)| fault.never_at(*act).is_none());
    for (act, fault) in impossible {
        table.never(act, fault, fault.never_at(act).unwrap_or_default());
    }
    let all = possible.len();
    let representatives = representatives();
    let every_case = every_case()?;
    let (possible, left_out): (Vec<_>, Vec<_>) =
        possible.into_iter().partition(|case| every_case || representatives.contains(case));
    print_left_out(&format!("fault grid, {round:?}"), left_out.len(), all);
    for (act, fault) in left_out {
        table.left_out(act, fault);
    }

    let told = cases(shop, &proxies, round, possible);
    let told = supervised(&mut worker, &proxies, told).await?;
    let shop: &Shop = shop;

    let mut wrong = Vec::new();
    let mut ended = Vec::new();
    for (act, fault, told) in told {
        match told {
            Ok(told) => {
                table.tried(act, fault, told.fired);
                ended.push((format!("{act} {fault}"), told));
            }
            Err(error) => wrong.push(format!("{act} {fault}: {error:#}")),
        }
    }
    wrong.extend(judged(shop, &ended).await.err().map(|error| format!("{error:#}")));
    ensure!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Tells these stories, many at once.
async fn cases(
    shop: &mut Exclusive,
    proxies: &Proxies,
    round: Round,
    possible: Vec<(Act, Fault)>,
) -> anyhow::Result<Vec<(Act, Fault, anyhow::Result<Told>)>> {
    // What is done about late money is as patient as usual.
    let late = if round == Round::Late { all(&possible, async |_, _| Late::of(shop).await).await } else { Vec::new() };
    if round == Round::Late {
        shop.restart_api(&[]).await?;
    }
    let shop: &Shop = shop;
    let case = |act, fault| Case::new(shop, proxies, act, fault);
    let begun: Vec<_> = match round {
        Round::Checkout | Round::Others | Round::Cards | Round::Hasty => {
            possible.into_iter().map(|(act, fault)| (act, fault, Ok(Begun::Nothing))).collect()
        }
        Round::Paused => {
            shop.pause_payments().await?;
            let held = all(&possible, async |act, fault| stories::held(case(act, fault)).await).await;
            shop.resume_payments(RATE).await?;
            held.into_iter().map(|(act, fault, held)| (act, fault, held.map(Box::new).map(Begun::Held))).collect()
        }
        Round::Late => late.into_iter().map(|(act, fault, late)| (act, fault, late.map(Begun::Late))).collect(),
    };
    let told = begun.into_iter().map(|(act, fault, begun)| async move {
        let told = async { case(act, fault).tell(begun?).await };
        (act, fault, told.await)
    });
    Ok(stream::iter(told).buffer_unordered(AT_ONCE).collect().await)
}

/// Starts the worker again should it end by itself, as whoever runs one has to: in a debug build, the SDK ends a worker that is
/// sent a workflow task again because the machine was too busy to go on with it in time.
async fn supervised<T>(
    worker: &mut Application,
    proxies: &Proxies,
    told: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::pin!(told);
    loop {
        tokio::select! {
            told = &mut told => return told,
            () = sleep(LOOK) => {
                if !worker.is_running() {
                    println!("the worker has ended, and is started again");
                    worker.start_with(&proxies.environment()).await?;
                }
            }
        }
    }
}

/// Does this for all cases, many at once.
async fn all<T>(
    cases: &[(Act, Fault)],
    begin: impl AsyncFn(Act, Fault) -> anyhow::Result<T>,
) -> Vec<(Act, Fault, anyhow::Result<T>)> {
    let begin = &begin;
    let begun = cases.iter().map(|(act, fault)| async move { (*act, *fault, begin(*act, *fault).await) });
    stream::iter(begun).buffer_unordered(AT_ONCE).collect().await
}

/// Has the oracle judge all orders; what it objects to is told by the name of the case.
async fn judged(shop: &Shop, ended: &[(String, Told)]) -> anyhow::Result<()> {
    let oracle = |may_repeat: bool| {
        let ended = ended.iter().filter(|(_, told)| told.mail_may_repeat == may_repeat);
        let oracle = ended
            .fold(shop.oracle(), |oracle, (_, told)| oracle.product(&told.product, told.received).orders(&told.orders));
        if may_repeat { oracle.mail_may_repeat() } else { oracle }
    };
    let mut names = BTreeMap::new();
    for (name, told) in ended {
        names.insert(told.product.to_string(), name);
        names.extend(told.orders.iter().map(|order| (order.to_string(), name)));
    }
    let mut objections = Vec::new();
    for may_repeat in [false, true] {
        if let Err(error) = oracle(may_repeat).check().await {
            let known = |line: &str| {
                let name = names.iter().find(|(id, _)| line.contains(id.as_str()));
                name.map_or_else(|| line.to_owned(), |(_, name)| format!("{name}: {}", line.trim()))
            };
            objections.extend(format!("{error:#}").lines().map(known));
        }
    }
    ensure!(objections.is_empty(), "{}", objections.join("\n"));
    Ok(())
}

/// Tells a round, and prints what was tried.
fn told(round: Round) -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut table = Table::default();
        let told = tell(shop, round, &mut table).await;
        println!("{table}");
        told?;
        table.assert_complete(round)
    })
}

#[test]
fn every_fault_of_every_step_and_undo_leaves_money_and_stock_right() -> anyhow::Result<()> {
    told(Round::Checkout)
}

#[test]
fn every_fault_beside_and_after_a_checkout_leaves_money_and_stock_right() -> anyhow::Result<()> {
    told(Round::Others)
}

#[test]
fn every_fault_around_another_card_leaves_money_and_stock_right() -> anyhow::Result<()> {
    told(Round::Cards)
}

#[test]
fn every_fault_of_closing_a_payment_leaves_money_and_stock_right() -> anyhow::Result<()> {
    told(Round::Hasty)
}

#[test]
fn every_fault_of_letting_held_orders_go_leaves_money_and_stock_right() -> anyhow::Result<()> {
    told(Round::Paused)
}

#[test]
fn every_fault_around_late_money_leaves_money_and_stock_right() -> anyhow::Result<()> {
    told(Round::Late)
}
