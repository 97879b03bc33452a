//! The undos.

use kassa_domain::{Money, OrderStatus, PaymentId, RefundId};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext, workflows::join};

use super::Checkout;
use crate::cancellation::CancelledBy;
use crate::checkout::step::{Step, Undo, UndoStack};
use crate::checkout::{CheckoutOutcome, Payment};
use crate::contracts::awaited::{AwaitedPayments, Pending, Withdraw};
use crate::contracts::events::OrderEvent;
use crate::contracts::inventory::{Inventory, Reservation};
use crate::contracts::notifications::Notice;
use crate::contracts::orders::{CancelOrder, Orders, PlaceOrder, Placed, RefundedCharge};
use crate::contracts::payments::{Captured, Charge, Payments, Refund, Refunded};
use crate::contracts::refunds::{RefundClaim, RefundEnd};
use crate::options;
use crate::parking::{ByOperator, Insisted, Parks};
use crate::refund::{GivenBack, give_back};

/// A charge that was taken back, or would have been.
pub(super) struct Returned {
    charge: RefundedCharge,
    /// How its refund ends, if an operator has decided that.
    decided: Option<RefundEnd>,
}

impl Returned {
    /// What the customer gets, unless it was given up.
    fn amount(&self) -> Option<Money> {
        self.decided.is_none().then_some(self.charge.captured.amount)
    }
}

/// The undos. They run detached from cancellation: whoever cancels an order wants it taken back, not half of it.
impl Checkout {
    pub(super) async fn take_back(
        ctx: &WorkflowContext<Self>,
        undo: UndoStack,
        outcome: &CheckoutOutcome,
        captured: Option<Captured>,
    ) {
        let mut outcome = outcome.clone();
        ctx.state_mut(|s| s.progress.failure = outcome.failure_reason().map(str::to_owned));
        Self::show(ctx);

        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id.clone();
        let reservation = Reservation { order_id: order_id.clone() };
        let token = WorkflowCancellationToken::new();
        let database = |summary| options::database(&input.policy, Some(&token), summary);
        let Some(due) = Self::due(ctx, undo).await else { return };
        let mut returned = None;
        let mut is_booked = false;

        for undo in due {
            match undo {
                Undo::Refund if Self::is_untouched(ctx).await => {}
                Undo::Refund => returned = Self::refund(ctx, captured.clone()).await,
                Undo::Restock => {
                    let restock = database("Return sold stock");
                    Self::insist(ctx, undo.activity(), || {
                        ctx.execute_local_activity(Inventory::restock, reservation.clone(), restock.clone())
                    })
                    .await;
                }
                Undo::Release => {
                    let release = database("Return held stock");
                    Self::insist(ctx, undo.activity(), || {
                        ctx.execute_local_activity(Inventory::release, reservation.clone(), release.clone())
                    })
                    .await;
                }
                Undo::Cancel => {
                    outcome = Self::as_wished(ctx, outcome);
                    let cancellation = CancelOrder {
                        order: input.order.clone(),
                        reason: outcome.failure_reason().unwrap_or_default().to_owned(),
                        refunded: returned.as_ref().map(|returned| returned.charge.clone()),
                        answer: Self::answer_with(ctx, outcome.clone()),
                    };
                    let cancel = database("Write the order as CANCELLED");
                    let cancelled = Self::insist(ctx, undo.activity(), || {
                        ctx.execute_local_activity(Orders::cancel, cancellation.clone(), cancel.clone())
                    });
                    is_booked = matches!(cancelled.await, Insisted::Done(()));
                }
            }
            ctx.state_mut(|s| s.progress.undone.push(undo));
            Self::show(ctx);
        }
        let reason = outcome.failure_reason().unwrap_or_default();
        let total = ctx.state(|s| s.progress.total);
        Self::set_state(ctx, OrderStatus::Cancelled.as_str(), Some(reason), total);
        let publish = Self::publish(ctx, 1, OrderEvent::Cancelled { reason: reason.to_owned() });
        let notify = async {
            let given_back = returned.as_ref().and_then(Returned::amount);
            if let Some(notice) = Self::news(ctx, &outcome, given_back) {
                Self::notify(ctx, notice).await;
            }
        };
        let settle = async {
            let owed = returned.as_ref().filter(|returned| is_booked && returned.charge.unsettled)?;
            Self::settle(ctx, owed).await
        };
        let (settled, (), ()) = join!(settle, notify, publish);
        if let Some((sequence, refunded)) = settled {
            Self::publish(ctx, sequence, refunded).await;
        }
    }

    /// How an order counts as ended whose time was over, and that somebody did not want any more before all of it was taken
    /// back: a payment that comes late revives what was wanted.
    fn as_wished(ctx: &WorkflowContext<Self>, outcome: CheckoutOutcome) -> CheckoutOutcome {
        match ctx.cancellation_token().reason().as_deref().and_then(CancelledBy::from_reason) {
            Some(by) if outcome == CheckoutOutcome::PaymentExpired => CheckoutOutcome::Cancelled { by },
            _ => outcome,
        }
    }

