//! The workflow: stop the checkout if it still runs, cancel, answer, put everything back, announce.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use std::time::Duration;

use kassa_domain::{Caller, OrderId, OrderStatus};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SignalWorkflowOptions, SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView,
    WorkflowResult, workflows::join,
};

use super::{CancellationInput, CancellationOutcome};
use crate::contracts::events::{Events, OrderEvent, PUBLISH, Publish};
use crate::contracts::inventory::{Inventory, RESTOCK, Reservation};
use crate::contracts::notifications::{Notice, Notifications, SEND};
use crate::contracts::orders::{CANCEL_SALE, CancelSale, Orders, SaleCancelled, Told};
use crate::contracts::refunds::RefundClaim;
use crate::parking::{
    ByOperator, Decision, Insisted, Operator, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing,
    all_answered, detached, standing,
};
use crate::refund::{GivenBack, give_back};
use crate::search_attributes::{FAILURE_REASON, ORDER_STATE};
use crate::{options, timer};

/// The first and the longest pause before it is looked again how the checkout ended. Mostly it ends at once; one that
/// waits for an operator may take a day.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_mins(10));

/// One order from the wish to cancel it to its end.
#[workflow]
pub struct Cancellation {
    input: CancellationInput,
    outcome: Option<CancellationOutcome>,
    parked: ParkingLot,
    stage: &'static str,
}

/// The checkout of an undecided order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checkout {
    /// It does not know yet that it is to stop.
    NotAsked,
    /// It knows, and comes to its end.
    Asked,
    /// It has ended before.
    Over,
}

/// A sale that was cancelled.
struct Sale {
    told: Told,
    owed: Option<RefundClaim>,
}

#[workflow_methods]
impl Cancellation {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: CancellationInput) -> Self {
        Self { input, outcome: None, parked: ParkingLot::default(), stage: "cancelling" }
    }

    /// Cancels the order, and puts everything back.
    #[run(name = "cancellation")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<CancellationOutcome> {
        Self::show(ctx);
        let (outcome, sale) = Self::cancel(ctx).await;
        ctx.state_mut(|s| s.outcome = Some(outcome.clone()));
        if let Some(sale) = sale {
            let state = ORDER_STATE.value_set(OrderStatus::Cancelled.as_str().to_owned());
            let reason = ctx.state(|s| s.input.by.reason());
            ctx.upsert_search_attributes([state, FAILURE_REASON.value_set(reason.to_owned())]);
            Self::at(ctx, "putting everything back");
            Self::put_back(ctx, &sale).await;
        }
        Self::at(ctx, "over");
        all_answered(ctx).await;
        Ok(outcome)
    }

    /// What the caller is told; waits until it is decided whether the order is cancelled.
    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> CancellationOutcome {
        let _detached = ctx.wait_condition_with_options(|s| s.outcome.is_some(), detached()).await;
        ctx.state(|s| s.outcome.clone()).expect("the condition was just met")
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
}

