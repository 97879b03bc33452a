//! Parking: a step that fails for good waits, visibly, for an operator's decision. Shared by all workflows.

mod failure;
mod operator;
mod standing;

use std::error::Error;

use kassa_domain::OrderId;
use temporalio_workflow::{ActivityExecutionError, WaitConditionOptions, WorkflowCancellationToken, WorkflowContext};

pub(crate) use self::failure::Failure;
pub(crate) use self::operator::{Decision, Direction, ParkingLot};
pub use self::operator::{Operator, Reasoned, Resolution};
pub(crate) use self::standing::standing;
pub use self::standing::{STANDING, Standing, Waiting};
use crate::search_attributes::{NEEDS_OPERATOR, ORDER_STATE, RESUMED};

/// What a validator answers to an update that makes no sense.
pub(crate) type Refused = Box<dyn Error + Send + Sync>;

/// What came of a step that had to be brought to an end.
pub(crate) enum Insisted<T> {
    /// It was done.
    Done(T),
    /// An operator ended it.
    Ended(ByOperator),
}

/// How an operator ends a step from which there is no other way.
pub(crate) enum ByOperator {
    /// It was done outside.
    Resolved {
        /// Where to find what was done.
        reference: String,
    },
    /// It is given up.
    WrittenOff {
        /// Why.
        reason: String,
    },
}

/// A workflow whose failing steps wait for an operator. It takes the operator's updates `retry`, `resolve` and
/// `write_off` (and `abort`, where something can still be taken back) and hands them to its [`ParkingLot`].
pub(crate) trait Parks: Sized + 'static {
    /// What waits.
    fn parked(&self) -> &ParkingLot;

    /// What waits.
    fn parked_mut(&mut self) -> &mut ParkingLot;

    /// The order that the workflow is about, if it is about one.
    fn order_id(&self) -> Option<OrderId>;

    /// Current details for the web UI, as Markdown. Never personal data: they are stored in clear text.
    fn details(&self) -> String;

    /// What it is at, in the fewest words: the wire name of an activity where there is one.
    fn stage(&self) -> &'static str;

    /// Shows the current details.
    fn show(ctx: &WorkflowContext<Self>) {
        ctx.set_current_details(ctx.state(Self::details));
    }

    /// Brings a step to an end that can still be taken back. Nobody is refunded because a database was slow: when
    /// patience runs out, an operator decides.
    async fn forward<T, F>(
        ctx: &WorkflowContext<Self>,
        step: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ActivityExecutionError>>,
    {
        loop {
            let message = match attempt().await.map_err(Failure::from) {
                Ok(done) => return Ok(done),
                Err(Failure::Permanent(message)) => return Err(Failure::Permanent(message)),
                Err(Failure::Exhausted(message)) => message,
            };
            match Self::park(ctx, step, Direction::Forward, message).await {
                Decision::Abort(_) => return Err(Failure::Permanent("aborted by an operator".to_owned())),
                Decision::Retry(_) | Decision::Resolve(_) | Decision::WriteOff(_) => {}
            }
        }
    }

    /// Brings a step to an end from which there is no other way; what fails after its retries waits for an operator.
    async fn insist<T, E, F>(ctx: &WorkflowContext<Self>, step: &'static str, attempt: impl Fn() -> F) -> Insisted<T>
    where
        F: Future<Output = Result<T, E>>,
        Failure: From<E>,
    {
        loop {
            let failure = match attempt().await {
                Ok(done) => return Insisted::Done(done),
                Err(error) => Failure::from(error),
            };
            if let Some(ended) = Self::ask(ctx, step, failure.into_message()).await {
                return Insisted::Ended(ended);
            }
        }
    }

    /// Parks a step from which there is no other way, and tells how the operator ended it; nothing if it is to be tried
    /// again.
    async fn ask(ctx: &WorkflowContext<Self>, step: &'static str, error: String) -> Option<ByOperator> {
        match Self::park(ctx, step, Direction::Only, error).await {
            Decision::Retry(_) | Decision::Abort(_) => None,
            Decision::Resolve(by) => Some(ByOperator::Resolved { reference: by.reference }),
            Decision::WriteOff(by) => Some(ByOperator::WrittenOff { reason: by.reason }),
        }
    }

    /// Waits until an operator has decided about a failed step.
    async fn park(ctx: &WorkflowContext<Self>, step: &'static str, direction: Direction, error: String) -> Decision {
        if !ctx.is_replaying() {
            let order_id = ctx.state(Self::order_id);
            let order_id = order_id.as_ref().map(tracing::field::display);
            let workflow = ctx.workflow_id();
            tracing::error!(order.id = order_id, workflow, step, error, "parked: a step waits for an operator");
        }
        let before = ctx.search_attributes().get(&ORDER_STATE);
        ctx.state_mut(|s| s.parked_mut().park(step, direction, error, before));
        Self::show(ctx);
        ctx.upsert_search_attributes([ORDER_STATE.value_set(NEEDS_OPERATOR.to_owned())]);
        let _detached = ctx.wait_condition_with_options(|s| s.parked().is_decided(step), detached()).await;
        let decision = ctx.state_mut(|s| s.parked_mut().leave(step));
        if ctx.state(|s| s.parked().is_empty()) {
            let state = ctx.state(|s| s.parked().state_before().unwrap_or(RESUMED).to_owned());
            ctx.upsert_search_attributes([ORDER_STATE.value_set(state)]);
        }
        Self::show(ctx);
        decision
    }
}

/// Options of a wait that goes on when the workflow is cancelled.
pub(crate) fn detached() -> WaitConditionOptions {
    WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build()
}

/// Waits until every caller has its answer: a run that closes before would lose it.
pub(crate) async fn all_answered<W: 'static>(ctx: &WorkflowContext<W>) {
    let handlers = ctx.clone();
    let _detached = ctx.wait_condition_with_options(move |_| handlers.all_handlers_finished(), detached()).await;
}
