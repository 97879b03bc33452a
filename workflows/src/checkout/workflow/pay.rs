//! Getting the order paid: at once, or by a customer who is waited for.

use std::time::{Duration, UNIX_EPOCH};

use kassa_domain::{OrderStatus, PricedOrder};
use temporalio_workflow::WorkflowContext;

use super::Checkout;
use crate::checkout::details::Awaiting;
use crate::checkout::step::Step;
use crate::checkout::{CheckoutOutcome, Payment};
use crate::contracts::awaited::{Awaited, AwaitedPayments, OpenPage, Opened, Pending, ReturnUrls, Seen};
use crate::contracts::orders::{AwaitPayment, Orders};
use crate::contracts::payments::{Captured, Charge};
use crate::options;
use crate::parking::{Failure, Parks};
use crate::timer::wait_within;

/// The longest pause between two looks at a payment that is waited for. A webhook usually comes first.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// How long Stripe lets a page stay open: at least, and at most less what its clock may be ahead of ours.
const PAGE_LIFETIME: (Duration, Duration) = (Duration::from_mins(30), Duration::from_mins(24 * 60 - 5));

/// How much longer than the order may be held and then waits its page stays open, beside what opening it may take.
const PAGE_SLACK: Duration = Duration::from_mins(5);

/// How paying ended.
pub(super) enum Paid {
    /// The money is ours.
    Captured(Captured),
    /// It is not to be.
    No(CheckoutOutcome),
}

/// Where the customer pays, or authenticates a payment.
pub(super) struct Place {
    /// A page for it.
    pub(super) url: Option<String>,
    /// What Stripe's own code needs to do it where the customer is.
    pub(super) client_secret: Option<String>,
}

impl Checkout {
    /// Has the order paid as its customer asked for.
    pub(super) async fn pay(ctx: &WorkflowContext<Self>, order: &PricedOrder) -> Result<Paid, Failure> {
        let (pending, place) = match ctx.state(|s| s.input.payment.clone()) {
            Payment::Card { payment_method, return_url } => {
                let charge = || {
                    let order_id = ctx.state(|s| s.input.order.order_id.clone());
                    let (payment_method, return_url) = (payment_method.clone(), return_url.clone());
                    let first_tried_at = Self::first_tried(ctx);
                    let amount = order.total;
                    Self::charge(
                        ctx,
                        Charge { order_id, attempt: 1, amount, payment_method, return_url, first_tried_at },
                    )
                };
                return match Self::through_valve(ctx, charge).await? {
                    Some(charged) => Self::with_cards(ctx, order.total, charged).await,
                    None => Ok(Paid::No(CheckoutOutcome::PaymentUnavailable)),
                };
            }
            Payment::Page { page } => {
                match Self::through_valve(ctx, || Self::open_page(ctx, order, page.clone())).await? {
                    Some(Opened::Open { session, url }) => {
                        (Pending::Page { session }, Place { url: Some(url), client_secret: None })
                    }
                    Some(Opened::Declined { decline }) => return Ok(Paid::No(CheckoutOutcome::Declined { decline })),
                    Some(Opened::Held) | None => return Ok(Paid::No(CheckoutOutcome::PaymentUnavailable)),
                }
            }
        };
        ctx.state_mut(|s| s.pending = Some(pending.clone()));
        Self::await_payment(ctx, Awaited { amount: order.total, pending }, place).await
    }

    async fn open_page(ctx: &WorkflowContext<Self>, order: &PricedOrder, urls: ReturnUrls) -> Result<Opened, Failure> {
        let (placed, policy) = ctx.state(|s| (s.input.order.clone(), s.input.policy.clone()));
        // Stripe counts its minimum from the attempt that opens the page, which may be the last one, after the order was held.
        let lifetime = policy.hold() + policy.hold().max(PAGE_LIFETIME.0) + policy.patience() + PAGE_SLACK;
        let expires_at = Self::now(ctx) + lifetime.min(PAGE_LIFETIME.1);
        let page = OpenPage {
            order_id: placed.order_id,
            lines: order.lines.clone(),
            amount: order.total,
            email: placed.email,
            urls,
            expires_at: seconds(expires_at),
        };
        // Another attempt and the undo repeat the very same request, so it is kept before it is sent.
        let page = ctx.state_mut(|s| s.page.get_or_insert(page).clone());
        let opening = options::stripe(&policy, None, "Open the page on which the customer pays");
        ctx.execute_activity(AwaitedPayments::open_page, page, opening).await.map_err(Failure::from)
    }

