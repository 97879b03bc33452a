//! The workflow: claim, give back, answer, announce.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use kassa_domain::{Caller, EmailAddress, OrderId};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult,
    workflows::join,
};

use super::give_back::settle;
use super::{GivenBack, RefundAnswer, RefundInput, RefundOutcome, give_back};
use crate::contracts::events::{Events, OrderEvent, PUBLISH, Publish};
use crate::contracts::notifications::{Notice, Notifications, SEND};
use crate::contracts::refunds::{CLAIM, RefundClaim, RefundClaimed, RefundEnded, RefundSettled, Refunds, SettleRefund};
use crate::options;
use crate::parking::{
    ByOperator, Decision, Insisted, Operator, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing,
    all_answered, detached, standing,
};
use crate::search_attributes::FAILURE_REASON;

/// From this patch on, a claim that an operator has ended is ended in the books, too.
const SETTLED_WHEN_TAKEN_OVER: &str = "settled-when-taken-over";

/// One refund from its request to its end.
#[workflow]
pub struct Refund {
    input: RefundInput,
    answer: Option<RefundAnswer>,
    parked: ParkingLot,
    claim: Option<(OrderId, RefundClaim)>,
    stage: &'static str,
}

/// What is known of a claim beside the claim itself.
struct About {
    order_id: OrderId,
    caller: Caller,
    email: EmailAddress,
}

