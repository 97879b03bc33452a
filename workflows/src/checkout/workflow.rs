//! The workflow: sell, answer, announce; or answer and take back.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use std::error::Error;

use kassa_domain::{EventId, Money, OrderStatus, PaymentId, PricedOrder, RefundId};
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ActivityExecutionError, SyncWorkflowContext, WaitConditionOptions, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowResult, workflows::join,
};

use super::details::{self, Progress};
use super::operator::{Decision, Direction, ParkingLot};
use super::step::{Step, Undo, UndoStack};
use super::{CheckoutAnswer, CheckoutInput, CheckoutOutcome, Operator, Reasoned, Resolution, options};
use crate::contracts::events::{Events, OrderEvent, Publish};
use crate::contracts::inventory::{Inventory, Reservation, Reserve, Reserved};
use crate::contracts::notifications::{Confirmation, Notifications};
use crate::contracts::orders::{CancelOrder, ConfirmOrder, Orders, Placed, RefundedCharge};
use crate::contracts::payments::{Captured, Charge, Charged, Payments, Refund, Refunded};
use crate::search_attributes::{FAILURE_REASON, NEEDS_OPERATOR, ORDER_STATE, ORDER_TOTAL};

type Refused = Box<dyn Error + Send + Sync>;

/// One order from its request to its end.
#[workflow]
pub struct Checkout {
    input: CheckoutInput,
    answer: Option<CheckoutAnswer>,
    parked: ParkingLot,
    progress: Progress,
}

/// How selling ended.
enum Sale {
    /// Confirmed and durable.
    Done(PricedOrder),
    /// Not to be: what was begun is to be taken back.
    Off(CheckoutOutcome, Option<Captured>),
    /// An earlier workflow of this order has ended already.
    Before(CheckoutAnswer),
}

/// Why a step did not succeed.
enum Failure {
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
    fn into_message(self) -> String {
        match self {
            Self::Permanent(message) | Self::Exhausted(message) => message,
        }
    }
}

/// What came of a step that had to be brought to an end.
enum Insisted<T> {
    Done(T),
    ByHand { reference: String },
    GivenUp,
}

#[workflow_methods]
impl Checkout {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: CheckoutInput) -> Self {
        Self { input, answer: None, parked: ParkingLot::default(), progress: Progress::default() }
    }

    /// Carries the order through all steps; takes back what was done if it cannot go on.
    #[run(name = "checkout")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<CheckoutOutcome> {
        let mut undo = UndoStack::default();
        let outcome = match Self::sell(ctx, &mut undo).await {
            Sale::Done(order) => {
                let outcome = Self::confirmed(ctx, order.total);
                Self::give_answer(ctx, outcome.clone());
                Self::set_state(ctx, OrderStatus::Confirmed.as_str(), None, Some(order.total));
                Self::announce(ctx, order).await;
                outcome
            }
            Sale::Off(outcome, captured) => {
                // The caller need not wait for what is taken back: it will be, or somebody will see it parked.
                Self::give_answer(ctx, outcome.clone());
                Self::take_back(ctx, undo, &outcome, captured).await;
                outcome
            }
            Sale::Before(answer) => {
                let outcome = answer.outcome.clone();
                ctx.state_mut(|s| s.answer = Some(answer));
                outcome
            }
        };
        ctx.state_mut(|s| s.progress.finished = true);
        Self::show(ctx);
        // A run that closes before a caller has its answer would lose it.
        let handlers = ctx.clone();
        let _detached = ctx.wait_condition_with_options(move |_| handlers.all_handlers_finished(), detached()).await;
        Ok(outcome)
    }

    /// What the caller is told; waits until the money question is decided.
    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> CheckoutAnswer {
        // A detached wait has no token that anybody could cancel, so it ends only with the answer there.
        let _detached = ctx.wait_condition_with_options(|s| s.answer.is_some(), detached()).await;
        ctx.state(|s| s.answer.clone()).expect("the condition was just met")
    }

    /// Operators: tries the parked step again.
    #[update(name = "retry")]
    pub fn retry(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _by: Operator) {
        self.parked.decide(&Decision::Retry);
    }

    #[update_validator(retry)]
    fn validate_retry(&self, _ctx: &WorkflowContextView, by: &Operator) -> Result<(), Refused> {
        Ok(self.parked.check(&by.operator, None, &Decision::Retry)?)
    }

    /// Operators: the parked step was done by hand.
    #[update(name = "resolve")]
    pub fn resolve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Resolution) {
        self.parked.decide(&Decision::Resolve { reference: by.reference });
    }

    #[update_validator(resolve)]
    fn validate_resolve(&self, _ctx: &WorkflowContextView, by: &Resolution) -> Result<(), Refused> {
        let decision = Decision::Resolve { reference: by.reference.clone() };
        Ok(self.parked.check(&by.operator, Some(&by.reference), &decision)?)
    }

    /// Operators: the parked step is given up for good.
    #[update(name = "write_off")]
    pub fn write_off(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _by: Reasoned) {
        self.parked.decide(&Decision::WriteOff);
    }

    #[update_validator(write_off)]
    fn validate_write_off(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&by.operator, Some(&by.reason), &Decision::WriteOff)?)
    }

    /// Operators: the order is taken back instead of trying on.
    #[update(name = "abort")]
    pub fn abort(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _by: Reasoned) {
        self.parked.decide(&Decision::Abort);
    }

    #[update_validator(abort)]
    fn validate_abort(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&by.operator, Some(&by.reason), &Decision::Abort)?)
    }
}

