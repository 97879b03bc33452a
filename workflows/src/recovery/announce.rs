//! Publishing the events that nobody published, and telling the customer what they tell.

use kassa_domain::{Label, Parcel, RefundId};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext, workflows::join};

use super::{Recovery, RecoveryInput};
use crate::contracts::events::{Events, OrderEvent, PUBLISH, Publish};
use crate::contracts::notifications::{Notice, Notifications, SEND};
use crate::contracts::recovery::{Left, Unpublished};
use crate::options;
use crate::parking::Parks;

impl Recovery {
    /// Publishes what is missing, in its order. Where an event is missing, its mail may be, too; one that was sent is not
    /// sent again.
    pub(super) async fn announce(ctx: &WorkflowContext<Self>, left: Left) {
        // Whoever ended a cancellation may have ended it between its event and its mail.
        let told = |event: &Unpublished| matches!(event.event, OrderEvent::Cancelled { .. });
        if !left.unpublished.iter().any(told)
            && let Some(reason) = left.reason.clone().filter(|_| !left.is_sold)
        {
            Self::mail(ctx, Self::notice(ctx, &left, &OrderEvent::Cancelled { reason })).await;
        }
        for Unpublished { sequence, event } in left.unpublished.clone() {
            let mail = Self::mail(ctx, Self::notice(ctx, &left, &event));
            join!(mail, Self::publish(ctx, &left, sequence, event));
        }
    }

    async fn publish(ctx: &WorkflowContext<Self>, left: &Left, sequence: u32, event: OrderEvent) {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        let publish = Publish::new(order_id, left.caller.clone(), sequence, event);
        let token = WorkflowCancellationToken::new();
        let publishing = options::tail(&policy, &token, "Publish the event");
        let _ended =
            Self::insist(ctx, PUBLISH, || ctx.execute_activity(Events::publish, publish.clone(), publishing.clone()))
                .await;
    }

    async fn mail(ctx: &WorkflowContext<Self>, notice: Option<Notice>) {
        let Some(notice) = notice else { return };
        let policy = ctx.state(|s| s.input.policy.clone());
        let token = WorkflowCancellationToken::new();
        let sending = options::tail(&policy, &token, &format!("Send the mail `{}`", notice.message.template()));
        let _ended =
            Self::insist(ctx, SEND, || ctx.execute_activity(Notifications::send, notice.clone(), sending.clone()))
                .await;
    }

    fn notice(ctx: &WorkflowContext<Self>, left: &Left, event: &OrderEvent) -> Option<Notice> {
        let order_id = ctx.state(|s| s.input.order_id.clone());
        let (caller, email) = (left.caller.clone(), left.email.clone());
        match event {
            OrderEvent::Confirmed { .. } => Some(Notice::order_confirmed(order_id, caller, email, left.order.clone())),
            // The mails that the checkout sends; of every other end the caller was told at once.
            OrderEvent::Cancelled { reason } => match reason.as_str() {
                "step_failed" | "payment_unavailable" | "cancelled_by_customer" | "cancelled_by_shop" => {
                    Some(Notice::order_cancelled(order_id, caller, email, reason.clone(), left.refunded))
                }
                "payment_expired" => Some(Notice::payment_problem(order_id, caller, email, reason.clone())),
                _ => None,
            },
            OrderEvent::Shipped { parcel: Parcel { carrier, tracking_number } } => {
                let text = |label: &Option<Label>| label.clone().map(String::from);
                Some(Notice::shipped(order_id, caller, email, text(carrier), text(tracking_number)))
            }
            OrderEvent::Delivered => None,
            // The mail about the cancellation tells of these.
            OrderEvent::Refunded { refund_id, .. }
                if [RefundId::of_undo(&order_id), RefundId::of_cancellation(&order_id)].contains(refund_id) =>
            {
                None
            }
            OrderEvent::Refunded { refund_id, amount } => {
                Some(Notice::refunded(order_id, refund_id.clone(), caller, email, *amount))
            }
        }
    }
}
