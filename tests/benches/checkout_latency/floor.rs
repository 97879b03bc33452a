//! The least that the engine takes: a workflow and activities that do nothing, in a worker of their own.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use kassa_tests::Shop;
use temporalio_client::{WorkflowIdConflictPolicy, WorkflowUpdateWithStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use temporalio_workflow::{
    ActivityOptions, LocalActivityOptions, WaitConditionOptions, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowResult,
};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::measure::{Answered, timed};

/// As many as a checkout has before its answer: place, reserve, charge, deduct and confirm.
pub(crate) const LOCAL_ACTIVITIES: u32 = 5;

const TASK_QUEUE: &str = "floor";

/// Longer than doing nothing takes.
const ATTEMPT: Duration = Duration::from_secs(20);

/// Does nothing.
pub struct Nothing;

#[activities]
impl Nothing {
    #[activity(name = "nothing")]
    #[expect(clippy::unused_async, reason = "activities are asynchronous")]
    pub async fn nothing(_ctx: ActivityContext) -> Result<(), ActivityError> {
        Ok(())
    }
}

/// Answers after activities that do nothing.
#[workflow]
pub struct EmptyWorkflow {
    activities: (u32, u32),
    answered: bool,
}

#[workflow_methods]
impl EmptyWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, activities: (u32, u32)) -> Self {
        Self { activities, answered: false }
    }

    #[run(name = "empty")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let (local, regular) = ctx.state(|s| s.activities);
        let options = LocalActivityOptions::builder().start_to_close_timeout(ATTEMPT).build();
        for _ in 0..local {
            ctx.execute_local_activity(Nothing::nothing, (), options.clone()).await?;
        }
        for _ in 0..regular {
            ctx.execute_activity(Nothing::nothing, (), ActivityOptions::start_to_close_timeout(ATTEMPT)).await?;
        }
        ctx.state_mut(|s| s.answered = true);
        let handlers = ctx.clone();
        let _detached = ctx.wait_condition_with_options(move |_| handlers.all_handlers_finished(), detached()).await;
        Ok(())
    }

    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> bool {
        let _detached = ctx.wait_condition_with_options(|s| s.answered, detached()).await;
        true
    }
}

fn detached() -> WaitConditionOptions {
    WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build()
}

/// A worker for the empty workflow.
pub(crate) struct Floor {
    shut_down: Box<dyn Fn() + Send>,
    working: thread::JoinHandle<anyhow::Result<()>>,
}

impl Floor {
    /// Starts the worker.
    pub(crate) fn start(shop: &Shop) -> anyhow::Result<Self> {
        let runtime = Runtime::from_current_tokio(RuntimeOptions::default())?;
        let options =
            WorkerOptions::new(TASK_QUEUE).register_activities(Nothing).register_workflow::<EmptyWorkflow>()?.build();
        let mut worker = Worker::new(&runtime, shop.temporal.clone(), options).map_err(|error| anyhow!("{error}"))?;
        let shut_down = Box::new(worker.shutdown_handle());
        let handle = Handle::current();
        // A worker cannot move between threads.
        let working = thread::spawn(move || {
            // The runtime goes when nobody needs it any more.
            let _runtime = runtime;
            handle.block_on(worker.run()).map_err(|error| anyhow!("{error}"))
        });
        Ok(Self { shut_down, working })
    }

    /// Starts an empty workflow with this many activities and waits for its answer.
    pub(crate) async fn answer(shop: &Shop, local: u32, regular: u32) -> anyhow::Result<Answered> {
        let id = format!("floor-{}", Uuid::new_v4());
        let options =
            WorkflowUpdateWithStartOptions::new(TASK_QUEUE, id.clone(), WorkflowIdConflictPolicy::UseExisting).build();
        let answer = shop.temporal.execute_update_with_start_workflow(
            EmptyWorkflow::run,
            (local, regular),
            EmptyWorkflow::answer,
            (),
            options,
        );
        let (_, time) = timed(async { answer.await.map_err(|error| anyhow!("{error}")) }).await?;
        Ok(Answered { time, workflow: id })
    }

    /// Stops the worker.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        (self.shut_down)();
        let working = self.working;
        tokio::task::spawn_blocking(move || working.join())
            .await?
            .map_err(|_| anyhow!("the worker of the floor panicked"))?
            .context("the worker of the floor")
    }
}
