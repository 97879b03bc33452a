//! Messages that are sent on their own, as the API has them sent.

use anyhow::Context as _;
use kassa_devstack::ministack::Sms;
use kassa_domain::{EmailAddress, Fingerprint, PhoneNumber, UserId};
use kassa_workflows::TASK_QUEUE;
use kassa_workflows::checkout::Policy;
use kassa_workflows::contracts::notifications::Notice;
use kassa_workflows::notification::{Accepted, Notification, NotificationInput, workflow_id};
use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions};
use uuid::Uuid;

use crate::Shop;

/// Somebody with an account who can be written to.
#[derive(Debug, Clone)]
pub struct Addressee {
    /// The account.
    pub user: UserId,
    /// Where mail goes.
    pub email: EmailAddress,
    /// Where short messages would go.
    pub phone: PhoneNumber,
}

impl Addressee {
    /// Somebody who was never written to before.
    ///
    /// # Panics
    ///
    /// When what it makes up is not valid.
    pub fn new() -> Self {
        let unique = Uuid::new_v4();
        Self {
            user: UserId::of_subject(&unique.to_string()).expect("a UUID makes an id"),
            email: format!("addressee-{}@example.com", unique.simple()).parse().expect("an address"),
            phone: format!("+49{:013}", unique.as_u128() % 10_000_000_000_000).parse().expect("a number"),
        }
    }
}

impl Default for Addressee {
    fn default() -> Self {
        Self::new()
    }
}

impl Shop {
    /// Starts the workflow that sends a message.
    pub async fn start_message(&self, notice: Notice) -> anyhow::Result<WorkflowHandle<Client, Notification>> {
        let id = workflow_id(&notice.message_id);
        let request = Accepted { request_id: Uuid::new_v4().to_string(), fingerprint: Fingerprint::of("test") };
        let input = NotificationInput { notice, request, policy: Policy::default() };
        let start = self.temporal.start_workflow(
            Notification::run,
            input,
            WorkflowStartOptions::new(TASK_QUEUE, id.as_str()).build(),
        );
        start.await.context("starting a workflow")?;
        Ok(self.temporal.get_workflow_handle::<Notification>(id))
    }

    /// Sends a message and waits until that is done.
    pub async fn deliver(&self, notice: Notice) -> anyhow::Result<()> {
        let workflow = self.start_message(notice).await?;
        workflow.get_result(WorkflowGetResultOptions::default()).await.context("a message is sent")
    }

    /// The short messages to a phone, oldest first.
    pub async fn sms_to(&self, phone: &PhoneNumber) -> anyhow::Result<Vec<Sms>> {
        let mut sms = self.stack.aws.sms().await?;
        sms.retain(|sms| sms.phone_number == phone.expose());
        Ok(sms)
    }
}
