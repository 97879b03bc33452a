//! Messages are sent once and are not lost, whatever happens while they are.

use kassa_domain::Caller;
use kassa_store::notifications::{Filter, Status};
use kassa_tests::messages::Addressee;
use kassa_tests::proxy::{Call, Failure, Kind, Moment, Refusal};
use kassa_tests::{Shop, eventually, on_exclusive_shop};
use kassa_workflows::contracts::notifications::Notice;
use kassa_workflows::notification::Notification;
use kassa_workflows::parking::Operator;
use kassa_workflows::search_attributes::{NEEDS_OPERATOR, ORDER_STATE};
use temporalio_client::{WorkflowDescribeOptions, WorkflowExecuteUpdateOptions, WorkflowGetResultOptions};

use crate::rig::Rig;

fn mail_of(to: &Addressee) -> Call {
    Call::with("POST /v2/email/outbound-emails").and(to.email.expose())
}

async fn status(shop: &Shop, to: &Addressee) -> anyhow::Result<Option<Status>> {
    let found = shop.notifications.list(&Filter::User(to.user.clone()), 1, None).await?;
    Ok(found.notifications.first().map(|found| found.status))
}

#[test]
fn a_worker_killed_after_a_mail_is_recorded_as_sent_does_not_send_it_again() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let to = Addressee::new();
        let notice = Notice::welcome(&to.user, to.email.clone());
        let recorded = Call::with("DynamoDB_20120810.UpdateItem").and(notice.message_id.as_str()).and("SENT");
        let mut hold = rig.proxies.dynamodb.hold(recorded, Moment::AfterEffect);

        let workflow = shop.start_message(notice).await?;
        hold.caught().await?;
        rig.worker.kill().await?;
        hold.discard();
        rig.start_worker().await?;

        workflow.get_result(WorkflowGetResultOptions::default()).await?;
        assert_eq!(shop.mails_to(to.email.expose()).await?.len(), 1);
        assert_eq!(status(shop, &to).await?, Some(Status::Sent));
        Ok(())
    })
}

#[test]
fn a_mail_whose_record_cannot_be_written_at_once_is_recorded_later_and_sent_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let to = Addressee::new();
        let notice = Notice::welcome(&to.user, to.email.clone());
        let recorded = Call::with("DynamoDB_20120810.UpdateItem").and(notice.message_id.as_str()).and("SENT");
        // More often than the SDK tries by itself.
        let failing =
            rig.proxies.dynamodb.fail(recorded, Failure::new(Moment::BeforeEffect, Kind::Unavailable).times(4));

        shop.deliver(notice).await?;

        assert_eq!(failing.fired(), 4);
        assert_eq!(shop.mails_to(to.email.expose()).await?.len(), 1);
        assert_eq!(status(shop, &to).await?, Some(Status::Sent));
        Ok(())
    })
}

#[test]
fn a_worker_killed_before_a_mail_is_taken_sends_it_once_it_is_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let to = Addressee::new();
        let mut hold = rig.proxies.aws.hold(mail_of(&to), Moment::BeforeEffect);

        let workflow = shop.start_message(Notice::welcome(&to.user, to.email.clone())).await?;
        hold.caught().await?;
        assert_eq!(status(shop, &to).await?, Some(Status::Sending));
        rig.worker.kill().await?;
        hold.discard();
        rig.start_worker().await?;

        workflow.get_result(WorkflowGetResultOptions::default()).await?;
        assert_eq!(shop.mails_to(to.email.expose()).await?.len(), 1);
        assert_eq!(status(shop, &to).await?, Some(Status::Sent));
        Ok(())
    })
}

#[test]
fn a_mail_is_not_sent_again_because_its_record_cannot_be_written() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let to = Addressee::new();
        let notice = Notice::welcome(&to.user, to.email.clone());
        let recorded = Call::with("DynamoDB_20120810.UpdateItem").and(notice.message_id.as_str());
        rig.proxies.dynamodb.refuse(recorded, Refusal::unavailable());

        shop.deliver(notice).await?;

        assert_eq!(shop.mails_to(to.email.expose()).await?.len(), 1);
        assert_eq!(status(shop, &to).await?, Some(Status::Sending), "the record does not claim what is not known");
        Ok(())
    })
}

#[test]
fn a_mail_that_ses_refuses_waits_for_an_operator() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let rig = Rig::set_up(shop).await?;
        let to = Addressee::new();
        let order: kassa_domain::OrderId = "ord_1".parse()?;
        let caller = Caller::user(&to.user);
        rig.proxies.aws.refuse(mail_of(&to), Refusal::message_rejected().times(1));

        let workflow = shop.start_message(Notice::shipped(order, caller, to.email.clone(), None, None)).await?;

        eventually("the message is parked", async || {
            let found = workflow.describe(WorkflowDescribeOptions::default()).await?;
            let state = found.search_attributes().get(&ORDER_STATE);
            anyhow::ensure!(state.as_deref() == Some(NEEDS_OPERATOR), "it is {state:?}");
            Ok(())
        })
        .await?;
        assert_eq!(status(shop, &to).await?, Some(Status::Refused));
        let kim = Operator { operator: "kim".to_owned(), step: None };
        workflow.execute_update(Notification::retry, kim, WorkflowExecuteUpdateOptions::default()).await?;
        workflow.get_result(WorkflowGetResultOptions::default()).await?;
        assert_eq!(shop.mails_to(to.email.expose()).await?.len(), 1);
        assert_eq!(status(shop, &to).await?, Some(Status::Sent));
        Ok(())
    })
}
