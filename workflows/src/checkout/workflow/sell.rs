//! The steps of an order, and what is announced at its end.

use kassa_domain::{PaymentId, PricedOrder};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext, workflows::join};

use super::Checkout;
use super::pay::Paid;
use crate::checkout::step::{Step, UndoStack};
use crate::checkout::{CheckoutAnswer, CheckoutOutcome};
use crate::contracts::events::{Events, OrderEvent, Publish};
use crate::contracts::inventory::{Inventory, Reservation, Reserve, Reserved};
use crate::contracts::notifications::{Notice, Notifications};
use crate::contracts::orders::{ConfirmOrder, Orders, PlaceOrder, Placed};
use crate::contracts::payments::{Captured, Charge, Charged, Payments};
use crate::options;
use crate::parking::{Failure, Insisted, Parks};

/// From this patch on, what may have been sold before an order was held is restocked.
const SOLD_BEFORE_HELD: &str = "sold-before-held";

/// From this patch on, an order whose confirmation failed is only taken back if it is not confirmed.
const CONFIRMED_ALL_THE_SAME: &str = "confirmed-all-the-same";

/// How selling ended.
pub(super) enum Sale {
    /// Confirmed and durable.
    Done(PricedOrder),
    /// Not to be: what was begun is to be taken back.
    Off(CheckoutOutcome, Option<Captured>),
    /// An earlier workflow of this order has ended already.
    Before(CheckoutAnswer),
}

/// The steps.
impl Checkout {
    /// Validate, reserve, charge, deduct, confirm. Every undo is pushed before its step runs.
    pub(super) async fn sell(ctx: &WorkflowContext<Self>, undo: &mut UndoStack) -> Sale {
        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id.clone();
        let policy = input.policy;

        Self::begin(ctx, undo, Step::Validate);
        let order = match Self::place(ctx).await {
            Ok(Placed::Pending { order }) => order,
            Ok(Placed::Refused { refusal }) => return Sale::Off(CheckoutOutcome::Refused { refusal }, None),
            Ok(Placed::Decided { answer, order }) => return Self::decided(ctx, answer, order),
            Err(failure) => return Self::off(ctx, undo, Step::Validate, failure, None),
        };
        ctx.state_mut(|s| s.progress.total = Some(order.total));

        Self::begin(ctx, undo, Step::Reserve);
        let reserving = ctx.execute_local_activity(
            Inventory::reserve,
            Reserve { order_id: order_id.clone(), lines: input.order.lines },
            options::database(&policy, None, "Hold the stock"),
        );
        match reserving.await.map_err(Failure::from) {
            Ok(Reserved::Held) => {}
            Ok(Reserved::OutOfStock { shortages }) => {
                return Sale::Off(CheckoutOutcome::OutOfStock { shortages }, None);
            }
            Err(failure) => return Self::off(ctx, undo, Step::Reserve, failure, None),
        }

        Self::begin(ctx, undo, Step::Charge);
        let captured = match Self::pay(ctx, &order).await {
            Ok(Paid::Captured(captured)) => captured,
            Ok(Paid::No(outcome)) => {
                // An order that is held may have been charged before, in a workflow task that was lost, and sold as well.
                if outcome == CheckoutOutcome::PaymentUnavailable && ctx.patched(SOLD_BEFORE_HELD) {
                    undo.push_all();
                }
                return Sale::Off(outcome, None);
            }
            Err(failure) => return Self::off(ctx, undo, Step::Charge, failure, None),
        };

        Self::begin(ctx, undo, Step::Deduct);
        let reservation = Reservation { order_id: order_id.clone() };
        let deduct_options = options::database(&policy, None, "Turn the held stock into sold stock");
        let deduct = || ctx.execute_local_activity(Inventory::deduct, reservation.clone(), deduct_options.clone());
        if let Err(failure) = Self::forward(ctx, Step::Deduct.activity(), deduct).await {
            return Self::off(ctx, undo, Step::Deduct, failure, Some(captured));
        }

        if ctx.cancellation_token().is_cancelled() {
            let failure = Failure::Permanent("the order was cancelled before it was confirmed".to_owned());
            return Self::off(ctx, undo, Step::Deduct, failure, Some(captured));
        }

        Self::begin(ctx, undo, Step::Confirm);
        let confirmation = ConfirmOrder {
            payment_id: PaymentId::of(&order_id),
            order_id,
            captured: captured.clone(),
            answer: Self::answer_with(ctx, Self::confirmed(ctx, order.total)),
        };
        // Detached: whoever cancels the order from here on cancels a sale, which is done in the books. A confirmation that
        // was given up and arrives all the same would be taken back here and there.
        let token = WorkflowCancellationToken::new();
        let confirm_options = options::database(&policy, Some(&token), "Write the order as CONFIRMED");
        let confirm = || ctx.execute_local_activity(Orders::confirm, confirmation.clone(), confirm_options.clone());
        match Self::forward(ctx, Step::Confirm.activity(), confirm).await {
            Ok(()) => Sale::Done(order),
            Err(failure) => Self::unconfirmed(ctx, undo, failure, captured).await,
        }
    }