/// The steps.
impl Checkout {
    /// Validate, reserve, charge, deduct, confirm. Every undo is pushed before its step runs.
    async fn sell(ctx: &WorkflowContext<Self>, undo: &mut UndoStack) -> Sale {
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
        let charge = Charge {
            order_id: order_id.clone(),
            attempt: 1,
            amount: order.total,
            payment_method: input.payment_method,
        };
        let captured = match Self::charge(ctx, charge).await {
            Ok(Charged::Captured { captured }) => captured,
            Ok(Charged::Declined { decline }) => return Sale::Off(CheckoutOutcome::Declined { decline }, None),
            Err(failure) => return Self::off(ctx, Step::Charge, failure, None),
        };

        Self::begin(ctx, undo, Step::Deduct);
        let reservation = Reservation { order_id: order_id.clone() };
        let deduct_options = options::database(&policy, None, "Turn the held stock into sold stock");
        let deduct = || ctx.execute_local_activity(Inventory::deduct, reservation.clone(), deduct_options.clone());
        if let Err(failure) = Self::forward(ctx, Step::Deduct, deduct).await {
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
        if let Err(failure) = Self::forward(ctx, Step::Confirm, confirm).await {
            return Self::off(ctx, Step::Confirm, failure, Some(captured));
        }
        Sale::Done(order)
    }

    /// Goes on from where the order has been decided. Up to there everything is local activities, so a worker that
    /// dies before their results are recorded leaves an order that knows more than its history.
    fn decided(ctx: &WorkflowContext<Self>, answer: CheckoutAnswer, order: PricedOrder) -> Sale {
        if answer.request_id != ctx.state(|s| s.input.order.request_id.clone()) {
            return Sale::Before(answer);
        }
        ctx.state_mut(|s| s.progress.total = Some(order.total));
        match answer.outcome {
            CheckoutOutcome::Confirmed { .. } => Sale::Done(order),
            outcome => Sale::Off(outcome, None),
        }
    }

    /// Charges at once if Stripe answers quickly, patiently otherwise; both under one idempotency key.
    async fn charge(ctx: &WorkflowContext<Self>, charge: Charge) -> Result<Charged, Failure> {
        let policy = ctx.state(|s| s.input.policy.clone());
        let first = options::first_charge("Charge the card");
        match ctx.execute_local_activity(Payments::charge, charge.clone(), first).await.map_err(Failure::from) {
            Err(Failure::Exhausted(_)) => {}
            decided => return decided,
        }
        let patient = options::stripe(&policy, None, "Charge the card");
        ctx.execute_activity(Payments::charge, charge, patient).await.map_err(Failure::from)
    }

    /// Brings a step of a paid order to an end. Nobody is refunded because a database was slow: when patience runs
    /// out, an operator decides.
    async fn forward<T, F>(ctx: &WorkflowContext<Self>, step: Step, attempt: impl Fn() -> F) -> Result<T, Failure>
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

    /// Notify and publish; independent of each other, so neither waits for an outage of the other's system.
    async fn announce(ctx: &WorkflowContext<Self>, order: PricedOrder) {
        let input = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        ctx.state_mut(|s| s.progress.running = Some(Step::Notify));
        Self::show(ctx);

        let total = order.total;
        let mail = Confirmation { order_id: input.order.order_id, email: input.order.email, order };
        let mail_options = options::tail(&input.policy, &token, "Send the confirmation mail");
        let notify = Self::insist(ctx, Step::Notify.activity(), || {
            ctx.execute_activity(Notifications::confirmation, mail.clone(), mail_options.clone())
        });
        let publish = Self::publish(ctx, OrderEvent::Confirmed { total });
        let _both_ended = join!(notify, publish);
        ctx.state_mut(|s| s.progress.running = Some(Step::Publish));
    }

    /// Publishes the order's one event: it has ended this way or that.
    async fn publish(ctx: &WorkflowContext<Self>, event: OrderEvent) {
        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id;
        let sequence = 1;
        let publish = Publish {
            event_id: EventId::of(&order_id, sequence),
            sequence,
            order_id,
            caller: input.order.caller,
            event,
        };
        let token = WorkflowCancellationToken::new();
        let publish_options = options::tail(&input.policy, &token, "Publish the event");
        let _ended = Self::insist(ctx, Step::Publish.activity(), || {
            ctx.execute_activity(Events::publish, publish.clone(), publish_options.clone())
        })
        .await;
    }
}

/// The undos. They run detached from cancellation: whoever cancels an order wants it taken back, not half of it.
impl Checkout {
    async fn take_back(
        ctx: &WorkflowContext<Self>,
        undo: UndoStack,
        outcome: &CheckoutOutcome,
        captured: Option<Captured>,
    ) {
        let reason = outcome.failure_reason().unwrap_or_default();
        ctx.state_mut(|s| s.progress.failure = Some(reason.to_owned()));
        Self::show(ctx);

        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id.clone();
        let reservation = Reservation { order_id: order_id.clone() };
        let token = WorkflowCancellationToken::new();
        let database = |summary| options::database(&input.policy, Some(&token), summary);
        let mut refunded = None;

        for undo in undo.unwind() {
            match undo {
                Undo::Refund => refunded = Self::refund(ctx, captured.clone()).await,
                Undo::Restock => {
                    let restock = database("Return sold stock");
                    Self::insist(ctx, undo.activity(), || {
                        ctx.execute_local_activity(Inventory::restock, reservation.clone(), restock.clone())
                    })
                    .await;
                }
                Undo::Release => {
                    let release = database("Return held stock");
                    Self::insist(ctx, undo.activity(), || {
                        ctx.execute_local_activity(Inventory::release, reservation.clone(), release.clone())
                    })
                    .await;
                }
                Undo::Cancel => {
                    let cancellation = CancelOrder {
                        order: input.order.clone(),
                        reason: reason.to_owned(),
                        refunded: refunded.take(),
                        answer: Self::answer_with(ctx, outcome.clone()),
                    };
                    let cancel = database("Write the order as CANCELLED");
                    Self::insist(ctx, undo.activity(), || {
                        ctx.execute_local_activity(Orders::cancel, cancellation.clone(), cancel.clone())
                    })
                    .await;
                }
            }
            ctx.state_mut(|s| s.progress.undone.push(undo));
            Self::show(ctx);
        }
        let total = ctx.state(|s| s.progress.total);
        Self::set_state(ctx, OrderStatus::Cancelled.as_str(), Some(reason), total);
        Self::publish(ctx, OrderEvent::Cancelled { reason: reason.to_owned() }).await;
    }

