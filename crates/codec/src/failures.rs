//! What becomes of the words of failures.

use serde_json::Value;
use temporalio_common::data_converters::{
    DefaultFailureConverter, FailureConverter, PayloadConversionError, PayloadConverter, SerializationContextData,
};
use temporalio_common::error::{IncomingError, OutgoingError, OutgoingWorkflowError};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::failure::v1::Failure;

/// Turns messages and stack traces into payloads, which are sealed like any other, but for what a workflow itself says.
///
/// Those are the reasons for which it refuses an operator's decision. They are ours, hold nothing that anybody has sent, and
/// the web UI, where operators read them, opens what is in a history, but not what it is answered.
pub(crate) struct SealedFailures;

const SEALED: DefaultFailureConverter = DefaultFailureConverter::new(true);
const CLEAR: DefaultFailureConverter = DefaultFailureConverter::new(false);

impl FailureConverter for SealedFailures {
    fn to_failure(
        &self,
        error: OutgoingError,
        payload_converter: &PayloadConverter,
        context: &SerializationContextData,
    ) -> Failure {
        let converter = match &error {
            OutgoingError::Workflow(OutgoingWorkflowError::Application(own)) if own.cause().is_none() => CLEAR,
            _ => SEALED,
        };
        converter.to_failure(error, payload_converter, context)
    }

    fn to_error(
        &self,
        failure: Failure,
        payload_converter: &PayloadConverter,
        context: &SerializationContextData,
    ) -> Result<IncomingError, PayloadConversionError> {
        SEALED.to_error(failure, payload_converter, context)
    }
}

/// The message in the payload that it was made into.
pub(crate) fn message(opened: &Payload) -> Option<String> {
    let words: Value = serde_json::from_slice(&opened.data).ok()?;
    words["message"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use temporalio_common::error::{ApplicationFailure, OutgoingActivityError};

    use super::*;

    fn failure(error: impl Into<OutgoingError>) -> Failure {
        SealedFailures.to_failure(error.into(), &PayloadConverter::default(), &SerializationContextData::None)
    }

    fn saying(text: &str) -> Box<ApplicationFailure> {
        Box::new(ApplicationFailure::new(text.to_owned()))
    }

    #[test]
    fn what_an_activity_says_becomes_a_payload_and_comes_back() {
        let sealed = failure(OutgoingActivityError::Application(saying("anna@example.com is not verified")));
        assert!(!sealed.message.contains("anna") && sealed.encoded_attributes.is_some(), "{sealed:?}");
        let words = sealed.encoded_attributes.as_ref().and_then(message);
        assert_eq!(words.as_deref(), Some("anna@example.com is not verified"));
        let back = SealedFailures.to_error(sealed, &PayloadConverter::default(), &SerializationContextData::None);
        assert_eq!(back.expect("readable").failure().message, "anna@example.com is not verified");
    }

    #[test]
    fn a_refusal_of_a_workflow_is_readable() {
        let refusal = failure(OutgoingWorkflowError::Application(saying("no step of this order waits")));
        assert_eq!((refusal.message.as_str(), refusal.encoded_attributes), ("no step of this order waits", None));
    }
}
