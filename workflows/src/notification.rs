//! One message that no other workflow sends.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use kassa_domain::{Fingerprint, MessageId, OrderId};
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult,
};

use crate::checkout::Policy;
use crate::contracts::notifications::{Notice, Notifications, SEND};
use crate::options;
use crate::parking::{
    Decision, Operator, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing, all_answered, standing,
};

/// The identifier of the one update by which a caller asks what was accepted.
pub const ACCEPTED_UPDATE_ID: &str = "accepted";

/// The workflow of a message; one message, one workflow.
pub fn workflow_id(message: &MessageId) -> String {
    format!("notification-{message}")
}

/// What sending a message starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationInput {
    /// The message.
    pub notice: Notice,
    /// Who asked, and for what.
    pub request: Accepted,
    /// How patient the workflow is.
    #[serde(default)]
    pub policy: Policy,
}

/// The request that a message goes back to, so that a repeated one is told from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The HTTP request that started the workflow; any other one with this answer is a replay.
    pub request_id: String,
    /// What was asked for; another fingerprint under the same key is a misuse.
    pub fingerprint: Fingerprint,
}

/// One message from its request until it is sent.
#[workflow]
pub struct Notification {
    input: NotificationInput,
    parked: ParkingLot,
    sent: bool,
}

#[workflow_methods]
impl Notification {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: NotificationInput) -> Self {
        Self { input, parked: ParkingLot::default(), sent: false }
    }

    /// Sends the message, however long the mail service is away.
    #[run(name = "notification")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let NotificationInput { notice, policy, .. } = ctx.state(|s| s.input.clone());
        Self::show(ctx);
        let token = WorkflowCancellationToken::new();
        let options = options::tail(&policy, &token, "Send the message");
        let _ended =
            Self::insist(ctx, SEND, || ctx.execute_activity(Notifications::send, notice.clone(), options.clone()))
                .await;
        ctx.state_mut(|s| s.sent = true);
        Self::show(ctx);
        all_answered(ctx).await;
        Ok(())
    }

    /// What is being sent: from here on it will be, whatever happens to the caller.
    #[update(name = "accepted")]
    pub fn accepted(&mut self, _ctx: &mut SyncWorkflowContext<Self>) -> Accepted {
        self.input.request.clone()
    }

    /// Operators: where it stands.
    #[query(name = STANDING)]
    pub fn standing(&self, _ctx: &WorkflowContextView) -> Standing {
        standing(self)
    }

    /// Operators: tries to send it again.
    #[update(name = "retry")]
    pub fn retry(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Operator) {
        self.parked.decide(&Decision::Retry(by));
    }

    #[update_validator(retry)]
    fn validate_retry(&self, _ctx: &WorkflowContextView, by: &Operator) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::Retry(by.clone()))?)
    }

    /// Operators: the customer was told in another way.
    #[update(name = "resolve")]
    pub fn resolve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Resolution) {
        self.parked.decide(&Decision::Resolve(by));
    }

    #[update_validator(resolve)]
    fn validate_resolve(&self, _ctx: &WorkflowContextView, by: &Resolution) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::Resolve(by.clone()))?)
    }

    /// Operators: the message is given up.
    #[update(name = "write_off")]
    pub fn write_off(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Reasoned) {
        self.parked.decide(&Decision::WriteOff(by));
    }

    #[update_validator(write_off)]
    fn validate_write_off(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::WriteOff(by.clone()))?)
    }
}

impl Parks for Notification {
    fn parked(&self) -> &ParkingLot {
        &self.parked
    }

    fn parked_mut(&mut self) -> &mut ParkingLot {
        &mut self.parked
    }

    fn order_id(&self) -> Option<OrderId> {
        self.input.notice.message.order_id().cloned()
    }

    fn stage(&self) -> &'static str {
        if self.sent { "over" } else { SEND }
    }

    fn details(&self) -> String {
        let state = if self.sent { "done" } else { "**running**" };
        format!("{}- {SEND}: {state}\n", self.parked.details())
    }
}
