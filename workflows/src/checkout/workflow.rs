//! The workflow: sell, answer, announce; or answer and take back.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

mod another_card;
mod held;
mod pay;
mod sell;
mod settle;
mod take_back;
mod view;

use std::time::Duration;

use kassa_domain::{OrderId, OrderStatus};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use self::held::AtValve;
use self::sell::Sale;
use super::details::Progress;
use super::step::UndoStack;
use super::{CardAnswer, CardRequest, Cards, CheckoutAnswer, CheckoutInput, CheckoutOutcome, details};
use crate::contracts::awaited::{OpenPage, Pending};
use crate::parking::{
    Decision, Operator, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing, all_answered, detached,
    standing,
};

/// One order from its request to its end.
#[workflow]
pub struct Checkout {
    input: CheckoutInput,
    answer: Option<CheckoutAnswer>,
    parked: ParkingLot,
    progress: Progress,
    /// The page on which the customer pays, as it was asked for.
    page: Option<OpenPage>,
    /// The payment that is waited for.
    pending: Option<Pending>,
    /// Whether something may have changed about that payment since the last look.
    payment_changed: bool,
    valve: AtValve,
    /// The cards that were declined, and the one that is being tried.
    cards: Cards,
    /// The intent that another card can confirm.
    intent: Option<String>,
    /// When the stock is no longer held for a customer who is to pay, in time since 1970.
    hold_end: Option<Duration>,
}

#[workflow_methods]
impl Checkout {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: CheckoutInput) -> Self {
        Self {
            input,
            answer: None,
            parked: ParkingLot::default(),
            progress: Progress::default(),
            page: None,
            pending: None,
            payment_changed: false,
            valve: AtValve::default(),
            cards: Cards::default(),
            intent: None,
            hold_end: None,
        }
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
        all_answered(ctx).await;
        Ok(outcome)
    }

    /// What the caller is told; waits until the money question is decided, or is held.
    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> CheckoutAnswer {
        // A detached wait has no token that anybody could cancel, so it ends only with the answer there.
        let _detached = ctx.wait_condition_with_options(|s| s.answer.is_some() || s.valve.held, detached()).await;
        // Without an answer, it is held: nobody waits that long for one.
        Self::answer_with(ctx, CheckoutOutcome::Held)
    }

    /// What whoever was told that the order is held is told by now, if it is decided.
    #[query(name = "decided")]
    pub fn decided_answer(&self, _ctx: &WorkflowContextView) -> Option<CheckoutAnswer> {
        self.answer.clone()
    }

    /// Customers: another card for an order whose card was declined.
    #[update(name = "another_card")]
    pub async fn another_card(ctx: &mut WorkflowContext<Self>, card: CardRequest) -> CardAnswer {
        let number = match ctx.state_mut(|s| s.cards.take(card)) {
            Ok(number) => number,
            // Another one was faster.
            Err(card) => return card.answer(None),
        };
        let _detached = ctx.wait_condition_with_options(move |s| s.cards.answer(number).is_some(), detached()).await;
        ctx.state(|s| s.cards.answer(number).cloned()).expect("the condition was just met")
    }

    #[update_validator(another_card)]
    fn validate_another_card(&self, _ctx: &WorkflowContextView, _card: &CardRequest) -> Result<(), Refused> {
        if self.cards.is_wanted() { Ok(()) } else { Err("the order does not wait for another card".into()) }
    }

    /// Something may have changed about the payment that the order waits for. Carries nothing that would be believed.
    #[signal(name = "payment_changed")]
    pub fn payment_changed(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.payment_changed = true;
    }

    /// Operators: where it stands.
    #[query(name = STANDING)]
    pub fn standing(&self, _ctx: &WorkflowContextView) -> Standing {
        standing(self)
    }

    /// Operators: tries the parked step again.
    #[update(name = "retry")]
    pub fn retry(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Operator) {
        self.parked.decide(&Decision::Retry(by));
    }

    #[update_validator(retry)]
    fn validate_retry(&self, _ctx: &WorkflowContextView, by: &Operator) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::Retry(by.clone()))?)
    }

    /// Operators: the parked step was done by hand.
    #[update(name = "resolve")]
    pub fn resolve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Resolution) {
        self.parked.decide(&Decision::Resolve(by));
    }

    #[update_validator(resolve)]
    fn validate_resolve(&self, _ctx: &WorkflowContextView, by: &Resolution) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::Resolve(by.clone()))?)
    }

    /// Operators: the parked step is given up for good.
    #[update(name = "write_off")]
    pub fn write_off(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Reasoned) {
        self.parked.decide(&Decision::WriteOff(by));
    }

    #[update_validator(write_off)]
    fn validate_write_off(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::WriteOff(by.clone()))?)
    }

    /// Operators: the order is taken back instead of trying on.
    #[update(name = "abort")]
    pub fn abort(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Reasoned) {
        self.parked.decide(&Decision::Abort(by));
    }

    #[update_validator(abort)]
    fn validate_abort(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::Abort(by.clone()))?)
    }
}

impl Parks for Checkout {
    fn parked(&self) -> &ParkingLot {
        &self.parked
    }

    fn parked_mut(&mut self) -> &mut ParkingLot {
        &mut self.parked
    }

    fn order_id(&self) -> Option<OrderId> {
        Some(self.input.order.order_id.clone())
    }

    fn stage(&self) -> &'static str {
        self.progress.stage()
    }

    fn details(&self) -> String {
        details::render(&self.progress, &self.parked)
    }
}
