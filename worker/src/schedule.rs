//! The schedule that compares everything, again and again.

use std::time::Duration;

use kassa_workflows::reconciliation::{Reconcile, ReconciliationInput, SCHEDULE_ID};
use temporalio_client::Client;
use temporalio_client::schedules::{
    CreateScheduleOptions, DeleteScheduleOptions, ScheduleAction, ScheduleError, ScheduleOverlapPolicy, ScheduleSpec,
};
use temporalio_client::tonic::Code;
use tokio::time::sleep;

use crate::ReconciliationConfig;

/// The first and the longest pause before it is tried again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Sees to it that there is a schedule as it is configured, or none, however often Temporal has to be asked. Every worker
/// does so when it starts: the last one configured is the one that counts.
pub(crate) async fn establish(client: Client, task_queue: String, config: ReconciliationConfig) {
    let mut pause = PAUSE.0;
    while let Err(error) = establish_once(&client, &task_queue, &config).await {
        tracing::warn!(%error, "the schedule of the reconciliation cannot be set up, trying again");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

async fn establish_once(client: &Client, task_queue: &str, config: &ReconciliationConfig) -> Result<(), ScheduleError> {
    let handle = client.get_schedule_handle(SCHEDULE_ID);
    let Some(every) = config.interval else {
        return match handle.delete(DeleteScheduleOptions::default()).await {
            Err(ScheduleError::Rpc(status)) if status.code() == Code::NotFound => Ok(()),
            deleted => deleted,
        };
    };
    let input = ReconciliationInput { since: None, policy: config.policy.clone(), progress: None };
    let action = ScheduleAction::start_workflow(Reconcile::run, input, task_queue, SCHEDULE_ID);
    let spec = ScheduleSpec::from_interval(every);
    let create = CreateScheduleOptions::builder()
        .action(action.clone())
        .spec(spec.clone())
        .overlap_policy(ScheduleOverlapPolicy::Skip)
        .build();
    match client.create_schedule(SCHEDULE_ID, create).await {
        Ok(_) => {
            tracing::info!(every_ms = every.as_millis(), "the reconciliation is scheduled");
            Ok(())
        }
        Err(ScheduleError::Rpc(status)) if status.code() == Code::AlreadyExists => {
            let change = move |schedule: &mut temporalio_client::schedules::ScheduleUpdate| {
                schedule.set_action(action).set_spec(spec).set_overlap_policy(ScheduleOverlapPolicy::Skip);
            };
            handle.update(change, temporalio_client::RpcOptions::default()).await
        }
        Err(error) => Err(error),
    }
}
