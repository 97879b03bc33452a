//! Bringing a step to an end, with an operator's help where the engine's retries are not enough.

use kassa_domain::OrderStatus;
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_workflow::{ActivityExecutionError, WorkflowContext};

use super::{Checkout, detached};
use crate::checkout::operator::{Decision, Direction};
use crate::checkout::step::Step;
use crate::search_attributes::{NEEDS_OPERATOR, ORDER_STATE};

/// Why a step did not succeed.
pub(super) enum Failure {
    /// Trying again would not help: the outside system says no for good, or the workflow was cancelled.
    Permanent(String),
    /// It might help, but patience has run out.
    Exhausted(String),
}

impl From<ActivityExecutionError> for Failure {
    fn from(error: ActivityExecutionError) -> Self {
        let ActivityExecutionError::Failed(failed) = &error else { return Self::Permanent(error.to_string()) };
        let reported = failed.failure();
        // What a regular activity said is the cause of what the engine reports; a local activity's own words are
        // reported as they are.
        let own = match (&reported.failure_info, &reported.cause) {
            (Some(FailureInfo::ActivityFailureInfo(_)), Some(cause)) => cause,
            _ => reported,
        };
        match &own.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info)) if info.non_retryable => {
                Self::Permanent(own.message.clone())
            }
            _ => Self::Exhausted(own.message.clone()),
        }
    }
}

impl Failure {
    pub(super) fn into_message(self) -> String {
        match self {
            Self::Permanent(message) | Self::Exhausted(message) => message,
        }
    }
}

/// What came of a step that had to be brought to an end.
pub(super) enum Insisted<T> {
    Done(T),
    ByHand { reference: String },
    GivenUp,
}

impl Checkout {
    /// Brings a step of a paid order to an end. Nobody is refunded because a database was slow: when patience runs
    /// out, an operator decides.
    pub(super) async fn forward<T, F>(
        ctx: &WorkflowContext<Self>,
        step: Step,
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
            match Self::park(ctx, step.activity(), Direction::Forward, message).await {
                Decision::Abort => return Err(Failure::Permanent("aborted by an operator".to_owned())),
                Decision::Retry | Decision::Resolve { .. } | Decision::WriteOff => {}
            }
        }
    }

    /// Brings a step to an end from which there is no other way; what fails after its retries waits for an operator.
    pub(super) async fn insist<T, F>(
        ctx: &WorkflowContext<Self>,
        step: &'static str,
        attempt: impl Fn() -> F,
    ) -> Insisted<T>
    where
        F: Future<Output = Result<T, ActivityExecutionError>>,
    {
        loop {
            let failure = match attempt().await {
                Ok(done) => return Insisted::Done(done),
                Err(error) => Failure::from(error),
            };
            match Self::park(ctx, step, Direction::Only, failure.into_message()).await {
                Decision::Retry | Decision::Abort => {}
                Decision::Resolve { reference } => return Insisted::ByHand { reference },
                Decision::WriteOff => return Insisted::GivenUp,
            }
        }
    }

    /// Waits until an operator has decided about a failed step.
    async fn park(ctx: &WorkflowContext<Self>, step: &'static str, direction: Direction, error: String) -> Decision {
        let before = ctx.search_attributes().get(&ORDER_STATE);
        if !ctx.is_replaying() {
            let order_id = ctx.state(|s| s.input.order.order_id.clone());
            tracing::error!(order.id = %order_id, step, error, "the order is parked and waits for an operator");
        }
        ctx.state_mut(|s| s.parked.park(step, direction, error));
        Self::show(ctx);
        ctx.upsert_search_attributes([ORDER_STATE.value_set(NEEDS_OPERATOR.to_owned())]);
        let _detached = ctx.wait_condition_with_options(|s| s.parked.is_decided(step), detached()).await;
        let decision = ctx.state_mut(|s| s.parked.leave(step));
        if ctx.state(|s| s.parked.is_empty()) {
            let state = before.filter(|state| state != NEEDS_OPERATOR);
            let state = state.unwrap_or_else(|| OrderStatus::Pending.as_str().to_owned());
            ctx.upsert_search_attributes([ORDER_STATE.value_set(state)]);
        }
        Self::show(ctx);
        decision
    }
}
