//! Making a refund that is claimed: at Stripe, then in the books. Used by every workflow that owes somebody money.

use std::time::Duration;

use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

use crate::checkout::Policy;
use crate::contracts::payments::{CREATE_REFUND, CreateRefund, Payments, RefundProgress};
use crate::contracts::refunds::{RefundClaim, RefundEnd, RefundSettled, Refunds, SETTLE, SettleRefund};
use crate::parking::{ByOperator, Insisted, Parks};
use crate::{options, timer};

/// The first and the longest pause before a pending refund is asked after again. Cards settle within seconds; banks
/// take days, and nobody waits for them by the minute.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(6));

/// How a refund that was claimed has ended.
pub(crate) enum GivenBack {
    /// The money went back.
    Succeeded {
        /// The sequence of the event that announces it; none if an operator took the books over.
        sequence: Option<u32>,
    },
    /// No money went back.
    Failed {
        /// Why, as a stable code.
        code: String,
    },
}

/// Makes a refund that is claimed, unless its end is decided already, and records how it ended. `pending` is told if
/// Stripe takes its time. Nothing here can be cancelled: the claim is in the books, and has to be settled.
pub(crate) async fn give_back<W: Parks>(
    ctx: &WorkflowContext<W>,
    claim: &RefundClaim,
    mut decided: Option<RefundEnd>,
    policy: &Policy,
    pending: impl Fn(&mut W),
) -> GivenBack {
    let mut attempt = 1;
    loop {
        let end = match decided.take() {
            Some(end) => end,
            None => make(ctx, claim, attempt, policy, &pending).await,
        };
        let settlement = SettleRefund { refund_id: claim.refund_id.clone(), end: end.clone(), may_be_unclaimed: false };
        let settled = settle(ctx, settlement, policy).await;
        let code = match (settled, end) {
            (RefundSettled::Settled { sequence }, RefundEnd::Succeeded { .. }) => {
                return GivenBack::Succeeded { sequence };
            }
            (RefundSettled::Settled { .. }, RefundEnd::Failed { code }) => return GivenBack::Failed { code },
            (RefundSettled::Settled { .. } | RefundSettled::Owed, RefundEnd::WrittenOff { .. }) => {
                return GivenBack::Failed { code: "written_off".to_owned() };
            }
            (RefundSettled::Owed, RefundEnd::Failed { code }) => code,
            (RefundSettled::Owed, RefundEnd::Succeeded { .. }) => return GivenBack::Succeeded { sequence: None },
        };
        let owed = format!("Stripe refused the refund ({code}), and the order is cancelled: the money is owed");
        match W::ask(ctx, CREATE_REFUND, owed).await {
            None => attempt += 1,
            Some(by) => decided = Some(by.into()),
        }
    }
}

/// Asks Stripe until it has made or refused the refund.
pub(crate) async fn make<W: Parks>(
    ctx: &WorkflowContext<W>,
    claim: &RefundClaim,
    attempt: u32,
    policy: &Policy,
    pending: impl Fn(&mut W),
) -> RefundEnd {
    let request = CreateRefund {
        refund_id: claim.refund_id.clone(),
        payment_intent: claim.payment_intent.clone(),
        amount: claim.amount,
        attempt,
    };
    let token = WorkflowCancellationToken::new();
    let options = options::stripe(policy, Some(&token), "Give the money back");
    let (mut waited, mut pause) = (Duration::ZERO, PAUSE.0);
    loop {
        let asked = W::insist(ctx, CREATE_REFUND, || {
            ctx.execute_activity(Payments::create_refund, request.clone(), options.clone())
        });
        let refund = match asked.await {
            Insisted::Done(RefundProgress::Succeeded { refund }) => return RefundEnd::Succeeded { reference: refund },
            Insisted::Done(RefundProgress::Failed { code }) => return RefundEnd::Failed { code },
            Insisted::Done(RefundProgress::Pending { refund }) => refund,
            Insisted::Ended(by) => return by.into(),
        };
        ctx.state_mut(|s| pending(s));
        if waited >= policy.refund_patience() {
            let stuck = format!("the refund {refund} is still pending at Stripe");
            match W::ask(ctx, CREATE_REFUND, stuck).await {
                None => (waited, pause) = (Duration::ZERO, PAUSE.0),
                Some(by) => return by.into(),
            }
        } else {
            timer::pause(ctx, pause, "Wait for the pending refund").await;
            waited += pause;
            pause = (pause * 2).min(PAUSE.1);
        }
    }
}

/// Records the end. If an operator took this over, the books are the operator's.
pub(super) async fn settle<W: Parks>(
    ctx: &WorkflowContext<W>,
    settlement: SettleRefund,
    policy: &Policy,
) -> RefundSettled {
    let token = WorkflowCancellationToken::new();
    let options = options::database(policy, Some(&token), "Record how the refund ended");
    let settled =
        W::insist(ctx, SETTLE, || ctx.execute_local_activity(Refunds::settle, settlement.clone(), options.clone()));
    match settled.await {
        Insisted::Done(settled) => settled,
        Insisted::Ended(_) => RefundSettled::Settled { sequence: None },
    }
}

impl From<ByOperator> for RefundEnd {
    fn from(by: ByOperator) -> Self {
        match by {
            ByOperator::Resolved { reference } => Self::Succeeded { reference },
            ByOperator::WrittenOff { reason } => Self::WrittenOff { reason },
        }
    }
}
