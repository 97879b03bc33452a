//! Which calls are repeated.

use aws_sdk_cognitoidentityprovider::config::interceptors::InterceptorContext;
use aws_sdk_cognitoidentityprovider::config::retry::{ClassifyRetry, RetryAction};

/// Keeps the SDK from repeating what Cognito has refused. It would repeat some refusals which only an account can bring
/// about, such as that too many codes were asked for, and the time that takes would tell that there is one.
#[derive(Debug)]
pub(super) struct RefusalsAreFinal;

impl ClassifyRetry for RefusalsAreFinal {
    fn classify_retry(&self, call: &InterceptorContext) -> RetryAction {
        let refused = call.response().is_some_and(|response| response.status().is_client_error());
        if refused { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "refusals are final"
    }
}
