//! Getting the order paid with another card after one was declined.

use kassa_domain::{Money, OrderStatus};
use temporalio_workflow::{
    ChildWorkflowOptions, ParentClosePolicy, WorkflowCancellationToken, WorkflowContext, WorkflowIdReusePolicy,
};

use super::Checkout;
use super::pay::{Paid, Place, seconds};
use crate::checkout::details::Awaiting;
use crate::checkout::{CardRequest, CheckoutOutcome};
use crate::contracts::awaited::{Awaited, AwaitedPayments, Pending};
use crate::contracts::notifications::Notice;
use crate::contracts::orders::{Orders, PaymentFailed};
use crate::contracts::payments::{AnotherCharge, Charge, Charged, Decline, Payments};
use crate::notification::{self, Accepted, Notification, NotificationInput};
use crate::options;
use crate::parking::{Failure, Parks};

/// A card that was declined.
struct Declined {
    decline: Decline,
    /// Stripe's intent (`pi_...`), which another card can confirm.
    payment_intent: Option<String>,
    /// Whether it was declined while nobody waited for the answer.
    unattended: bool,
}

/// What an order that waits for another card comes to.
enum Next {
    /// There is one.
    Card(CardRequest),
    /// It is decided without one.
    Paid(Paid),
}

impl Checkout {
    /// Goes on from what came of a card until the order is paid or there is no card left to try.
    pub(super) async fn with_cards(
        ctx: &WorkflowContext<Self>,
        amount: Money,
        mut charged: Charged,
    ) -> Result<Paid, Failure> {
        loop {
            let declined = match charged {
                Charged::Captured { captured } => return Ok(Paid::Captured(captured)),
                Charged::Held => return Ok(Paid::No(CheckoutOutcome::PaymentUnavailable)),
                Charged::Declined { decline, payment_intent } => {
                    Declined { decline, payment_intent, unattended: false }
                }
                Charged::Awaiting { payment_intent, url, client_secret } => {
                    let pending = Pending::Intent { payment_intent: payment_intent.clone() };
                    ctx.state_mut(|s| s.pending = Some(pending.clone()));
                    match Self::await_payment(ctx, Awaited { amount, pending }, Place { url, client_secret }).await? {
                        Paid::No(CheckoutOutcome::Declined { decline }) => {
                            Declined { decline, payment_intent: Some(payment_intent), unattended: true }
                        }
                        paid => return Ok(paid),
                    }
                }
            };
            let decline = declined.decline.clone();
            let Some(payment_intent) = Self::may_go_on(ctx, &declined) else {
                return Ok(Paid::No(CheckoutOutcome::Declined { decline }));
            };
            // The undo has to find the intent whatever becomes of the next card.
            ctx.state_mut(|s| s.intent = Some(payment_intent.clone()));
            let card = match Self::await_card(ctx, amount, declined, &payment_intent).await? {
                Next::Card(card) => card,
                Next::Paid(paid) => return Ok(paid),
            };
            let charge = || Self::charge_another(ctx, amount, card.clone(), payment_intent.clone());
            let Some(tried) = Self::through_valve(ctx, charge).await? else {
                return Ok(Paid::No(CheckoutOutcome::PaymentUnavailable));
            };
            charged = tried;
        }
    }

    /// The intent that another card may confirm; none if there have been enough cards, or the time is over.
    fn may_go_on(ctx: &WorkflowContext<Self>, declined: &Declined) -> Option<String> {
        let enough = ctx.state(|s| s.cards.attempt() >= s.input.policy.card_attempts);
        if enough {
            return None;
        }
        let payment_intent = declined.payment_intent.clone()?;
        (Self::now(ctx) < Self::hold_end(ctx)).then_some(payment_intent)
    }