#[workflow_methods]
impl Refund {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: RefundInput) -> Self {
        Self { input, answer: None, parked: ParkingLot::default(), claim: None, stage: "claiming" }
    }

    /// Gives the money back, and says what came of it.
    #[run(name = "refund")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<RefundOutcome> {
        Self::show(ctx);
        let outcome = Self::refund(ctx).await;
        Self::at(ctx, "over");
        all_answered(ctx).await;
        Ok(outcome)
    }

    /// What the caller is told; waits until Stripe has taken the refund or it is known that it cannot be made.
    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> RefundAnswer {
        let _detached = ctx.wait_condition_with_options(|s| s.answer.is_some(), detached()).await;
        ctx.state(|s| s.answer.clone()).expect("the condition was just met")
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

impl Refund {
    async fn refund(ctx: &WorkflowContext<Self>) -> RefundOutcome {
        let policy = ctx.state(|s| s.input.policy.clone());
        let (claim, about) = match Self::claim(ctx).await {
            Insisted::Done(RefundClaimed::Claimed {
                claim,
                order_id,
                caller,
                email,
                ended,
                fingerprint,
                request_id,
            }) => {
                // What was asked for first under this key is what counts.
                ctx.state_mut(|s| {
                    s.input.request.fingerprint = fingerprint;
                    s.input.request.request_id = request_id;
                    s.claim = Some((order_id.clone(), claim.clone()));
                });
                let amount = claim.amount;
                match ended {
                    None => (claim, About { order_id, caller, email }),
                    Some(RefundEnded::Succeeded) => return Self::answered(ctx, RefundOutcome::Succeeded { amount }),
                    Some(RefundEnded::Failed { code }) => return Self::failed(ctx, Some(claim), code),
                }
            }
            Insisted::Done(RefundClaimed::ExceedsCaptured { left }) => {
                return Self::answered(ctx, RefundOutcome::ExceedsCaptured { left });
            }
            Insisted::Done(RefundClaimed::UnknownPayment) => {
                return Self::answered(ctx, RefundOutcome::UnknownPayment);
            }
            Insisted::Ended(by) => return Self::taken_over(ctx, by).await,
        };

        Self::at(ctx, "giving the money back");
        let amount = claim.amount;
        let pending = |s: &mut Self| s.answer_once(RefundOutcome::Pending { amount });
        match give_back(ctx, &claim, None, &policy, pending).await {
            GivenBack::Succeeded { sequence } => {
                let outcome = Self::answered(ctx, RefundOutcome::Succeeded { amount });
                Self::at(ctx, "announcing");
                Self::announce(ctx, &claim, about, sequence).await;
                outcome
            }
            GivenBack::Failed { code } => Self::failed(ctx, Some(claim), code),
        }
    }

    async fn claim(ctx: &WorkflowContext<Self>) -> Insisted<RefundClaimed> {
        let RefundInput { request, policy } = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        let claim_options = options::database(&policy, Some(&token), "Claim the amount in the books");
        let claim = || ctx.execute_local_activity(Refunds::claim, request.clone(), claim_options.clone());
        Self::insist(ctx, CLAIM, claim).await
    }

    /// An operator has ended the claim. It may be in the books all the same, and would be made by whoever finds it there.
    async fn taken_over(ctx: &WorkflowContext<Self>, by: ByOperator) -> RefundOutcome {
        let RefundInput { request, policy } = ctx.state(|s| s.input.clone());
        let code = match by {
            ByOperator::Resolved { .. } => "made_by_hand",
            ByOperator::WrittenOff { .. } => "written_off",
        };
        let failed = || Self::failed(ctx, None, code.to_owned());
        if !ctx.patched(SETTLED_WHEN_TAKEN_OVER) {
            return failed();
        }
        let settlement = SettleRefund { refund_id: request.refund_id, end: by.into(), may_be_unclaimed: true };
        let RefundSettled::Settled { sequence: Some(sequence) } = settle(ctx, settlement, &policy).await else {
            return failed();
        };
        // It was in the books, and has succeeded by hand: claimed again, it tells whom and what this is about.
        let Insisted::Done(RefundClaimed::Claimed { claim, order_id, caller, email, .. }) = Self::claim(ctx).await
        else {
            return failed();
        };
        ctx.state_mut(|s| s.claim = Some((order_id.clone(), claim.clone())));
        let outcome = Self::answered(ctx, RefundOutcome::Succeeded { amount: claim.amount });
        Self::at(ctx, "announcing");
        Self::announce(ctx, &claim, About { order_id, caller, email }, Some(sequence)).await;
        outcome
    }

    /// Tells the customer and the world; neither waits for an outage of the other's system.
    async fn announce(ctx: &WorkflowContext<Self>, claim: &RefundClaim, about: About, sequence: Option<u32>) {
        let Some(sequence) = sequence else { return };
        let policy = ctx.state(|s| s.input.policy.clone());
        let token = WorkflowCancellationToken::new();
        let About { order_id, caller, email } = about;
        let RefundClaim { refund_id, amount, .. } = claim.clone();
        let event = OrderEvent::Refunded { refund_id: refund_id.clone(), amount };
        let publish = Publish::new(order_id.clone(), caller.clone(), sequence, event);
        let publish_options = options::tail(&policy, &token, "Publish the event");
        let publishing = Self::insist(ctx, PUBLISH, || {
            ctx.execute_activity(Events::publish, publish.clone(), publish_options.clone())
        });
        let mail = Notice::refunded(order_id, refund_id, caller, email, amount);
        let mail_options = options::tail(&policy, &token, "Tell the customer that the money is on its way");
        let mailing =
            Self::insist(ctx, SEND, || ctx.execute_activity(Notifications::send, mail.clone(), mail_options.clone()));
        let _both_ended = join!(mailing, publishing);
    }

    fn failed(ctx: &WorkflowContext<Self>, claim: Option<RefundClaim>, code: String) -> RefundOutcome {
        ctx.upsert_search_attributes([FAILURE_REASON.value_set(code.clone())]);
        Self::answered(ctx, RefundOutcome::Failed { amount: claim.map(|claim| claim.amount), code })
    }

    fn answered(ctx: &WorkflowContext<Self>, outcome: RefundOutcome) -> RefundOutcome {
        ctx.state_mut(|s| s.answer_once(outcome.clone()));
        outcome
    }

    /// The first answer stays the answer.
    fn answer_once(&mut self, outcome: RefundOutcome) {
        let request = &self.input.request;
        self.answer.get_or_insert_with(|| RefundAnswer {
            refund_id: request.refund_id.clone(),
            request_id: request.request_id.clone(),
            fingerprint: request.fingerprint.clone(),
            outcome,
        });
    }

    fn at(ctx: &WorkflowContext<Self>, stage: &'static str) {
        ctx.state_mut(|s| s.stage = stage);
        Self::show(ctx);
    }
}

impl Parks for Refund {
    fn parked(&self) -> &ParkingLot {
        &self.parked
    }

    fn parked_mut(&mut self) -> &mut ParkingLot {
        &mut self.parked
    }

    fn order_id(&self) -> Option<OrderId> {
        self.claim.as_ref().map(|(order_id, _)| order_id.clone())
    }

    fn stage(&self) -> &'static str {
        self.stage
    }

    fn details(&self) -> String {
        let claimed = self.claim.as_ref().map_or_else(
            || format!("**Payment**: {}", self.input.request.payment_id),
            |(order_id, claim)| format!("**Order**: {order_id}\n\n**Amount**: {}", claim.amount),
        );
        format!("{claimed}\n\n{}**Stage**: {}\n", self.parked.details(), self.stage)
    }
}
