//! The one place that decides what the engine tries again.

use std::error::Error;

use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

/// An error of an activity that knows whether another attempt can help.
///
/// Its `Display`, and that of its sources, is recorded in the workflow's history and shown in the web UI in clear
/// text: no personal data, no card data, no secrets.
pub(crate) trait Classified: Error {
    /// A stable name for the kind of error.
    fn kind(&self) -> &'static str;

    /// Whether another attempt can help.
    fn is_retryable(&self) -> bool;
}

/// Tells the engine what went wrong and whether to try again.
///
/// There is deliberately no `From`: with one, a `?` somewhere deep would make a decision that is to be made here.
pub(crate) fn activity_error(error: &impl Classified) -> ActivityError {
    let failure = ApplicationFailure::builder(chain(error))
        .type_name(error.kind().to_owned())
        .non_retryable(!error.is_retryable())
        .build();
    ActivityError::application(failure)
}

/// The error and all its sources in one line: a history keeps only one message.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn the_whole_chain_is_told() {
        assert_eq!(chain(&Outer(Inner)), "outer: inner");
    }
}