impl Cancellation {
    /// Cancels the order in the books. One whose checkout still runs is asked to stop, once, and it is waited for how it
    /// ends: taken back, or confirmed in the meantime and then cancelled here.
    async fn cancel(ctx: &WorkflowContext<Self>) -> (CancellationOutcome, Option<Sale>) {
        let CancellationInput { order_id, by, motive, policy } = ctx.state(|s| s.input.clone());
        let request = CancelSale { order_id, reason: by.reason().to_owned(), motive };
        let token = WorkflowCancellationToken::new();
        let cancel_options = options::database(&policy, Some(&token), "Write the order as CANCELLED");
        let (mut checkout, mut waited, mut pause) = (Checkout::NotAsked, Duration::ZERO, PAUSE.0);
        loop {
            let cancelling = Self::insist(ctx, CANCEL_SALE, || {
                ctx.execute_local_activity(Orders::cancel_sale, request.clone(), cancel_options.clone())
            });
            match cancelling.await {
                Insisted::Done(SaleCancelled::Cancelled { told, owed }) => {
                    let refund_id = owed.as_ref().map(|claim| claim.refund_id.clone());
                    return (CancellationOutcome::Cancelled { refund_id }, Some(Sale { told, owed }));
                }
                Insisted::Done(SaleCancelled::NotSold { reason }) => {
                    return (CancellationOutcome::NotSold { reason }, None);
                }
                Insisted::Done(SaleCancelled::TooLate { status }) => {
                    return (CancellationOutcome::TooLate { status }, None);
                }
                Insisted::Done(SaleCancelled::Undecided) => {}
                Insisted::Ended(ByOperator::Resolved { .. } | ByOperator::WrittenOff { .. }) => {
                    return (CancellationOutcome::GivenUp, None);
                }
            }
            if checkout == Checkout::NotAsked {
                checkout = Self::stop_checkout(ctx, &request).await;
                if checkout == Checkout::Over {
                    continue;
                }
            }
            let stuck = match checkout {
                Checkout::Over => Some("the checkout of the order has ended and left it undecided"),
                _ if waited >= policy.tail_patience() => Some("the checkout of the order does not come to an end"),
                Checkout::NotAsked | Checkout::Asked => None,
            };
            if let Some(stuck) = stuck {
                match Self::ask(ctx, CANCEL_SALE, stuck.to_owned()).await {
                    None => (checkout, waited, pause) = (Checkout::NotAsked, Duration::ZERO, PAUSE.0),
                    Some(_) => return (CancellationOutcome::GivenUp, None),
                }
            } else {
                timer::pause(ctx, pause, "Wait for the checkout to end").await;
                waited += pause;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }

    /// Asks the checkout to stop. One that has ended does not: either it has decided the order since it was looked at,
    /// or it was ended from outside, and nobody will.
    async fn stop_checkout(ctx: &WorkflowContext<Self>, request: &CancelSale) -> Checkout {
        Self::at(ctx, "stopping the checkout");
        let checkout = ctx.external_workflow(crate::workflow_id(&request.order_id), None);
        // Cancelling what has ended counts as a success; waking it does not.
        let _taken = checkout.cancel(Some(request.reason.clone())).await;
        let waking = SignalWorkflowOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build();
        match checkout.signal(crate::checkout::Checkout::payment_changed, (), waking).await {
            Ok(()) => Checkout::Asked,
            Err(_) => Checkout::Over,
        }
    }

    /// The money, the stock and the news; none waits for an outage of what the others need.
    async fn put_back(ctx: &WorkflowContext<Self>, sale: &Sale) {
        let CancellationInput { order_id, by, policy, .. } = ctx.state(|s| s.input.clone());
        let money = async {
            let claim = sale.owed.as_ref()?;
            match give_back(ctx, claim, None, &policy, |_| {}).await {
                GivenBack::Succeeded { sequence } => sequence.map(|sequence| (sequence, claim)),
                GivenBack::Failed { .. } => None,
            }
        };
        let rest = async {
            let token = WorkflowCancellationToken::new();
            let restock = options::database(&policy, Some(&token), "Return sold stock");
            let reservation = Reservation { order_id: order_id.clone() };
            Self::insist(ctx, RESTOCK, || {
                ctx.execute_local_activity(Inventory::restock, reservation.clone(), restock.clone())
            })
            .await;
            let event = OrderEvent::Cancelled { reason: by.reason().to_owned() };
            let publishing = Self::publish(ctx, &sale.told.caller, sale.told.event_sequence, event);
            join!(Self::mail(ctx, sale), publishing);
        };
        let (refunded, ()) = join!(money, rest);
        if let Some((sequence, claim)) = refunded {
            let event = OrderEvent::Refunded { refund_id: claim.refund_id.clone(), amount: claim.amount };
            Self::publish(ctx, &sale.told.caller, sequence, event).await;
        }
    }

    async fn mail(ctx: &WorkflowContext<Self>, sale: &Sale) {
        let CancellationInput { order_id, by, policy, .. } = ctx.state(|s| s.input.clone());
        let Told { caller, email, .. } = sale.told.clone();
        let refunded = sale.owed.as_ref().map(|claim| claim.amount);
        let mail = Notice::order_cancelled(order_id, caller, email, by.reason().to_owned(), refunded);
        let token = WorkflowCancellationToken::new();
        let mail_options = options::tail(&policy, &token, "Tell the customer that the order is cancelled");
        Self::insist(ctx, SEND, || ctx.execute_activity(Notifications::send, mail.clone(), mail_options.clone())).await;
    }

    async fn publish(ctx: &WorkflowContext<Self>, caller: &Caller, sequence: u32, event: OrderEvent) {
        let (order_id, policy) = ctx.state(|s| (s.input.order_id.clone(), s.input.policy.clone()));
        let publish = Publish::new(order_id, caller.clone(), sequence, event);
        let token = WorkflowCancellationToken::new();
        let publish_options = options::tail(&policy, &token, "Publish the event");
        Self::insist(ctx, PUBLISH, || ctx.execute_activity(Events::publish, publish.clone(), publish_options.clone()))
            .await;
    }

    fn at(ctx: &WorkflowContext<Self>, stage: &'static str) {
        ctx.state_mut(|s| s.stage = stage);
        Self::show(ctx);
    }
}

impl Parks for Cancellation {
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
        let refused = match &self.outcome {
            Some(CancellationOutcome::TooLate { status }) => format!("**Not cancelled**: the order is {status}\n\n"),
            _ => String::new(),
        };
        format!("**Order**: {}\n\n{}{refused}**Stage**: {}\n", self.input.order_id, self.parked.details(), self.stage)
    }
}
