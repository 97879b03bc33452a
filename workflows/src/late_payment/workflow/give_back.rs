//! Giving late money back: booked where there is something to book it on.

use kassa_domain::{Money, PaymentId, RefundId};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

use super::{Late, LatePayments, Sold};
use crate::contracts::events::OrderEvent;
use crate::contracts::late_payments::{BOOK, BookLatePayment, LateBooks, LatePaymentBooked};
use crate::contracts::notifications::Notice;
use crate::contracts::refunds::{RefundClaim, RefundEnd};
use crate::late_payment::LatePaymentOutcome;
use crate::options;
use crate::parking::{Insisted, Parks};
use crate::refund::{GivenBack, give_back, make};

impl LatePayments {
    /// Gives back all that has not gone back. The books come first: what they have as to be given back cannot be confirmed any
    /// more, so only then the pieces may go.
    pub(super) async fn give_back(ctx: &WorkflowContext<Self>, late: Late, sold: Sold) -> LatePaymentOutcome {
        let (order_id, payment_intent, policy) =
            ctx.state(|s| (s.input.order_id.clone(), s.input.payment_intent.clone(), s.input.policy.clone()));
        let Late { captured, refunded, .. } = late;
        let amount = Money::new(captured.amount - refunded.amount, captured.currency);
        let refund_id = RefundId::of_late_payment(&order_id, &payment_intent);
        let claim = RefundClaim { refund_id: refund_id.clone(), payment_intent: payment_intent.clone(), amount };
        let book = BookLatePayment {
            payment_id: PaymentId::of(&order_id),
            order_id: order_id.clone(),
            payment_intent,
            captured,
            refunded,
            refund_id: refund_id.clone(),
        };

        Self::at(ctx, "giving the money back");
        let booked = Self::book(ctx, book).await;
        if booked != LatePaymentBooked::Kept && sold == Sold::Perhaps {
            Self::forgo(ctx).await;
        }
        let sequence = match booked {
            LatePaymentBooked::Kept => {
                return match Self::confirm(ctx, &late).await {
                    Some(sequence) => Self::revived(ctx, &late, sequence).await,
                    None => LatePaymentOutcome::Nothing,
                };
            }
            LatePaymentBooked::Booked => match give_back(ctx, &claim, None, &policy, |_| {}).await {
                GivenBack::Succeeded { sequence } => sequence,
                GivenBack::Failed { .. } => return LatePaymentOutcome::GivenUp,
            },
            LatePaymentBooked::Unbooked => {
                if !Self::give_back_unbooked(ctx, &claim).await {
                    return LatePaymentOutcome::GivenUp;
                }
                None
            }
        };
        Self::at(ctx, "announcing");
        let notice =
            Notice::refunded(order_id, refund_id.clone(), late.order.caller.clone(), late.order.email.clone(), amount);
        let event = sequence.map(|sequence| (sequence, OrderEvent::Refunded { refund_id, amount }));
        Self::announce(ctx, &late.order, notice, event).await;
        LatePaymentOutcome::Refunded
    }

    async fn book(ctx: &WorkflowContext<Self>, book: BookLatePayment) -> LatePaymentBooked {
        let policy = ctx.state(|s| s.input.policy.clone());
        let token = WorkflowCancellationToken::new();
        let booking = options::database(&policy, Some(&token), "Record the payment, and that it is to go back");
        let booked =
            Self::insist(ctx, BOOK, || ctx.execute_local_activity(LateBooks::book, book.clone(), booking.clone()));
        match booked.await {
            Insisted::Done(booked) => booked,
            // The operator has seen to the books.
            Insisted::Ended(_) => LatePaymentBooked::Unbooked,
        }
    }

    /// Gives back a payment that no book has: a second one of an order. What Stripe refuses waits for an operator.
    async fn give_back_unbooked(ctx: &WorkflowContext<Self>, claim: &RefundClaim) -> bool {
        let policy = ctx.state(|s| s.input.policy.clone());
        let mut attempt = 1;
        loop {
            let code = match make(ctx, claim, attempt, &policy, |_| {}).await {
                RefundEnd::Succeeded { .. } => return true,
                RefundEnd::WrittenOff { .. } => return false,
                RefundEnd::Failed { code } => code,
            };
            let owed = format!("Stripe refused the refund ({code}) of money that came late: it is owed");
            match Self::ask(ctx, crate::contracts::payments::CREATE_REFUND, owed).await {
                None => attempt += 1,
                Some(by) => return matches!(RefundEnd::from(by), RefundEnd::Succeeded { .. }),
            }
        }
    }
}
