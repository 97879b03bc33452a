//! A worker is killed at every event of every recorded way through a workflow.
//!
//! All that a worker writes into a history comes with its reports: the end of a workflow task with everything that was decided
//! in it, or the end of an activity. Each of them is stopped once before the server has seen it, and once after the server has
//! written it; what the server writes by itself, when it hands out a task or a timer fires, lies between two of those. How many
//! there are is counted on a run without a kill, so a way that grows gets more cases by itself.
//!
//! Reports of the same type of workflow with the same commands and activities form a class. The everyday check kills at one
//! report of each class.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_devstack::stack::Application;
use kassa_store::notifications::{Filter, MAX_PAGE, Status};
use kassa_store::payment_valve::MAX_RATE;
use kassa_tests::cases::{every_case, print_left_out};
use kassa_tests::paths::Settings;
use kassa_tests::proxy::{Call, Failure, Kind, Moment, Proxies, Refusal};
use kassa_tests::reconciliation::at_once;
use kassa_tests::wait::eventually_within;
use kassa_tests::wire::Wire;
use kassa_tests::{Path, Shop, Way, eventually, on_exclusive_shop, on_own_shop};
use kassa_workflows::search_attributes::{HELD, ORDER_STATE};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use tokio::sync::watch;

use crate::effects::confirmation;
use crate::rig::Rig;

/// How much is prepared and looked at at the same time.
const AT_ONCE: usize = 8;

/// Every way that is stopped holds one of the hundred places of a Worker.
const WORKERS: (&str, &str) = ("KASSA_WORKERS", "3");

/// How long it may take until every way is where its worker dies, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(5);

/// Where a worker is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Case {
    path: Path,
    /// At which report, counted from one.
    nth: usize,
    moment: Moment,
}

/// A way that has come to where its worker dies, or to its end without having come by there.
#[derive(Debug, Clone)]
struct Come {
    case: Case,
    is_stopped: bool,
    workflow: String,
    /// Whose messages it sends.
    messages: Option<Filter>,
}

/// Where all ways are gone.
#[derive(Clone, Copy)]
struct Scene<'shop> {
    shop: &'shop Shop,
    proxies: &'shop Proxies,
    wire: &'shop Wire,
    settings: Settings,
}

