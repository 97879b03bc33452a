//! What a workflow costs.

use std::collections::BTreeSet;

use temporalio_common::protos::constants::LOCAL_ACTIVITY_MARKER_NAME;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

/// The billable actions that a history shows, by the rules that Temporal publishes for its cloud
/// (<https://docs.temporal.io/cloud/actions>):
///
/// - starting a workflow is one, and so is every update, signal, timer and child workflow;
/// - so is every upsert of search attributes, but not those that the workflow is started with;
/// - every start of an activity is one, and so is each retry;
/// - all local activities of one workflow task are one together.
///
/// Queries are billed, too, but leave no event; the checkout uses none.
pub fn billable_actions(history: &[HistoryEvent]) -> u32 {
    let mut actions = 0;
    let mut tasks_with_local_activities = BTreeSet::new();
    for attributes in history.iter().filter_map(|event| event.attributes.as_ref()) {
        actions += match attributes {
            Attributes::WorkflowExecutionStartedEventAttributes(_)
            | Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(_)
            | Attributes::WorkflowExecutionSignaledEventAttributes(_)
            | Attributes::TimerStartedEventAttributes(_)
            | Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(_)
            | Attributes::UpsertWorkflowSearchAttributesEventAttributes(_) => 1,
            // Written once the activity ends, with the number of its last attempt.
            Attributes::ActivityTaskStartedEventAttributes(started) => {
                u32::try_from(started.attempt).unwrap_or(1).max(1)
            }
            Attributes::MarkerRecordedEventAttributes(marker) if marker.marker_name == LOCAL_ACTIVITY_MARKER_NAME => {
                u32::from(tasks_with_local_activities.insert(marker.workflow_task_completed_event_id))
            }
            _ => 0,
        };
    }
    actions
}
