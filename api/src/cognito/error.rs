//! What Cognito says when it does not do what it was asked to.

use aws_sdk_cognitoidentityprovider::config::http::HttpResponse;
use aws_sdk_cognitoidentityprovider::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::problem::Problem;

/// Why Cognito gave no answer that anybody expects. It never holds what Cognito says in its own words: addresses may be
/// quoted in there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CognitoError {
    /// No answer, or one that says to come back later.
    #[error("Cognito is unavailable: {0}")]
    Unavailable(String),
    /// A refusal that nobody expects, such as of an operation that the app client does not allow.
    #[error("Cognito refused the call with {0}")]
    Unexpected(String),
    /// An answer without something that has to be there.
    #[error("the answer of Cognito has no {0}")]
    Incomplete(&'static str),
}

impl From<CognitoError> for Problem {
    fn from(error: CognitoError) -> Self {
        match &error {
            CognitoError::Unavailable(_) => Self::unavailable("Cognito", &error),
            CognitoError::Unexpected(_) | CognitoError::Incomplete(_) => Self::internal(&error),
        }
    }
}

/// A call that did not succeed.
pub(super) enum Refusal {
    /// Cognito said no.
    Refused { code: String, message: String },
    /// Anything else.
    Failed(CognitoError),
}

impl Refusal {
    /// Whether Cognito said no for one of these reasons.
    pub(super) fn is(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused { code, .. } if codes.contains(&code.as_str()))
    }

    /// What a password lacks, in plain words.
    pub(super) fn password_policy(&self) -> String {
        let Self::Refused { message, .. } = self else { return String::new() };
        let reasons = message.strip_prefix("Password did not conform with policy: ").unwrap_or(message);
        reasons.to_owned()
    }
}

impl From<Refusal> for CognitoError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused { code, .. } => Self::Unexpected(code),
            Refusal::Failed(error) => error,
        }
    }
}

/// For `map_err` at every call.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes it by value")]
pub(super) fn refusal<E>(error: SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match &error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or("an unknown error").to_owned();
            let is_transient = answer.raw().status().as_u16() >= 500
                || ["TooManyRequestsException", "ThrottlingException"].contains(&code.as_str());
            if is_transient {
                return Refusal::Failed(CognitoError::Unavailable(code));
            }
            Refusal::Refused { code, message: answer.err().message().unwrap_or_default().to_owned() }
        }
        error => Refusal::Failed(CognitoError::Unavailable(DisplayErrorContext(error).to_string())),
    }
}
