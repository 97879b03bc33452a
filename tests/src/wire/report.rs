//! Which calls of a worker write into a history, and of which workflow.

use std::collections::BTreeSet;

use prost::Message as _;
use temporalio_common::protos::coresdk::external_data::LocalActivityMarkerData;
use temporalio_common::protos::temporal::api::command::v1::Command;
use temporalio_common::protos::temporal::api::command::v1::command::Attributes;

/// What a worker says about a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// The workflow.
    pub(super) workflow: String,
    /// Whether the server writes the end of a workflow task or of an activity for it: what fails may be tried again, and
    /// then nothing is written.
    pub(super) is_written: bool,
    /// The call, and what it has the server write: the kinds of commands and the activities, each once.
    pub(super) content: String,
}

/// The calls by which a worker reports, and whether they always write.
const CALLS: [(&str, bool); 5] = [
    ("RespondWorkflowTaskCompleted", true),
    ("RespondWorkflowTaskFailed", false),
    ("RespondActivityTaskCompleted", true),
    ("RespondActivityTaskFailed", false),
    ("RespondActivityTaskCanceled", false),
];

const SERVICE: &str = "/temporal.api.workflowservice.v1.WorkflowService/";

/// The field that all of them begin with.
#[derive(prost::Message)]
struct Respond {
    #[prost(bytes = "vec", tag = "1")]
    task_token: Vec<u8>,
}

/// The commands of `RespondWorkflowTaskCompleted`.
#[derive(prost::Message)]
struct Commands {
    #[prost(message, repeated, tag = "2")]
    commands: Vec<Command>,
}

/// What the server knows a task by, as far as it matters here.
#[derive(prost::Message)]
struct TaskToken {
    #[prost(string, tag = "2")]
    workflow_id: String,
    /// Empty for a workflow task.
    #[prost(string, tag = "8")]
    activity_type: String,
}

impl Report {
    /// What a call reports, if it does. The body is one message behind five bytes that say how long it is.
    pub(super) fn of(path: &str, body: &[u8]) -> Option<Self> {
        let call = path.strip_prefix(SERVICE)?;
        let (_, is_written) = CALLS.into_iter().find(|(name, _)| *name == call)?;
        let message = Respond::decode(body.get(5..)?).expect("the worker sends what the server reads");
        let token = TaskToken::decode(message.task_token.as_slice()).expect("the server's own token");
        assert!(!token.workflow_id.is_empty(), "a token without a workflow");
        let mut content = format!("{call} {}", token.activity_type);
        if call == "RespondWorkflowTaskCompleted" {
            let commands = Commands::decode(body.get(5..)?).expect("the worker sends what the server reads").commands;
            let kinds: BTreeSet<_> = commands.iter().map(kind).collect();
            content.extend(kinds);
        }
        Some(Self { workflow: token.workflow_id, is_written, content })
    }
}

/// The kind of a command, and the activity that it is about.
fn kind(command: &Command) -> String {
    let activity = match command.attributes.as_ref() {
        Some(Attributes::ScheduleActivityTaskCommandAttributes(scheduled)) => {
            scheduled.activity_type.as_ref().map(|kind| kind.name.clone())
        }
        Some(Attributes::RecordMarkerCommandAttributes(marker)) => marker.details.get("data").and_then(|data| {
            let data: LocalActivityMarkerData = serde_json::from_slice(&data.payloads.first()?.data).ok()?;
            Some(data.activity_type)
        }),
        _ => None,
    };
    format!("{} {}; ", command.command_type().as_str_name(), activity.unwrap_or_default())
}