    /// Follows a refund that is in the books and has not gone through, and tells which event announces it.
    async fn settle(ctx: &WorkflowContext<Self>, returned: &Returned) -> Option<(u32, OrderEvent)> {
        let policy = ctx.state(|s| s.input.policy.clone());
        let RefundedCharge { refund_id, captured, .. } = returned.charge.clone();
        let Captured { payment_intent, amount } = captured;
        let claim = RefundClaim { refund_id: refund_id.clone(), payment_intent, amount };
        match give_back(ctx, &claim, returned.decided.clone(), &policy, |_| {}).await {
            GivenBack::Succeeded { sequence } => Some((sequence?, OrderEvent::Refunded { refund_id, amount })),
            GivenBack::Failed { .. } => None,
        }
    }

    /// What is to be taken back; nothing of an order that is not this workflow's. Of one that could not be placed, and of
    /// which nothing is known therefore, it has to be learnt first what a lost workflow task has made of it.
    async fn due(ctx: &WorkflowContext<Self>, undo: UndoStack) -> Option<Vec<Undo>> {
        let due = undo.unwind();
        if ctx.state(|s| s.progress.total.is_some()) || !due.contains(&Undo::Refund) {
            return Some(due);
        }
        match Self::insist(ctx, Step::Validate.activity(), || Self::place(ctx)).await {
            // It belongs to an earlier workflow of this order.
            Insisted::Done(Placed::Decided { answer, .. }) if !Self::is_own(ctx, &answer) => return None,
            Insisted::Done(Placed::Decided { order, .. } | Placed::Pending { order }) => {
                ctx.state_mut(|s| s.progress.total = Some(order.total));
            }
            Insisted::Done(Placed::Refused { .. }) | Insisted::Ended(_) => {}
        }
        Some(due)
    }

    /// What the customer may not know yet: a step that fails for good, or a cancellation, may come long after the caller was
    /// told to come back, and who was led elsewhere to pay may not have come back. Whatever else is decided is decided while
    /// the caller waits.
    fn news(ctx: &WorkflowContext<Self>, outcome: &CheckoutOutcome, given_back: Option<Money>) -> Option<Notice> {
        let PlaceOrder { order_id, caller, email, .. } = ctx.state(|s| s.input.order.clone());
        let reason = outcome.failure_reason()?.to_owned();
        match outcome {
            CheckoutOutcome::Failed { .. }
            | CheckoutOutcome::Cancelled { .. }
            | CheckoutOutcome::PaymentUnavailable => {
                Some(Notice::order_cancelled(order_id, caller, email, reason, given_back))
            }
            CheckoutOutcome::PaymentExpired => Some(Notice::payment_problem(order_id, caller, email, reason)),
            CheckoutOutcome::Declined { .. } => {
                ctx.state(|s| s.pending.is_some()).then(|| Notice::payment_problem(order_id, caller, email, reason))
            }
            CheckoutOutcome::Confirmed { .. }
            | CheckoutOutcome::AwaitingPayment { .. }
            | CheckoutOutcome::Held
            | CheckoutOutcome::AwaitingCard { .. }
            | CheckoutOutcome::OutOfStock { .. }
            | CheckoutOutcome::Refused { .. } => None,
        }
    }

    /// Takes the charge back, whether or not we ever learnt what became of it.
    pub(super) async fn refund(ctx: &WorkflowContext<Self>, captured: Option<Captured>) -> Option<Returned> {
        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id;
        let amount = ctx.state(|s| s.progress.total)?;
        let pending = ctx.state(|s| s.pending.clone());
        let token = WorkflowCancellationToken::new();
        let refund_options = options::stripe(&input.policy, Some(&token), "Take the charge back");
        let ended = match input.payment {
            Payment::Card { payment_method, return_url } => {
                let awaited = match pending {
                    Some(Pending::Intent { payment_intent }) => Some(payment_intent),
                    Some(Pending::Page { .. }) | None => ctx.state(|s| s.intent.clone()),
                };
                let known = captured.as_ref().map(|captured| captured.payment_intent.clone());
                let order_id = order_id.clone();
                let charge = Charge {
                    order_id,
                    attempt: 1,
                    amount,
                    payment_method,
                    return_url,
                    first_tried_at: Self::first_tried(ctx),
                };
                let refund = Refund { charge, payment_intent: known.or(awaited) };
                Self::insist(ctx, Undo::Refund.activity(), || {
                    ctx.execute_activity(Payments::refund, refund.clone(), refund_options.clone())
                })
                .await
            }
            Payment::Page { .. } => {
                let session = match pending {
                    Some(Pending::Page { session }) => Some(session),
                    Some(Pending::Intent { .. }) | None => None,
                };
                let withdraw = Withdraw { page: ctx.state(|s| s.page.clone())?, session };
                Self::insist(ctx, Undo::Refund.activity(), || {
                    ctx.execute_activity(AwaitedPayments::withdraw, withdraw.clone(), refund_options.clone())
                })
                .await
            }
        };
        let (captured, reference, unsettled, decided) = match ended {
            Insisted::Done(Refunded::Refunded { captured, refund, unsettled }) => (captured, refund, unsettled, None),
            Insisted::Done(Refunded::NothingCaptured) => return None,
            Insisted::Ended(ByOperator::Resolved { reference }) => (captured?, reference, false, None),
            Insisted::Ended(ByOperator::WrittenOff { reason }) => {
                (captured?, reason.clone(), true, Some(RefundEnd::WrittenOff { reason }))
            }
        };
        let charge = RefundedCharge {
            payment_id: PaymentId::of(&order_id),
            captured,
            refund_id: RefundId::of_undo(&order_id),
            reference,
            unsettled,
        };
        Some(Returned { charge, decided })
    }
}
