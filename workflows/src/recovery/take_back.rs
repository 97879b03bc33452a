//! Taking back an undecided order, with the undos of its checkout and in their order.

use kassa_domain::{PaymentId, PricedOrder, RefundId};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

use super::{Recovery, RecoveryInput};
use crate::checkout::{CheckoutAnswer, CheckoutOutcome};
use crate::contracts::awaited::{AwaitedPayments, OpenPage, ReturnUrls, WITHDRAW, Withdraw};
use crate::contracts::orders::{CANCEL, CancelOrder, Orders, PlaceOrder, RefundedCharge};
use crate::contracts::payments::{Captured, Charge, Payments, REFUND, Refund, Refunded};
use crate::contracts::refunds::RefundClaim;
use crate::options;
use crate::parking::{ByOperator, Insisted, Parks};

/// The step that the answer of such an order names.
const STEP: &str = "recovery";

impl Recovery {
    /// Takes everything back. Returns the refund that is in the books then and has not gone through, if there is one.
    pub(super) async fn take_back(
        ctx: &WorkflowContext<Self>,
        place: PlaceOrder,
        order: PricedOrder,
        sessions: Vec<String>,
        payment_intents: Vec<String>,
    ) -> Option<RefundClaim> {
        let policy = ctx.state(|s| s.input.policy.clone());
        let mut refunded = None;
        for session in sessions {
            let closed = Self::close_page(ctx, &place, &order, session).await;
            refunded = refunded.or(closed);
        }
        for intent in payment_intents {
            let closed = Self::refund(ctx, &order, intent).await;
            refunded = refunded.or(closed);
        }
        Self::return_stock(ctx).await;

        let outcome = CheckoutOutcome::Failed { step: STEP.to_owned() };
        let reason = outcome.failure_reason().unwrap_or_default().to_owned();
        let answer = CheckoutAnswer {
            order_id: place.order_id.clone(),
            request_id: place.request_id.clone(),
            fingerprint: place.fingerprint.clone(),
            outcome,
        };
        let cancel = CancelOrder { order: place, reason, refunded: refunded.clone(), answer };
        let token = WorkflowCancellationToken::new();
        let cancelling = options::database(&policy, Some(&token), "Write the order as CANCELLED");
        let cancelled = Self::insist(ctx, CANCEL, || {
            ctx.execute_local_activity(Orders::cancel, cancel.clone(), cancelling.clone())
        });
        let is_booked = matches!(cancelled.await, Insisted::Done(()));
        let owed = refunded.filter(|refunded| is_booked && refunded.unsettled)?;
        let Captured { payment_intent, amount } = owed.captured;
        Some(RefundClaim { refund_id: owed.refund_id, payment_intent, amount })
    }

    /// Closes a page, and gives back what was paid on it.
    async fn close_page(
        ctx: &WorkflowContext<Self>,
        place: &PlaceOrder,
        order: &PricedOrder,
        session: String,
    ) -> Option<RefundedCharge> {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        let nowhere = ReturnUrls { success_url: String::new(), cancel_url: String::new() };
        // The page is known by its session, so that it is not opened again to find it.
        let page = OpenPage {
            order_id,
            lines: Vec::new(),
            amount: order.total,
            email: place.email.clone(),
            urls: nowhere,
            expires_at: 0,
        };
        let withdraw = Withdraw { page, session: Some(session) };
        let token = WorkflowCancellationToken::new();
        let closing = options::stripe(&policy, Some(&token), "Close the page, and take back what was paid on it");
        let closed = Self::insist(ctx, WITHDRAW, || {
            ctx.execute_activity(AwaitedPayments::withdraw, withdraw.clone(), closing.clone())
        });
        Self::returned(ctx, closed.await)
    }

    /// Takes a charge back, or closes its intent.
    async fn refund(ctx: &WorkflowContext<Self>, order: &PricedOrder, intent: String) -> Option<RefundedCharge> {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        // The charge is known by its intent, so that it is not made again to find it.
        let charge = Charge {
            order_id,
            attempt: 1,
            amount: order.total,
            payment_method: String::new(),
            return_url: None,
            first_tried_at: None,
        };
        let refund = Refund { charge, payment_intent: Some(intent) };
        let token = WorkflowCancellationToken::new();
        let refunding = options::stripe(&policy, Some(&token), "Take the charge back");
        let closed =
            Self::insist(ctx, REFUND, || ctx.execute_activity(Payments::refund, refund.clone(), refunding.clone()));
        Self::returned(ctx, closed.await)
    }

    /// What an operator has ended is not in the books; the next reconciliation finds what is still to be seen of it.
    fn returned(ctx: &WorkflowContext<Self>, closed: Insisted<Refunded>) -> Option<RefundedCharge> {
        let order_id = ctx.state(|s| s.input.order_id.clone());
        match closed {
            Insisted::Done(Refunded::Refunded { captured, refund, unsettled }) => Some(RefundedCharge {
                payment_id: PaymentId::of(&order_id),
                captured,
                refund_id: RefundId::of_undo(&order_id),
                reference: refund,
                unsettled,
            }),
            Insisted::Done(Refunded::NothingCaptured)
            | Insisted::Ended(ByOperator::Resolved { .. } | ByOperator::WrittenOff { .. }) => None,
        }
    }
}