impl<'shop> Scene<'shop> {
    async fn prepare(&self, path: Path) -> anyhow::Result<Way<'shop>> {
        let way = Way::prepare(self.shop, path).await.with_context(|| format!("{path:?} cannot be prepared"))?;
        let Some(order) = way.order() else { return Ok(way) };
        let confirms = confirmation().and(order.as_str());
        match path {
            Path::Compensated => {
                self.proxies.rds_data.refuse(confirms, Refusal::constraint_violation());
                Ok(way)
            }
            Path::ParkedRetried | Path::Aborted => {
                // The client does not repeat a conflict by itself, so the attempts come as far as their durable back-off.
                let away = Failure::new(Moment::BeforeEffect, Kind::Conflict).times(usize::MAX);
                let failing = self.proxies.rds_data.fail(confirms, away);
                Ok(way.mended_by(move || failing.lift()))
            }
            _ => Ok(way),
        }
    }

    /// Goes every way once without a kill, and returns the cases to try.
    async fn count(&self) -> anyhow::Result<Vec<Case>> {
        let paths = self.settings.paths();
        let ways: Vec<_> = stream::iter(paths).map(|path| self.prepare(path)).buffered(AT_ONCE).try_collect().await?;
        let orders: Vec<_> = ways.iter().filter_map(|way| Some((way.order()?, way.workflow().to_owned()))).collect();
        let gone = try_join_all(ways.iter().map(Way::go));
        let resumed = self.resume_when(async || {
            for (_, workflow) in &orders {
                ensure!(self.is_held(workflow).await?, "{workflow} is not held");
            }
            Ok(())
        });
        tokio::try_join!(gone, resumed)?;
        let (every_case, mut classes, mut all) = (every_case()?, BTreeSet::new(), 0);
        let mut cases = Vec::new();
        for way in &ways {
            way.judge().await.with_context(|| format!("{:?} without a kill", way.path()))?;
            self.assert_written(way.workflow()).await?;
            let reports = self.wire.reports(way.workflow());
            ensure!(!reports.is_empty(), "nobody has reported on {}", way.workflow());
            let workflow = self.shop.describe_workflow(way.workflow()).await?.context("there is no workflow")?;
            for (nth, content) in (1..).zip(reports) {
                let both = [Moment::BeforeEffect, Moment::AfterEffect];
                all += both.len();
                if classes.insert((workflow.workflow_type().to_owned(), content)) || every_case {
                    cases.extend(both.map(|moment| Case { path: way.path(), nth, moment }));
                }
            }
        }
        print_left_out(&format!("kills at every event, {:?}", self.settings), all - cases.len(), all);
        Ok(cases)
    }

    /// Resumes payments as soon as everything that shall be held is, if they are paused for that.
    async fn resume_when(&self, held: impl AsyncFnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
        if self.settings != Settings::Paused {
            return Ok(());
        }
        eventually_within(PATIENCE, "every order is held", held).await?;
        self.shop.resume_payments(MAX_RATE).await
    }

    async fn is_held(&self, workflow: &str) -> anyhow::Result<bool> {
        let workflow = self.shop.describe_workflow(workflow).await?;
        let state = workflow.and_then(|workflow| workflow.search_attributes().get(&ORDER_STATE));
        Ok(state.as_deref() == Some(HELD))
    }

    /// Goes a way until it is where its worker dies, tells so, and goes on once another one is there.
    async fn run(&self, case: Case, way: &Way<'shop>, come: &watch::Sender<Vec<Come>>) -> anyhow::Result<()> {
        let mut stop = self.wire.stop_at(way.workflow(), case.nth, case.moment);
        let going = way.go();
        tokio::pin!(going);
        let has_ended = tokio::select! {
            is_caught = stop.caught() => { is_caught?; false }
            gone = &mut going => { gone?; true }
        };
        // What people and timers do at the same time may share a workflow task, or not. A way without this report has none
        // after it either, and all before it are other cases. The last report ends the way, and that may be noticed first.
        let is_stopped = !has_ended || self.wire.reports(way.workflow()).len() >= case.nth;
        if is_stopped {
            stop.caught().await?;
        }
        let addressee = way.addressee().map(|to| Filter::User(to.user.clone()));
        let messages = way.order().map(Filter::Order).or(addressee);
        let workflow = way.workflow().to_owned();
        come.send_modify(|all| all.push(Come { case, is_stopped, workflow, messages }));
        if has_ended { Ok(()) } else { going.await }
    }

    /// Waits until all ways are where they shall be, and kills the worker once.
    async fn kill(
        &self,
        worker: &mut Application,
        environment: &[(String, String)],
        (cases, prepared): (&[Case], &[Way<'_>]),
        come: &watch::Sender<Vec<Come>>,
    ) -> anyhow::Result<Vec<Come>> {
        self.resume_when(async || {
            let come: Vec<_> = come.borrow().iter().map(|come| come.workflow.clone()).collect();
            for way in prepared.iter().filter(|way| !come.iter().any(|come| come == way.workflow())) {
                ensure!(self.is_held(way.workflow()).await?, "{} is neither held nor stopped", way.workflow());
            }
            Ok(())
        })
        .await?;
        eventually_within(PATIENCE, "all are where their worker dies", async || {
            let come: Vec<_> = come.borrow().iter().map(|come| come.case).collect();
            let missing: Vec<_> = cases.iter().filter(|case| !come.contains(case)).collect();
            ensure!(missing.is_empty(), "{} of {} are not: {missing:?}", missing.len(), cases.len());
            Ok(())
        })
        .await?;
        let come = come.borrow().clone();

        // Mails that have not left yet go down with the worker, and those that have are known to have: so none is sent twice.
        let mails = self.proxies.aws.hold(Call::with("POST /v2/email/outbound-emails"), Moment::BeforeEffect);
        eventually("no mail is under way", async || {
            let sending = stream::iter(&come).map(|come| self.sending(come)).buffered(AT_ONCE);
            let sending: usize = sending.try_fold(0, async |sum, more| Ok(sum + more)).await?;
            ensure!(sending <= mails.count(), "{sending} are being sent, and {} are held", mails.count());
            Ok(())
        })
        .await?;
        let written = stream::iter(&come).map(|come| self.assert_written(&come.workflow)).buffered(AT_ONCE);
        let _: Vec<()> = written.try_collect().await?;

        worker.kill().await?;
        mails.discard();
        self.wire.release();
        worker.start_with(environment).await?;
        Ok(come)
    }

    /// How many messages are being sent.
    async fn sending(&self, come: &Come) -> anyhow::Result<usize> {
        let Some(filter) = &come.messages else { return Ok(0) };
        let records = self.shop.notifications.list(filter, MAX_PAGE, None).await?.notifications;
        Ok(records.iter().filter(|record| record.status == Status::Sending).count())
    }

    /// Checks that each end of a workflow task or an activity in a history came with a report over this wire, and that the
    /// history has each of those: so a worker that dies at every report dies at everything that workers write.
    async fn assert_written(&self, workflow: &str) -> anyhow::Result<()> {
        let history = self.shop.raw_history_of(workflow).await?;
        let kinds: Vec<_> = history.iter().map(HistoryEvent::event_type).collect();
        let ends = [EventType::WorkflowTaskCompleted, EventType::ActivityTaskCompleted];
        let found = kinds.iter().filter(|kind| ends.contains(kind)).count();
        let written = self.wire.written(workflow);
        // While a workflow task is being worked on, the end of an activity waits for it outside the history.
        let worked_on = [EventType::WorkflowTaskStarted, EventType::WorkflowTaskTimedOut];
        let some_wait = kinds.last().is_some_and(|last| worked_on.contains(last)) && found < written;
        ensure!(
            found == written || some_wait,
            "{workflow}: {written} reports were written, and the history is {kinds:?}"
        );
        Ok(())
    }
}

async fn killed_at_every_event_with(settings: Settings, shop: &mut Shop) -> anyhow::Result<()> {
    let wire = Wire::start(shop.stack.temporal.address()).await?;
    let further = [wire.environment(), (WORKERS.0.to_owned(), WORKERS.1.to_owned())];
    let mut rig = Rig::set_up_with(shop, further.into()).await?;
    let shop: &Shop = shop;
    let environment = rig.environment();
    let Rig { proxies, worker, .. } = &mut rig;
    let scene = Scene { shop, proxies, wire: &wire, settings };
    let is_paused = [Settings::Paused, Settings::PausedForLong].contains(&settings);
    if is_paused {
        shop.pause_payments().await?;
    }

    let cases = scene.count().await?;
    if settings == Settings::Paused {
        shop.pause_payments().await?;
    }
    let ways = stream::iter(cases.iter()).map(|case| scene.prepare(case.path)).buffered(AT_ONCE);
    let ways: Vec<Way<'_>> = ways.try_collect().await?;
    let (come, _) = watch::channel(Vec::new());
    let gone = try_join_all(cases.iter().zip(&ways).map(async |(case, way)| {
        scene.run(*case, way, &come).await.with_context(|| format!("{case:?} ({})", way.workflow()))
    }));
    let (_, come) = tokio::try_join!(gone, scene.kill(worker, &environment, (&cases, &ways), &come))?;

    if is_paused {
        shop.resume_payments(MAX_RATE).await?;
    }
    let judged = stream::iter(cases.iter().zip(&ways))
        .map(async |(case, way)| way.judge().await.map_err(|error| format!("{case:?} ({}): {error:#}", way.workflow())))
        .buffered(AT_ONCE);
    let wrong: Vec<String> = judged.filter_map(async |judged| judged.err()).collect().await;
    ensure!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let mut killed: BTreeMap<Path, usize> = BTreeMap::new();
    for come in come.iter().filter(|come| come.is_stopped) {
        *killed.entry(come.case.path).or_default() += 1;
    }
    let stopped: usize = killed.values().sum();
    println!("killed at {stopped} of {} moments: {killed:?}", cases.len());
    ensure!(stopped * 4 >= cases.len() * 3, "so many ways were shorter that little was shown");
    let to_kill: BTreeSet<_> = cases.iter().map(|case| case.path).collect();
    ensure!(to_kill.iter().all(|path| killed.contains_key(path)), "a way was not killed at all: {killed:?}");
    Ok(())
}

fn killed_at_every_event(settings: Settings) -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&settings.environment()).await?;
        killed_at_every_event_with(settings, shop).await
    })
}

