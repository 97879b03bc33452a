//! The workflow: look, mend, look again, announce.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use kassa_domain::{Fingerprint, OrderId, OrderStatus, PaymentId, RefundId};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    LocalActivityOptions, SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView,
    WorkflowResult,
};

use super::{RecoveryInput, RecoveryOutcome};
use crate::contracts::inventory::{DEDUCT, Inventory, RELEASE, RESTOCK, Reservation};

use crate::contracts::recovery::{EXAMINE, Examine, Examined, Left, Recoveries};
use crate::contracts::refunds::{CLAIM, ClaimRefund, RefundClaim, RefundClaimed, Refunds};
use crate::options;
use crate::parking::{
    Decision, Insisted, Operator, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing, all_answered,
    standing,
};
use crate::refund::give_back;
use crate::search_attributes::ORDER_STATE;

/// One order from what was found about it to its rest.
#[workflow]
pub struct Recovery {
    pub(super) input: RecoveryInput,
    parked: ParkingLot,
    stage: &'static str,
}

#[workflow_methods]
impl Recovery {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: RecoveryInput) -> Self {
        Self { input, parked: ParkingLot::default(), stage: "looking" }
    }

    /// Brings the order to rest.
    #[run(name = "recovery")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<RecoveryOutcome> {
        Self::show(ctx);
        let outcome = Self::recover(ctx).await;
        Self::at(ctx, "over");
        all_answered(ctx).await;
        Ok(outcome)
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

impl Recovery {
    async fn recover(ctx: &WorkflowContext<Self>) -> RecoveryOutcome {
        let outcome = match Self::examine(ctx, false).await {
            None => return RecoveryOutcome::GivenUp,
            Some(Examined::Busy { workflow_id }) => return RecoveryOutcome::Busy { workflow_id },
            Some(Examined::Unknown) => {
                Self::return_stock(ctx).await;
                return RecoveryOutcome::Finished;
            }
            Some(Examined::Undecided { place, order, sessions, payment_intents }) => {
                Self::at(ctx, "taking everything back");
                let settle = Self::take_back(ctx, *place, order, sessions, payment_intents).await;
                let cancelled = OrderStatus::Cancelled.as_str().to_owned();
                ctx.upsert_search_attributes([ORDER_STATE.value_set(cancelled)]);
                if let Some(claim) = settle {
                    Self::make(ctx, claim).await;
                }
                RecoveryOutcome::TakenBack
            }
            Some(Examined::Ended { left }) => {
                Self::at(ctx, "doing what is left");
                if let Some(left) = Self::without_late_money(ctx, *left).await {
                    Self::finish(ctx, left).await;
                }
                RecoveryOutcome::Finished
            }
        };
        // What was done has numbered events of its own.
        Self::at(ctx, "announcing");
        match Self::examine(ctx, outcome == RecoveryOutcome::TakenBack).await {
            Some(Examined::Ended { left }) => Self::announce(ctx, *left).await,
            Some(Examined::Busy { .. } | Examined::Unknown | Examined::Undecided { .. }) | None => {}
        }
        outcome
    }

    async fn examine(ctx: &WorkflowContext<Self>, taken_back: bool) -> Option<Examined> {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        let looking = options::comparison(&policy, "Look at the order everywhere");
        let examine = Examine { order_id, taken_back };
        let examined =
            Self::insist(ctx, EXAMINE, || ctx.execute_activity(Recoveries::examine, examine.clone(), looking.clone()));
        match examined.await {
            Insisted::Done(examined) => Some(examined),
            Insisted::Ended(_) => None,
        }
    }

    /// What is left once late money is dealt with. An order that was revived by it has other things left to do.
    async fn without_late_money(ctx: &WorkflowContext<Self>, left: Left) -> Option<Left> {
        let Some(captured) = left.late.clone() else { return Some(left) };
        Self::late_money(ctx, captured).await;
        match Self::examine(ctx, false).await {
            Some(Examined::Ended { left }) => Some(*left),
            Some(Examined::Busy { .. } | Examined::Unknown | Examined::Undecided { .. }) | None => None,
        }
    }

    /// Does what is left of an order that has ended: the money first.
    async fn finish(ctx: &WorkflowContext<Self>, left: Left) {
        for claim in left.pending {
            Self::make(ctx, claim).await;
        }
        if left.owed.is_some() {
            Self::owed(ctx).await;
        }
        if left.is_sold && left.holds_stock {
            let (deduct, reservation) = Self::stock(ctx, "Turn the held stock into sold stock");
            let _ended = Self::insist(ctx, DEDUCT, || {
                ctx.execute_local_activity(Inventory::deduct, reservation.clone(), deduct.clone())
            })
            .await;
        }
        if !left.is_sold && (left.holds_stock || left.has_stock) {
            Self::return_stock(ctx).await;
        }
    }

    /// Claims what is left of the payment of a cancelled order, and gives it back.
    async fn owed(ctx: &WorkflowContext<Self>) {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        let claiming = options::database(&policy, Some(&token), "Claim the amount in the books");
        let request = ClaimRefund {
            refund_id: RefundId::of_recovery(&order_id),
            payment_id: PaymentId::of(&order_id),
            amount: None,
            reason: "recovered".to_owned(),
            fingerprint: Fingerprint::of(&super::workflow_id(&order_id)),
            request_id: super::workflow_id(&order_id),
        };
        let claimed =
            Self::insist(ctx, CLAIM, || ctx.execute_local_activity(Refunds::claim, request.clone(), claiming.clone()));
        if let Insisted::Done(RefundClaimed::Claimed { claim, ended: None, .. }) = claimed.await {
            Self::make(ctx, claim).await;
        }
    }

    /// Makes a refund that is claimed, and settles it.
    pub(super) async fn make(ctx: &WorkflowContext<Self>, claim: RefundClaim) {
        let policy = ctx.state(|s| s.input.policy.clone());
        let _ended = give_back(ctx, &claim, None, &policy, |_| {}).await;
    }

    /// Returns what is sold or held; whatever it is, nothing will be held for the order any more.
    pub(super) async fn return_stock(ctx: &WorkflowContext<Self>) {
        let (restock, reservation) = Self::stock(ctx, "Return sold stock");
        let _ended = Self::insist(ctx, RESTOCK, || {
            ctx.execute_local_activity(Inventory::restock, reservation.clone(), restock.clone())
        })
        .await;
        let (release, reservation) = Self::stock(ctx, "Return held stock");
        let _ended = Self::insist(ctx, RELEASE, || {
            ctx.execute_local_activity(Inventory::release, reservation.clone(), release.clone())
        })
        .await;
    }

    fn stock(ctx: &WorkflowContext<Self>, summary: &str) -> (LocalActivityOptions, Reservation) {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        (options::database(&policy, Some(&token), summary), Reservation { order_id })
    }

    pub(super) fn at(ctx: &WorkflowContext<Self>, stage: &'static str) {
        ctx.state_mut(|s| s.stage = stage);
        Self::show(ctx);
    }
}

impl Parks for Recovery {
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
        let RecoveryInput { order_id, found, .. } = &self.input;
        let parked = self.parked.details();
        format!("**Order**: {order_id}\n\n**Found**: {found}\n\n{parked}**Stage**: {}\n", self.stage)
    }
}