    /// Waits for another card, with the stock held, until the hold ends.
    async fn await_card(
        ctx: &WorkflowContext<Self>,
        amount: Money,
        declined: Declined,
        payment_intent: &str,
    ) -> Result<Next, Failure> {
        let (order_id, policy, attempt) =
            ctx.state(|s| (s.input.order.order_id.clone(), s.input.policy.clone(), s.cards.attempt()));
        let Declined { decline, unattended, .. } = declined;
        let end = Self::hold_end(ctx);
        let expires_at = seconds(end);
        let marking = options::database(&policy, None, "Write the order as PAYMENT_FAILED");
        let mark = PaymentFailed { order_id, attempt, code: decline.code.clone(), expires_at };
        ctx.execute_local_activity(Orders::payment_failed, mark, marking).await.map_err(Failure::from)?;
        ctx.state_mut(|s| {
            s.progress.awaiting = Some(Awaiting::Card);
            s.cards.want(true);
        });
        Self::show(ctx);
        Self::set_state(ctx, OrderStatus::PaymentFailed.as_str(), None, Some(amount));
        let attempts_left = policy.card_attempts.saturating_sub(attempt);
        Self::give_answer(ctx, CheckoutOutcome::AwaitingCard { decline, total: amount, attempts_left, expires_at });
        if unattended {
            Self::tell_of_decline(ctx, attempt, expires_at).await;
        }
        let awaited = Awaited { amount, pending: Pending::Intent { payment_intent: payment_intent.to_owned() } };
        let next = Self::card_or_end(ctx, &awaited).await;
        ctx.state_mut(|s| {
            s.cards.want(false);
            s.progress.awaiting = None;
        });
        match next? {
            Next::Paid(Paid::No(CheckoutOutcome::PaymentExpired)) => {
                Self::close_payment(ctx, awaited).await.map(Self::expired).map(Next::Paid)
            }
            next => {
                // From here on its customer is there again.
                ctx.state_mut(|s| s.pending = None);
                Ok(next)
            }
        }
    }

    /// Until there is a card, the hold ends, or the intent is paid in a way that was not asked for here.
    async fn card_or_end(ctx: &WorkflowContext<Self>, awaited: &Awaited) -> Result<Next, Failure> {
        let (policy, end) = (ctx.state(|s| s.input.policy.clone()), Self::hold_end(ctx));
        loop {
            let left = end.saturating_sub(Self::now(ctx));
            if !left.is_zero() {
                Self::wake_within(ctx, left).await?;
            }
            // Whoever was let in before the end is not turned away because it came in the meantime.
            if let Some(card) = ctx.state(|s| s.cards.in_hand().cloned()) {
                return Ok(Next::Card(card));
            }
            if Self::now(ctx) >= end {
                return Ok(Next::Paid(Paid::No(CheckoutOutcome::PaymentExpired)));
            }
            let looking = options::stripe(&policy, None, "Ask Stripe whether the customer has paid");
            match ctx.execute_activity(AwaitedPayments::look, awaited.clone(), looking).await.map_err(Failure::from) {
                Ok(seen) => {
                    if let Some(Paid::Captured(captured)) = Self::decide(seen) {
                        return Ok(Next::Paid(Paid::Captured(captured)));
                    }
                }
                // Closing the payment at the end will tell.
                Err(Failure::Exhausted(_)) => {}
                Err(permanent) => return Err(permanent),
            }
        }
    }

    /// At the end of the hold it is the time that was too short, whatever the last card was declined for.
    fn expired(paid: Paid) -> Paid {
        match paid {
            Paid::No(_) => Paid::No(CheckoutOutcome::PaymentExpired),
            captured @ Paid::Captured(_) => captured,
        }
    }

    /// Tries a card.
    async fn charge_another(
        ctx: &WorkflowContext<Self>,
        amount: Money,
        card: CardRequest,
        payment_intent: String,
    ) -> Result<Charged, Failure> {
        let (order_id, policy, attempt) =
            ctx.state(|s| (s.input.order.order_id.clone(), s.input.policy.clone(), s.cards.attempt()));
        Self::show(ctx);
        let CardRequest { payment_method, return_url, .. } = card;
        let charge =
            Charge { order_id, attempt, amount, payment_method, return_url, first_tried_at: Self::first_tried(ctx) };
        let charging = options::stripe(&policy, None, "Charge another card");
        let another = AnotherCharge { charge, payment_intent };
        ctx.execute_activity(Payments::confirm, another, charging).await.map_err(Failure::from)
    }

    /// Tells a customer who may not have come back from the bank. By a workflow of its own, so that an outage of mail does not
    /// keep the order from being paid.
    async fn tell_of_decline(ctx: &WorkflowContext<Self>, attempt: u32, until: i64) {
        let (order, policy) = ctx.state(|s| (s.input.order.clone(), s.input.policy.clone()));
        let notice = Notice::card_declined(order.order_id, order.caller, order.email, attempt, until);
        let options = ChildWorkflowOptions::builder()
            .workflow_id(notification::workflow_id(&notice.message_id))
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .parent_close_policy(ParentClosePolicy::Abandon)
            .cancellation_token(WorkflowCancellationToken::new())
            .build();
        let request = Accepted { request_id: order.request_id, fingerprint: order.fingerprint };
        let input = NotificationInput { notice, request, policy };
        // One that is there already says the same.
        let _started = ctx.start_child_workflow(Notification::run, input, options).await;
    }
}