    /// Takes the charge back, whether or not we ever learnt what became of it.
    async fn refund(ctx: &WorkflowContext<Self>, captured: Option<Captured>) -> Option<RefundedCharge> {
        let input = ctx.state(|s| s.input.clone());
        let order_id = input.order.order_id;
        let amount = ctx.state(|s| s.progress.total)?;
        let refund = Refund {
            charge: Charge { order_id: order_id.clone(), attempt: 1, amount, payment_method: input.payment_method },
            payment_intent: captured.as_ref().map(|captured| captured.payment_intent.clone()),
        };
        let token = WorkflowCancellationToken::new();
        let refund_options = options::stripe(&input.policy, Some(&token), "Take the charge back");
        let ended = Self::insist(ctx, Undo::Refund.activity(), || {
            ctx.execute_activity(Payments::refund, refund.clone(), refund_options.clone())
        })
        .await;
        let (captured, reference) = match ended {
            Insisted::Done(Refunded::Refunded { captured, refund }) => (captured, refund),
            Insisted::ByHand { reference } => (captured?, reference),
            Insisted::Done(Refunded::NothingCaptured) | Insisted::GivenUp => return None,
        };
        Some(RefundedCharge {
            payment_id: PaymentId::of(&order_id),
            captured,
            refund_id: RefundId::of_undo(&order_id),
            reference,
        })
    }

