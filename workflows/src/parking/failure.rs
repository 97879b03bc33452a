//! What the engine reports about a step that did not succeed.

use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_workflow::ActivityExecutionError;

/// Why a step did not succeed.
pub(crate) enum Failure {
    /// Trying again would not help: the outside system says no for good, or the workflow was cancelled.
    Permanent(String),
    /// It might help, but patience has run out.
    Exhausted(String),
}

impl From<ActivityExecutionError> for Failure {
    fn from(error: ActivityExecutionError) -> Self {
        let ActivityExecutionError::Failed(failed) = &error else { return Self::Permanent(error.to_string()) };
        let reported = failed.failure();
        // What a regular activity said is the cause of what the engine reports; a local activity's own words are
        // reported as they are. Only the cause that the SDK has made of it has words to read: messages are encrypted,
        // and within what is reported they still are.
        let own = match (&reported.failure_info, failed.cause()) {
            (Some(FailureInfo::ActivityFailureInfo(_)), Some(cause)) => cause.failure(),
            _ => reported,
        };
        match &own.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info)) if info.non_retryable => {
                Self::Permanent(own.message.clone())
            }
            _ => Self::Exhausted(own.message.clone()),
        }
    }
}

impl Failure {
    pub(crate) fn into_message(self) -> String {
        match self {
            Self::Permanent(message) | Self::Exhausted(message) => message,
        }
    }
}