    /// Takes an order back whose confirmation failed, unless the order is confirmed all the same: an attempt can have
    /// succeeded whose answer was lost. A confirmed order can be shipped at any moment, so it is never taken back here.
    async fn unconfirmed(
        ctx: &WorkflowContext<Self>,
        undo: &mut UndoStack,
        failure: Failure,
        captured: Captured,
    ) -> Sale {
        if ctx.patched(CONFIRMED_ALL_THE_SAME) {
            // Placing an order again changes nothing and returns the answer that is stored with it.
            let stored = Self::insist(ctx, Step::Validate.activity(), || Self::place(ctx)).await;
            if let Insisted::Done(Placed::Decided { answer, order }) = stored {
                return match answer.outcome.clone() {
                    _ if !Self::is_own(ctx, &answer) => Sale::Before(answer),
                    // A customer who was led elsewhere to pay keeps that answer. The confirmation is all that this workflow
                    // has decided so far.
                    CheckoutOutcome::Confirmed { .. }
                    | CheckoutOutcome::AwaitingPayment { .. }
                    | CheckoutOutcome::AwaitingCard { .. } => Sale::Done(order),
                    outcome => Sale::Off(outcome, Some(captured)),
                };
            }
        }
        Self::off(ctx, undo, Step::Confirm, failure, Some(captured))
    }

    /// Prices the order and writes it. Detached: what is to be taken back of an order depends on what it costs.
    pub(super) async fn place(ctx: &WorkflowContext<Self>) -> Result<Placed, Failure> {
        let (place, policy) = ctx.state(|s| (s.input.order.clone(), s.input.policy.clone()));
        let token = WorkflowCancellationToken::new();
        let place_options = options::database(&policy, Some(&token), "Price the order and write it as PENDING");
        ctx.execute_local_activity(Orders::place, place, place_options).await.map_err(Failure::from)
    }

    /// Goes on from where the order has been decided. Up to there everything is local activities, so a worker that
    /// dies before their results are recorded leaves an order that knows more than its history.
    pub(super) fn decided(ctx: &WorkflowContext<Self>, answer: CheckoutAnswer, order: PricedOrder) -> Sale {
        if !Self::is_own(ctx, &answer) {
            return Sale::Before(answer);
        }
        ctx.state_mut(|s| s.progress.total = Some(order.total));
        match answer.outcome.clone() {
            CheckoutOutcome::Confirmed { .. } => Sale::Done(order),
            // Whoever was to pay was waited for after all this had been recorded: it was another run of this workflow.
            CheckoutOutcome::AwaitingPayment { .. } | CheckoutOutcome::AwaitingCard { .. } => Sale::Before(answer),
            outcome => Sale::Off(outcome, None),
        }
    }

    /// Whether it was this workflow that has given an answer.
    pub(super) fn is_own(ctx: &WorkflowContext<Self>, answer: &CheckoutAnswer) -> bool {
        ctx.state(|s| s.input.order.request_id == answer.request_id)
    }

    /// Charges at once if Stripe answers quickly, patiently otherwise; both under one idempotency key.
    pub(super) async fn charge(ctx: &WorkflowContext<Self>, charge: Charge) -> Result<Charged, Failure> {
        let policy = ctx.state(|s| s.input.policy.clone());
        let first = options::first_charge("Charge the card");
        match ctx.execute_local_activity(Payments::charge, charge.clone(), first).await.map_err(Failure::from) {
            Err(Failure::Exhausted(_)) => {}
            decided => return decided,
        }
        let patient = options::stripe(&policy, None, "Charge the card");
        ctx.execute_activity(Payments::charge, charge, patient).await.map_err(Failure::from)
    }

    /// Notify, publish, and take what was bought out of the cart; independent of each other, so none waits for an outage
    /// of another's system.
    pub(super) async fn announce(ctx: &WorkflowContext<Self>, order: PricedOrder) {
        let input = ctx.state(|s| s.input.clone());
        ctx.state_mut(|s| s.progress.running = Some(Step::Notify));
        Self::show(ctx);

        let total = order.total;
        let PlaceOrder { order_id, caller, email, .. } = input.order;
        let notify = Self::notify(ctx, Notice::order_confirmed(order_id, caller, email, order));
        let publish = Self::publish(ctx, 1, OrderEvent::Confirmed { total });
        let _all_ended = join!(notify, publish, Self::settle_cart(ctx));
        ctx.state_mut(|s| s.progress.running = Some(Step::Publish));
    }

    /// Sends the customer a message.
    pub(super) async fn notify(ctx: &WorkflowContext<Self>, notice: Notice) {
        let policy = ctx.state(|s| s.input.policy.clone());
        let summary = format!("Send the mail `{}`", notice.message.template());
        let token = WorkflowCancellationToken::new();
        let notify_options = options::tail(&policy, &token, &summary);
        let _ended = Self::insist(ctx, Step::Notify.activity(), || {
            ctx.execute_activity(Notifications::send, notice.clone(), notify_options.clone())
        })
        .await;
    }

    /// Publishes an event: the first one tells that the order has ended this way or that.
    pub(super) async fn publish(ctx: &WorkflowContext<Self>, sequence: u32, event: OrderEvent) {
        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id;
        let publish = Publish::new(order_id, input.order.caller, sequence, event);
        let token = WorkflowCancellationToken::new();
        let publish_options = options::tail(&input.policy, &token, "Publish the event");
        let _ended = Self::insist(ctx, Step::Publish.activity(), || {
            ctx.execute_activity(Events::publish, publish.clone(), publish_options.clone())
        })
        .await;
    }
}