    /// Brings a step to an end from which there is no other way; what fails after its retries waits for an operator.
    async fn insist<T, F>(ctx: &WorkflowContext<Self>, step: &'static str, attempt: impl Fn() -> F) -> Insisted<T>
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
}

/// What callers and operators see.
impl Checkout {
    fn begin(ctx: &WorkflowContext<Self>, undo: &mut UndoStack, step: Step) {
        undo.push(step);
        ctx.state_mut(|s| s.progress.running = Some(step));
        Self::show(ctx);
    }

    fn off(ctx: &WorkflowContext<Self>, step: Step, failure: Failure, captured: Option<Captured>) -> Sale {
        if !ctx.is_replaying() {
            let order_id = ctx.state(|s| s.input.order.order_id.clone());
            tracing::warn!(order.id = %order_id, step = step.activity(), error = failure.into_message(), "the order cannot go on and is taken back");
        }
        Sale::Off(CheckoutOutcome::Failed { step: step.activity().to_owned() }, captured)
    }

    fn confirmed(ctx: &WorkflowContext<Self>, total: Money) -> CheckoutOutcome {
        CheckoutOutcome::Confirmed { total, payment_id: PaymentId::of(&ctx.state(|s| s.input.order.order_id.clone())) }
    }

    fn answer_with(ctx: &WorkflowContext<Self>, outcome: CheckoutOutcome) -> CheckoutAnswer {
        ctx.state(|s| CheckoutAnswer {
            order_id: s.input.order.order_id.clone(),
            request_id: s.input.order.request_id.clone(),
            fingerprint: s.input.order.fingerprint.clone(),
            outcome,
        })
    }

    fn give_answer(ctx: &WorkflowContext<Self>, outcome: CheckoutOutcome) {
        let answer = Self::answer_with(ctx, outcome);
        ctx.state_mut(|s| s.answer = Some(answer));
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

    fn set_state(ctx: &WorkflowContext<Self>, state: &str, reason: Option<&str>, total: Option<Money>) {
        let state = ORDER_STATE.value_set(state.to_owned());
        let reason = reason.map(|reason| FAILURE_REASON.value_set(reason.to_owned()));
        let total = total.map(|total| ORDER_TOTAL.value_set(total.amount));
        ctx.upsert_search_attributes([Some(state), reason, total].into_iter().flatten());
    }

    fn show(ctx: &WorkflowContext<Self>) {
        ctx.set_current_details(ctx.state(|s| details::render(&s.progress, &s.parked)));
    }
}

/// Options of a wait that goes on when the workflow is cancelled.
fn detached() -> WaitConditionOptions {
    WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build()
}