    /// Tells the caller where the customer pays, and waits for that until the hold ends. A webhook only wakes the order; what
    /// counts is what Stripe says when it is asked.
    pub(super) async fn await_payment(
        ctx: &WorkflowContext<Self>,
        awaited: Awaited,
        Place { url: payment_url, client_secret }: Place,
    ) -> Result<Paid, Failure> {
        let (order_id, policy) = ctx.state(|s| (s.input.order.order_id.clone(), s.input.policy.clone()));
        let end = Self::hold_end(ctx);
        let marking = options::database(&policy, None, "Write the order as AWAITING_PAYMENT");
        let mark = AwaitPayment { order_id, attempt: ctx.state(|s| s.cards.attempt()), expires_at: seconds(end) };
        ctx.execute_local_activity(Orders::await_payment, mark, marking).await.map_err(Failure::from)?;
        ctx.state_mut(|s| s.progress.awaiting = Some(Awaiting::Payment));
        Self::show(ctx);
        Self::set_state(ctx, OrderStatus::AwaitingPayment.as_str(), None, Some(awaited.amount));
        let (total, expires_at) = (awaited.amount, seconds(end));
        Self::give_answer(ctx, CheckoutOutcome::AwaitingPayment { total, payment_url, client_secret, expires_at });

        let mut pause = policy.poll();
        while let Some(left) = end.checked_sub(Self::now(ctx)).filter(|left| !left.is_zero()) {
            Self::wake_within(ctx, pause.min(left)).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
            if Self::now(ctx) >= end {
                break;
            }
            let looking = options::stripe(&policy, None, "Ask Stripe whether the customer has paid");
            match ctx.execute_activity(AwaitedPayments::look, awaited.clone(), looking).await.map_err(Failure::from) {
                Ok(Seen::Closed) => break,
                Ok(seen) => {
                    if let Some(paid) = Self::decide(seen) {
                        return Ok(paid);
                    }
                }
                // Stripe may be back by the next look.
                Err(Failure::Exhausted(_)) => {}
                Err(permanent) => return Err(permanent),
            }
        }
        Self::close_payment(ctx, awaited).await
    }

    /// Closes the door at Stripe at the end of the hold. Whoever pays at this very moment either comes first, and has bought,
    /// or finds it closed.
    pub(super) async fn close_payment(ctx: &WorkflowContext<Self>, awaited: Awaited) -> Result<Paid, Failure> {
        let policy = ctx.state(|s| s.input.policy.clone());
        let closing = options::stripe(&policy, None, "Close the payment");
        let close = || ctx.execute_activity(AwaitedPayments::close, awaited.clone(), closing.clone());
        match Self::forward(ctx, Step::Charge.activity(), close).await {
            Ok(seen) => Ok(Self::decide(seen).unwrap_or(Paid::No(CheckoutOutcome::PaymentExpired))),
            Err(failure) if ctx.cancellation_token().is_cancelled() => Err(failure),
            // Whether the door is closed or given up: the customer has not paid in time. Should the money come all the same, it
            // is late.
            Err(_) => Ok(Paid::No(CheckoutOutcome::PaymentExpired)),
        }
    }

    /// When the stock is no longer held for the customer: counted from the first time that there was something to wait for,
    /// whatever is tried since.
    pub(super) fn hold_end(ctx: &WorkflowContext<Self>) -> Duration {
        let (known, hold) = ctx.state(|s| (s.hold_end, s.input.policy.hold()));
        let end = known.unwrap_or_else(|| Self::now(ctx) + hold);
        ctx.state_mut(|s| s.hold_end = Some(end));
        end
    }

    pub(super) fn decide(seen: Seen) -> Option<Paid> {
        match seen {
            Seen::Waiting | Seen::Closed => None,
            Seen::Paid { captured } => Some(Paid::Captured(captured)),
            Seen::Declined { decline } => Some(Paid::No(CheckoutOutcome::Declined { decline })),
        }
    }

    /// Waits until something may have changed at Stripe, there is another card to be tried, or the pause is over.
    pub(super) async fn wake_within(ctx: &WorkflowContext<Self>, pause: Duration) -> Result<(), Failure> {
        let woken = |s: &Self| s.payment_changed || s.cards.in_hand().is_some();
        let goes_on = wait_within(ctx, pause, "Until the next look at the payment", woken).await;
        ctx.state_mut(|s| s.payment_changed = false);
        if goes_on {
            Ok(())
        } else {
            Err(Failure::Permanent("the order was cancelled while its customer could pay".to_owned()))
        }
    }

    /// A time before the provider was first asked, in milliseconds since 1970. A workflow task that was lost may have asked it
    /// already, so when this one began is too late.
    pub(super) fn first_tried(ctx: &WorkflowContext<Self>) -> Option<i64> {
        ctx.state(|s| s.input.started_at.or_else(|| s.valve.first_tried().map(milliseconds)))
    }

    /// The time since 1970 at which the current workflow task began.
    pub(super) fn now(ctx: &WorkflowContext<Self>) -> Duration {
        ctx.workflow_time().and_then(|now| now.duration_since(UNIX_EPOCH).ok()).unwrap_or_default()
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
