//! What callers and operators see.

use kassa_domain::{Money, PaymentId};
use temporalio_workflow::WorkflowContext;

use super::Checkout;
use super::sell::Sale;
use crate::cancellation::CancelledBy;
use crate::checkout::step::{Step, UndoStack};
use crate::checkout::{CheckoutAnswer, CheckoutOutcome};
use crate::contracts::payments::Captured;
use crate::parking::{Failure, Parks};
use crate::search_attributes::{FAILURE_REASON, ORDER_STATE, ORDER_TOTAL};

impl Checkout {
    pub(super) fn begin(ctx: &WorkflowContext<Self>, undo: &mut UndoStack, step: Step) {
        undo.push(step);
        ctx.state_mut(|s| s.progress.running = Some(step));
        Self::show(ctx);
    }

    /// A step has failed. All of them are taken back, also those that were not begun: the workflow task in which they
    /// were may have been lost with its worker. Only an order that cannot be placed has never been.
    pub(super) fn off(
        ctx: &WorkflowContext<Self>,
        undo: &mut UndoStack,
        step: Step,
        failure: Failure,
        captured: Option<Captured>,
    ) -> Sale {
        if step > Step::Validate || matches!(failure, Failure::Exhausted(_)) {
            undo.push_all();
        }
        if !ctx.is_replaying() {
            let order_id = ctx.state(|s| s.input.order.order_id.clone());
            tracing::warn!(order.id = %order_id, step = step.activity(), error = failure.into_message(), "the order cannot go on and is taken back");
        }
        let asked = ctx.cancellation_token().reason().as_deref().and_then(CancelledBy::from_reason);
        let outcome = match asked {
            Some(by) => CheckoutOutcome::Cancelled { by },
            None => CheckoutOutcome::Failed { step: step.activity().to_owned() },
        };
        Sale::Off(outcome, captured)
    }

    pub(super) fn confirmed(ctx: &WorkflowContext<Self>, total: Money) -> CheckoutOutcome {
        CheckoutOutcome::Confirmed { total, payment_id: PaymentId::of(&ctx.state(|s| s.input.order.order_id.clone())) }
    }

    /// What the caller is told when the order comes to this.
    pub(super) fn answer_with(ctx: &WorkflowContext<Self>, outcome: CheckoutOutcome) -> CheckoutAnswer {
        let answer = |s: &Self| CheckoutAnswer {
            order_id: s.input.order.order_id.clone(),
            request_id: s.input.order.request_id.clone(),
            fingerprint: s.input.order.fingerprint.clone(),
            outcome,
        };
        // Whoever asks again is told what the first one was told: where to pay, if that was it.
        ctx.state(|s| s.answer.clone().unwrap_or_else(|| answer(s)))
    }

    pub(super) fn give_answer(ctx: &WorkflowContext<Self>, outcome: CheckoutOutcome) {
        ctx.state_mut(|s| s.cards.decide(&outcome));
        let answer = Self::answer_with(ctx, outcome);
        ctx.state_mut(|s| s.answer = Some(answer));
    }

    pub(super) fn set_state(ctx: &WorkflowContext<Self>, state: &str, reason: Option<&str>, total: Option<Money>) {
        let state = ORDER_STATE.value_set(state.to_owned());
        let reason = reason.map(|reason| FAILURE_REASON.value_set(reason.to_owned()));
        let total = total.map(|total| ORDER_TOTAL.value_set(total.amount));
        ctx.upsert_search_attributes([Some(state), reason, total].into_iter().flatten());
    }
}
