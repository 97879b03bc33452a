//! The workflow: ask, decide, revive or give back, tell.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

mod give_back;
mod revive;

use std::time::Duration;

use kassa_domain::{Money, OrderId};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult,
    workflows::join,
};

use super::plan::{Plan, plan};
use super::{LatePaymentInput, LatePaymentOutcome};
use crate::contracts::events::{Events, OrderEvent, PUBLISH, Publish};
use crate::contracts::late_payments::{BookedOrder, LOOK, LateBooks, LateMoney, LateMoneySeen, PaymentOfOrder, READ};
use crate::contracts::notifications::{Notice, Notifications, SEND};
use crate::parking::{
    Decision, Insisted, Operator, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing, all_answered,
    standing,
};
use crate::{options, timer};

/// The first and the longest pause before it is looked again whether the order is decided.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

/// One payment that may have come late.
#[workflow]
pub struct LatePayments {
    input: LatePaymentInput,
    parked: ParkingLot,
    stage: &'static str,
}

/// What is known of a payment that came late.
struct Late {
    order: BookedOrder,
    captured: Money,
    refunded: Money,
}

/// Whether pieces may have been sold for a payment that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sold {
    Never,
    Perhaps,
}

#[workflow_methods]
impl LatePayments {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: LatePaymentInput) -> Self {
        Self { input, parked: ParkingLot::default(), stage: "asking" }
    }

    /// Sees to it that the money buys what it was meant for, or goes back.
    #[run(name = "late_payment")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<LatePaymentOutcome> {
        Self::show(ctx);
        let outcome = Self::deal(ctx).await;
        Self::at(ctx, "over");
        all_answered(ctx).await;
        Ok(outcome)
    }

    /// It is being dealt with: from here on it will be, whatever happens to the caller.
    #[update(name = "accepted")]
    pub fn accepted(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {}

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

    /// Operators: the order is not revived, and its money goes back.
    #[update(name = "abort")]
    pub fn abort(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Reasoned) {
        self.parked.decide(&Decision::Abort(by));
    }

    #[update_validator(abort)]
    fn validate_abort(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::Abort(by.clone()))?)
    }

    #[update_validator(write_off)]
    fn validate_write_off(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::WriteOff(by.clone()))?)
    }
}

