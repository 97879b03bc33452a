//! Which calls of a worker write into a history, and of which workflow.

use prost::Message as _;

/// What a worker says about a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// The workflow.
    pub(super) workflow: String,
    /// Whether the server writes the end of a workflow task or of an activity for it: what fails may be tried again, and
    /// then nothing is written.
    pub(super) is_written: bool,
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

/// What the server knows a task by, as far as it matters here.
#[derive(prost::Message)]
struct TaskToken {
    #[prost(string, tag = "2")]
    workflow_id: String,
}

impl Report {
    /// What a call reports, if it does. The body is one message behind five bytes that say how long it is.
    pub(super) fn of(path: &str, body: &[u8]) -> Option<Self> {
        let call = path.strip_prefix(SERVICE)?;
        let (_, is_written) = CALLS.into_iter().find(|(name, _)| *name == call)?;
        let message = Respond::decode(body.get(5..)?).expect("the worker sends what the server reads");
        let token = TaskToken::decode(message.task_token.as_slice()).expect("the server's own token");
        assert!(!token.workflow_id.is_empty(), "a token without a workflow");
        Some(Self { workflow: token.workflow_id, is_written })
    }
}