#[test]
fn a_worker_killed_at_any_event_finishes_what_customers_and_staff_do() -> anyhow::Result<()> {
    killed_at_every_event(Settings::Usual)
}

#[test]
fn a_worker_killed_at_any_event_finishes_what_nobody_pays_in_time() -> anyhow::Result<()> {
    killed_at_every_event(Settings::ShortHold)
}

#[test]
fn a_worker_killed_at_any_event_finishes_what_was_held() -> anyhow::Result<()> {
    killed_at_every_event(Settings::Paused)
}

#[test]
fn a_worker_killed_at_any_event_finishes_what_was_held_too_long() -> anyhow::Result<()> {
    killed_at_every_event(Settings::PausedForLong)
}

#[test]
fn a_worker_killed_at_any_event_finishes_what_is_paid_with_another_card() -> anyhow::Result<()> {
    killed_at_every_event(Settings::Cards)
}

#[test]
fn a_worker_killed_at_any_event_finishes_what_an_operator_decides() -> anyhow::Result<()> {
    killed_at_every_event(Settings::Impatient)
}

/// On a shop of its own, because every one of many comparisons reads all that was ever done in it.
#[test]
fn a_worker_killed_at_any_event_finishes_what_compares() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        shop.charge_by_hand(700, None).await?;
        shop.reconcile_payments(1).await?;
        shop.reconcile(at_once()).await?;
        killed_at_every_event_with(Settings::Alone, shop).await
    })
}
