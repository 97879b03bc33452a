//! The workflow: sell, answer, announce; or answer and take back.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

mod insist;
mod sell;
mod take_back;
mod view;

use std::error::Error;

use kassa_domain::OrderStatus;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SyncWorkflowContext, WaitConditionOptions, WorkflowCancellationToken, WorkflowContext, WorkflowContextView,
    WorkflowResult,
};

use self::sell::Sale;
use super::details::Progress;
use super::operator::{Decision, ParkingLot};
use super::step::UndoStack;
use super::{CheckoutAnswer, CheckoutInput, CheckoutOutcome, Operator, Reasoned, Resolution};

type Refused = Box<dyn Error + Send + Sync>;

/// One order from its request to its end.
#[workflow]
pub struct Checkout {
    input: CheckoutInput,
    answer: Option<CheckoutAnswer>,
    parked: ParkingLot,
    progress: Progress,
}

#[workflow_methods]
impl Checkout {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: CheckoutInput) -> Self {
        Self { input, answer: None, parked: ParkingLot::default(), progress: Progress::default() }
    }

    /// Carries the order through all steps; takes back what was done if it cannot go on.
    #[run(name = "checkout")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<CheckoutOutcome> {
        let mut undo = UndoStack::default();
        let outcome = match Self::sell(ctx, &mut undo).await {
            Sale::Done(order) => {
                let outcome = Self::confirmed(ctx, order.total);
                Self::give_answer(ctx, outcome.clone());
                Self::set_state(ctx, OrderStatus::Confirmed.as_str(), None, Some(order.total));
                Self::announce(ctx, order).await;
                outcome
            }
            Sale::Off(outcome, captured) => {
                // The caller need not wait for what is taken back: it will be, or somebody will see it parked.
                Self::give_answer(ctx, outcome.clone());
                Self::take_back(ctx, undo, &outcome, captured).await;
                outcome
            }
            Sale::Before(answer) => {
                let outcome = answer.outcome.clone();
                ctx.state_mut(|s| s.answer = Some(answer));
                outcome
            }
        };
        ctx.state_mut(|s| s.progress.finished = true);
        Self::show(ctx);
        // A run that closes before a caller has its answer would lose it.
        let handlers = ctx.clone();
        let _detached = ctx.wait_condition_with_options(move |_| handlers.all_handlers_finished(), detached()).await;
        Ok(outcome)
    }

    /// What the caller is told; waits until the money question is decided.
    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> CheckoutAnswer {
        // A detached wait has no token that anybody could cancel, so it ends only with the answer there.
        let _detached = ctx.wait_condition_with_options(|s| s.answer.is_some(), detached()).await;
        ctx.state(|s| s.answer.clone()).expect("the condition was just met")
    }

    /// Operators: tries the parked step again.
    #[update(name = "retry")]
    pub fn retry(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _by: Operator) {
        self.parked.decide(&Decision::Retry);
    }

    #[update_validator(retry)]
    fn validate_retry(&self, _ctx: &WorkflowContextView, by: &Operator) -> Result<(), Refused> {
        Ok(self.parked.check(&by.operator, None, &Decision::Retry)?)
    }

    /// Operators: the parked step was done by hand.
    #[update(name = "resolve")]
    pub fn resolve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Resolution) {
        self.parked.decide(&Decision::Resolve { reference: by.reference });
    }

    #[update_validator(resolve)]
    fn validate_resolve(&self, _ctx: &WorkflowContextView, by: &Resolution) -> Result<(), Refused> {
        let decision = Decision::Resolve { reference: by.reference.clone() };
        Ok(self.parked.check(&by.operator, Some(&by.reference), &decision)?)
    }

    /// Operators: the parked step is given up for good.
    #[update(name = "write_off")]
    pub fn write_off(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _by: Reasoned) {
        self.parked.decide(&Decision::WriteOff);
    }

    #[update_validator(write_off)]
    fn validate_write_off(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&by.operator, Some(&by.reason), &Decision::WriteOff)?)
    }

    /// Operators: the order is taken back instead of trying on.
    #[update(name = "abort")]
    pub fn abort(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _by: Reasoned) {
        self.parked.decide(&Decision::Abort);
    }

    #[update_validator(abort)]
    fn validate_abort(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&by.operator, Some(&by.reason), &Decision::Abort)?)
    }
}

/// Options of a wait that goes on when the workflow is cancelled.
fn detached() -> WaitConditionOptions {
    WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build()
}
