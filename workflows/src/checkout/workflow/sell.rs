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
use crate::parking::{Failure, Parks};

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
        let placing = ctx.execute_local_activity(
            Orders::place,
            input.order.clone(),
            options::database(&policy, None, "Price the order and write it as PENDING"),
        );
        let order = match placing.await.map_err(Failure::from) {
            Ok(Placed::Pending { order }) => order,
            Ok(Placed::Refused { refusal }) => return Sale::Off(CheckoutOutcome::Refused { refusal }, None),
            Ok(Placed::Decided { answer, order }) => return Self::decided(ctx, answer, order),
            Err(failure) => return Self::off(ctx, Step::Validate, failure, None),
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
            Err(failure) => return Self::off(ctx, Step::Reserve, failure, None),
        }

        Self::begin(ctx, undo, Step::Charge);
        let captured = match Self::pay(ctx, &order).await {
            Ok(Paid::Captured(captured)) => captured,
            Ok(Paid::No(outcome)) => return Sale::Off(outcome, None),
            Err(failure) => return Self::off(ctx, Step::Charge, failure, None),
        };

        Self::begin(ctx, undo, Step::Deduct);
        let reservation = Reservation { order_id: order_id.clone() };
        let deduct_options = options::database(&policy, None, "Turn the held stock into sold stock");
        let deduct = || ctx.execute_local_activity(Inventory::deduct, reservation.clone(), deduct_options.clone());
        if let Err(failure) = Self::forward(ctx, Step::Deduct.activity(), deduct).await {
            return Self::off(ctx, Step::Deduct, failure, Some(captured));
        }

        Self::begin(ctx, undo, Step::Confirm);
        let confirmation = ConfirmOrder {
            payment_id: PaymentId::of(&order_id),
            order_id,
            captured: captured.clone(),
            answer: Self::answer_with(ctx, Self::confirmed(ctx, order.total)),
        };
        let confirm_options = options::database(&policy, None, "Write the order as CONFIRMED");
        let confirm = || ctx.execute_local_activity(Orders::confirm, confirmation.clone(), confirm_options.clone());
        if let Err(failure) = Self::forward(ctx, Step::Confirm.activity(), confirm).await {
            return Self::off(ctx, Step::Confirm, failure, Some(captured));
        }
        Sale::Done(order)
    }

    /// Goes on from where the order has been decided. Up to there everything is local activities, so a worker that
    /// dies before their results are recorded leaves an order that knows more than its history.
    pub(super) fn decided(ctx: &WorkflowContext<Self>, answer: CheckoutAnswer, order: PricedOrder) -> Sale {
        if answer.request_id != ctx.state(|s| s.input.order.request_id.clone()) {
            return Sale::Before(answer);
        }
        ctx.state_mut(|s| s.progress.total = Some(order.total));
        match answer.outcome.clone() {
            CheckoutOutcome::Confirmed { .. } => Sale::Done(order),
            // Whoever was to pay was waited for after all this had been recorded: it was another run of this workflow.
            CheckoutOutcome::AwaitingPayment { .. } => Sale::Before(answer),
            outcome => Sale::Off(outcome, None),
        }
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
        let publish = Self::publish(ctx, OrderEvent::Confirmed { total });
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

    /// Publishes the order's one event: it has ended this way or that.
    pub(super) async fn publish(ctx: &WorkflowContext<Self>, event: OrderEvent) {
        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id;
        let publish = Publish::new(order_id, input.order.caller, 1, event);
        let token = WorkflowCancellationToken::new();
        let publish_options = options::tail(&input.policy, &token, "Publish the event");
        let _ended = Self::insist(ctx, Step::Publish.activity(), || {
            ctx.execute_activity(Events::publish, publish.clone(), publish_options.clone())
        })
        .await;
    }
}
