//! How a running workflow is changed: here one more step, a pause before a message is sent. Guarded by `patched`, messages
//! in flight go on as they began, and new ones pause.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use kassa_domain::Fingerprint;
use kassa_tests::messages::Addressee;
use kassa_tests::{Path, Shop};
use kassa_workflows::TASK_QUEUE;
use kassa_workflows::checkout::Policy;
use kassa_workflows::contracts::notifications::{Notice, Notifications};
use kassa_workflows::notification::{Accepted, Notification, NotificationInput, workflow_id};
use temporalio_client::{WorkflowHistory, WorkflowStartOptions};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::workflow_replayer::{
    WorkflowReplayError, WorkflowReplayFailure, WorkflowReplayer, WorkflowReplayerOptions,
};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use temporalio_workflow::{ActivityOptions, WorkflowContext, WorkflowContextView, WorkflowResult};
use tokio::runtime::Handle;

use crate::histories::load;

/// Where the changed workflow runs, beside the one that is shipped.
const QUEUE: &str = "changed-messages";

const PAUSE: Duration = Duration::from_millis(100);

/// Sends, as the shipped workflow does.
fn sending() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30)).task_queue(TASK_QUEUE.to_owned()).build()
}

/// The change without a thought for messages in flight.
#[workflow]
pub struct Unguarded {
    input: NotificationInput,
}

#[workflow_methods]
impl Unguarded {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: NotificationInput) -> Self {
        Self { input }
    }

    #[run(name = "notification")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let notice = ctx.state(|s| s.input.notice.clone());
        let _paused = ctx.timer(PAUSE).await;
        ctx.execute_activity(Notifications::send, notice, sending()).await?;
        Ok(())
    }
}

/// The same change with its guard.
#[workflow]
pub struct Guarded {
    input: NotificationInput,
}

#[workflow_methods]
impl Guarded {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: NotificationInput) -> Self {
        Self { input }
    }

    #[run(name = "notification")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let notice = ctx.state(|s| s.input.notice.clone());
        if ctx.patched("pause-before-sending") {
            let _paused = ctx.timer(PAUSE).await;
        }
        ctx.execute_activity(Notifications::send, notice, sending()).await?;
        Ok(())
    }
}

async fn replay(options: WorkflowReplayerOptions, history: &[u8]) -> anyhow::Result<Result<(), WorkflowReplayError>> {
    let history = WorkflowHistory::from_json(history).context("reading a history")?;
    Ok(WorkflowReplayer::new(options)?.replay_workflow(history).await)
}

fn guarded() -> anyhow::Result<WorkflowReplayerOptions> {
    Ok(WorkflowReplayerOptions::new().register_workflow::<Guarded>()?.build())
}

fn ensure_refused(replayed: Result<(), WorkflowReplayError>) -> anyhow::Result<()> {
    match replayed {
        Err(WorkflowReplayError::Replay(WorkflowReplayFailure::Nondeterminism { .. })) => Ok(()),
        other => bail!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_in_flight_goes_on_as_it_began_only_if_the_change_is_guarded() -> anyhow::Result<()> {
    let old = load(Path::Sent).await?;
    let unguarded = WorkflowReplayerOptions::new().register_workflow::<Unguarded>()?.build();
    ensure_refused(replay(unguarded, &old).await?)?;
    replay(guarded()?, &old).await?.context("the guarded change replays what was before it")
}

#[tokio::test]
async fn a_new_message_takes_the_new_path_and_replays_on_it() -> anyhow::Result<()> {
    let shop = Shop::own().await?;
    let (shut_down, working) = work(&shop)?;
    let to = Addressee::new();
    let notice = Notice::welcome(&to.user, to.email);
    let id = workflow_id(&notice.message_id);
    let request = Accepted { request_id: id.clone(), fingerprint: Fingerprint::of("changed") };
    let input = NotificationInput { notice, request, policy: Policy::default() };
    let start =
        shop.temporal.start_workflow(Guarded::run, input, WorkflowStartOptions::new(QUEUE, id.as_str()).build());
    start.await.context("starting a workflow")?;
    shop.completed(&id).await?;

    let new = shop.history_json(&id).await?;
    ensure!(String::from_utf8_lossy(&new).contains("TimerFired"), "it has not paused");
    replay(guarded()?, &new).await?.context("the guarded change replays what it did")?;
    let shipped = WorkflowReplayerOptions::new().register_workflow::<Notification>()?.build();
    ensure_refused(replay(shipped, &new).await?).context("there is no way back to the code before")?;
    shut_down();
    tokio::task::spawn_blocking(move || working.join()).await?.map_err(|_| anyhow!("the worker panicked"))??;
    shop.stop().await
}

/// A worker for the changed workflow; messages themselves are sent by the worker of the shop.
fn work(shop: &Shop) -> anyhow::Result<(impl Fn() + use<>, thread::JoinHandle<anyhow::Result<()>>)> {
    let runtime = Runtime::from_current_tokio(RuntimeOptions::default())?;
    let options = WorkerOptions::new(QUEUE).register_workflow::<Guarded>()?.build();
    let mut worker = Worker::new(&runtime, shop.temporal.clone(), options).map_err(|error| anyhow!("{error}"))?;
    let shut_down = worker.shutdown_handle();
    let handle = Handle::current();
    // A worker cannot move between threads.
    let working = thread::spawn(move || {
        // The runtime goes when nobody needs it any more.
        let _runtime = runtime;
        handle.block_on(worker.run()).map_err(|error| anyhow!("{error}"))
    });
    Ok((shut_down, working))
}
