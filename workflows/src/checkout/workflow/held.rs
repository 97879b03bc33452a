//! Waiting before the charge while the payment provider is spared.
//!
//! A held order keeps its stock, and looks by itself whether the valve is open again: a durable timer and a local
//! activity, less and less often. Once it is open, the order has a place in the drain and waits for it.

use std::time::Duration;

use kassa_domain::OrderStatus;
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

use super::Checkout;
use crate::checkout::Policy;
use crate::contracts::awaited::Opened;
use crate::contracts::payments::Charged;
use crate::contracts::valve::{Admission, Admit, Held, Standing, Valve};
use crate::options;
use crate::parking::{Failure, Parks};
use crate::search_attributes::HELD;
use crate::timer::wait_within;

/// The longest pause between two looks at the valve, and so the longest that an order is late once it is open.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What is known of an order at the valve.
#[derive(Debug, Default)]
pub(super) struct AtValve {
    /// Whether it is held now.
    pub(super) held: bool,
    /// When it came there, since 1970.
    came: Option<Duration>,
    /// When it was first held, since 1970.
    since: Option<Duration>,
}

impl AtValve {
    /// When the provider may have been asked for the first time, for an order that has been held since.
    pub(super) fn first_tried(&self) -> Option<Duration> {
        self.came.filter(|_| self.since.is_some())
    }
}

/// An answer that may be that the provider was not asked.
pub(super) trait MayBeHeld {
    fn is_held(&self) -> bool;
}

impl MayBeHeld for Charged {
    fn is_held(&self) -> bool {
        match self {
            Self::Held => true,
            Self::Captured { .. } | Self::Declined { .. } | Self::Awaiting { .. } => false,
        }
    }
}

impl MayBeHeld for Opened {
    fn is_held(&self) -> bool {
        match self {
            Self::Held => true,
            Self::Open { .. } | Self::Declined { .. } => false,
        }
    }
}

impl Checkout {
    /// Asks the provider, as soon as the valve lets the order through; nothing if that is not as long as it may be held.
    pub(super) async fn through_valve<T, F>(
        ctx: &WorkflowContext<Self>,
        ask: impl Fn() -> F,
    ) -> Result<Option<T>, Failure>
    where
        T: MayBeHeld,
        F: Future<Output = Result<T, Failure>>,
    {
        let now = Self::now(ctx);
        ctx.state_mut(|s| {
            s.valve.came.get_or_insert(now);
        });
        loop {
            let answer = ask().await?;
            if !answer.is_held() {
                return Ok(Some(answer));
            }
            if !Self::wait_for_turn(ctx).await? {
                return Ok(None);
            }
        }
    }

    /// Whether the provider has certainly never heard of an order that was held, so that it need not be asked what became of
    /// the charge. While it is down, asking would keep the stock of every order that could not wait any longer.
    ///
    /// What the history says does not count: a workflow task that is lost takes with it what it has done. What counts is
    /// that the valve is closed at this moment, and has been since before the order was there.
    pub(super) async fn is_untouched(ctx: &WorkflowContext<Self>) -> bool {
        if ctx.state(|s| s.valve.since.is_none()) {
            return false;
        }
        let token = WorkflowCancellationToken::new();
        let looking = options::once(&token, "See whether the payment provider can have heard of the order");
        match ctx.execute_local_activity(Valve::look, (), looking).await {
            Ok(Standing::Closed { held }) => ctx.state(|s| began_behind(s.input.started_at, held, &s.input.policy)),
            Ok(Standing::Open) | Err(_) => false,
        }
    }

    /// Waits for the order's turn; false if it may not be held any longer.
    async fn wait_for_turn(ctx: &WorkflowContext<Self>) -> Result<bool, Failure> {
        let now = Self::now(ctx);
        let since = ctx.state_mut(|s| *s.valve.since.get_or_insert(now));
        let end = since + ctx.state(|s| s.input.policy.hold());
        Self::show_held(ctx, true);
        Self::set_state(ctx, HELD, None, None);
        let admitted = Self::turn(ctx, end).await;
        Self::show_held(ctx, false);
        // What ends here is taken back, and shows so in the end.
        if let Ok(true) = admitted {
            Self::set_state(ctx, OrderStatus::Pending.as_str(), None, None);
        }
        admitted
    }

    async fn turn(ctx: &WorkflowContext<Self>, end: Duration) -> Result<bool, Failure> {
        let (order_id, policy) = ctx.state(|s| (s.input.order.order_id.clone(), s.input.policy.clone()));
        let mut pause = policy.valve_look();
        while let Some(left) = end.checked_sub(Self::now(ctx)).filter(|left| !left.is_zero()) {
            Self::pause(ctx, pause.min(left)).await?;
            let looking = options::once(&ctx.cancellation_token(), "See whether orders may be charged again");
            let admit = Admit { order_id: order_id.clone() };
            let turn = match ctx.execute_local_activity(Valve::admit, admit, looking).await.map_err(Failure::from) {
                Ok(Admission::Turn { at }) => Duration::from_millis(u64::try_from(at).unwrap_or_default()),
                // The store may be back by the next look.
                Ok(Admission::Closed) | Err(Failure::Exhausted(_)) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
                Err(permanent) => return Err(permanent),
            };
            match turn.checked_sub(Self::now(ctx)).filter(|wait| !wait.is_zero()) {
                None => return Ok(true),
                // An operator may close it meanwhile, or have it drain faster.
                Some(wait) => pause = wait.min(LONGEST_PAUSE),
            }
        }
        Ok(false)
    }

    async fn pause(ctx: &WorkflowContext<Self>, pause: Duration) -> Result<(), Failure> {
        if wait_within(ctx, pause, "Held until the next look at the valve", |_| false).await {
            Ok(())
        } else {
            Err(Failure::Permanent("the order was cancelled while it was held".to_owned()))
        }
    }

    fn show_held(ctx: &WorkflowContext<Self>, held: bool) {
        ctx.state_mut(|s| {
            s.valve.held = held;
            s.progress.held = held;
        });
        Self::show(ctx);
    }
}

/// Whether an order began when the valve had been closed for so long that no worker took it for open any more.
fn began_behind(started_at: Option<i64>, held: Held, policy: &Policy) -> bool {
    let settled = i64::try_from(policy.valve_settle_ms).ok().and_then(|settle| held.closed_at.checked_add(settle));
    matches!((started_at, settled), (Some(started), Some(settled)) if started >= settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_order_that_began_well_after_the_valve_was_closed_is_untouched() {
        let policy = Policy { valve_settle_ms: 60_000, ..Policy::default() };
        let began = |started_at| began_behind(started_at, Held { closed_at: 1_000_000 }, &policy);
        assert!(began(Some(1_060_000)));
        assert!(!began(Some(1_059_999)));
        assert!(!began(Some(0)));
        assert!(!began(None), "an order of a version that did not say when it began");
        assert!(!began_behind(Some(i64::MAX), Held { closed_at: i64::MAX }, &policy));
    }
}
