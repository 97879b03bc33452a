//! Messages that no other workflow sends: starting the one that does.

use kassa_domain::Fingerprint;
use kassa_workflows::contracts::notifications::Notice;
use kassa_workflows::notification::{ACCEPTED_UPDATE_ID, Accepted, Notification, NotificationInput, workflow_id};
use kassa_workflows::search_attributes::CUSTOMER_ID;

use crate::workflows::{Start, WorkflowError, Workflows};

/// Starts the workflows that send messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Messages<'a>(pub(crate) &'a Workflows);

impl Messages<'_> {
    /// Sees to it that a message is sent, once, and tells which request it goes back to.
    pub(crate) async fn send(self, notice: Notice, request: Accepted) -> Result<Accepted, WorkflowError> {
        let start = Start {
            workflow_id: workflow_id(&notice.message_id),
            update_id: ACCEPTED_UPDATE_ID.to_owned(),
            summary: format!("Message `{}`", notice.message.template()),
            details: None,
            search_attributes: vec![CUSTOMER_ID.value_set(notice.caller.as_str().to_owned())],
        };
        let input = NotificationInput { notice, request, policy: self.0.config().policy.clone() };
        self.0.ask(Notification::run, input, Notification::accepted, (), start).await
    }
}

/// What a message says and to whom, in a form in which equal messages are equal texts. Where mail goes is left out: an
/// account that changes its address between two requests does not make another message of them.
pub(crate) fn fingerprint(notice: &Notice) -> Fingerprint {
    Fingerprint::of(&serde_json::json!([notice.caller, notice.message]).to_string())
}