impl LatePayments {
    /// Asks Stripe and the books until the order is decided, and does what is to be done.
    async fn deal(ctx: &WorkflowContext<Self>) -> LatePaymentOutcome {
        let policy = ctx.state(|s| s.input.policy.clone());
        let (mut waited, mut pause) = (Duration::ZERO, PAUSE.0);
        loop {
            let Some(seen) = Self::look(ctx).await else { return LatePaymentOutcome::GivenUp };
            let LateMoneySeen::Captured { captured, refunded } = seen else { return LatePaymentOutcome::Nothing };
            let order = match Self::read(ctx).await {
                Some(Some(order)) => order,
                Some(None) => {
                    // Perhaps the order of another shop under the same account of Stripe's: nobody's money is touched.
                    let unknown = "money was captured for an order that is not in the books".to_owned();
                    match Self::ask(ctx, READ, unknown).await {
                        None => continue,
                        Some(_) => return LatePaymentOutcome::GivenUp,
                    }
                }
                None => return LatePaymentOutcome::GivenUp,
            };
            let payment_intent = ctx.state(|s| s.input.payment_intent.clone());
            let late = Late { order, captured, refunded };
            match plan(&late.order, &payment_intent, captured, refunded) {
                Plan::Nothing => return LatePaymentOutcome::Nothing,
                Plan::Revive => {
                    return match Self::revive(ctx, &late).await {
                        Some(sequence) => Self::revived(ctx, &late, sequence).await,
                        None => Self::give_back(ctx, late, Sold::Perhaps).await,
                    };
                }
                Plan::GiveBack => {
                    // Whoever began to give it back may have tried to revive the order before.
                    let sold = if late.order.begun.is_some() { Sold::Perhaps } else { Sold::Never };
                    return Self::give_back(ctx, late, sold).await;
                }
                Plan::Wait if waited >= policy.tail_patience() => {
                    let stuck = "the checkout of the order does not come to an end".to_owned();
                    match Self::ask(ctx, READ, stuck).await {
                        None => (waited, pause) = (Duration::ZERO, PAUSE.0),
                        Some(_) => return LatePaymentOutcome::GivenUp,
                    }
                }
                Plan::Wait => {
                    Self::at(ctx, "waiting for the order to be decided");
                    timer::pause(ctx, pause, "Wait for the order to be decided").await;
                    waited += pause;
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    async fn look(ctx: &WorkflowContext<Self>) -> Option<LateMoneySeen> {
        let (payment, policy) = ctx.state(|s| (s.payment(), s.input.policy.clone()));
        let token = WorkflowCancellationToken::new();
        let looking = options::stripe(&policy, Some(&token), "Ask Stripe what was captured");
        let seen =
            Self::insist(ctx, LOOK, || ctx.execute_activity(LateMoney::look, payment.clone(), looking.clone())).await;
        match seen {
            Insisted::Done(seen) => Some(seen),
            Insisted::Ended(_) => None,
        }
    }

    async fn read(ctx: &WorkflowContext<Self>) -> Option<Option<BookedOrder>> {
        let (payment, policy) = ctx.state(|s| (s.payment(), s.input.policy.clone()));
        let token = WorkflowCancellationToken::new();
        let reading = options::database(&policy, Some(&token), "Read the order");
        let read =
            Self::insist(ctx, READ, || ctx.execute_local_activity(LateBooks::read, payment.clone(), reading.clone()));
        match read.await {
            Insisted::Done(order) => Some(order),
            Insisted::Ended(_) => None,
        }
    }

    /// Tells the customer and the world; neither waits for an outage of the other's system.
    async fn announce(
        ctx: &WorkflowContext<Self>,
        order: &BookedOrder,
        notice: Notice,
        event: Option<(u32, OrderEvent)>,
    ) {
        let (order_id, policy) = ctx.state(|s| (s.input.order_id.clone(), s.input.policy.clone()));
        let token = WorkflowCancellationToken::new();
        let mail_options = options::tail(&policy, &token, "Tell the customer");
        let mailing =
            Self::insist(ctx, SEND, || ctx.execute_activity(Notifications::send, notice.clone(), mail_options.clone()));
        let publishing = async {
            let Some((sequence, event)) = event else { return };
            let publish = Publish::new(order_id, order.caller.clone(), sequence, event);
            let publish_options = options::tail(&policy, &token, "Publish the event");
            let _ended = Self::insist(ctx, PUBLISH, || {
                ctx.execute_activity(Events::publish, publish.clone(), publish_options.clone())
            })
            .await;
        };
        let _both_ended = join!(mailing, publishing);
    }

    fn payment(&self) -> PaymentOfOrder {
        let LatePaymentInput { order_id, payment_intent, .. } = self.input.clone();
        PaymentOfOrder { order_id, payment_intent }
    }

    fn at(ctx: &WorkflowContext<Self>, stage: &'static str) {
        ctx.state_mut(|s| s.stage = stage);
        Self::show(ctx);
    }
}

impl Parks for LatePayments {
    fn parked(&self) -> &ParkingLot {
        &self.parked
    }

    fn parked_mut(&mut self) -> &mut ParkingLot {
        &mut self.parked
    }

    fn order_id(&self) -> Option<OrderId> {
        Some(self.input.order_id.clone())
    }

    fn stage(&self) -> &'static str {
        self.stage
    }

    fn details(&self) -> String {
        let LatePaymentInput { order_id, payment_intent, .. } = &self.input;
        let parked = self.parked.details();
        format!("**Order**: {order_id}\n\n**Payment**: {payment_intent}\n\n{parked}**Stage**: {}\n", self.stage)
    }
}
