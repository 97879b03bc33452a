//! A step of a paid order on its way to its customer: shipped, delivered.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use std::fmt::Write;

use kassa_domain::{Fulfilment, Label, OrderId, OrderStatus, Parcel};
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::workflows::join;
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult,
};

use crate::checkout::Policy;
use crate::contracts::events::{self, Events, OrderEvent, Publish};
use crate::contracts::notifications::{self, Notice, Notifications};
use crate::contracts::orders::{self, Fulfil, Fulfilled, Orders, Told};
use crate::options;
use crate::parking::{
    Decision, Insisted, Operator, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing, all_answered,
    detached, standing,
};
use crate::search_attributes::ORDER_STATE;

/// The identifier of the one update by which a caller asks for the answer.
pub const ANSWER_UPDATE_ID: &str = "answer";

/// The workflow that takes an order to `status`. It is named after the version that the order had then, so that a step
/// which was refused can be taken when the order has come to where it starts from.
pub fn workflow_id(order: &OrderId, status: OrderStatus, version: u32) -> String {
    format!("fulfilment-{order}-{status}-{version}")
}

/// What a step starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilOrderInput {
    /// The order.
    pub order_id: OrderId,
    /// The step.
    pub step: Fulfilment,
    /// How patient the workflow is.
    #[serde(default)]
    pub policy: Policy,
}

/// Whether the order took the step. Where it is by now, its row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FulfilmentAnswer {
    /// It did, now or before.
    Done,
    /// It was not where the step starts from.
    Refused,
}

/// One step of one order.
#[workflow]
pub struct FulfilOrder {
    input: FulfilOrderInput,
    answer: Option<FulfilmentAnswer>,
    parked: ParkingLot,
    announced: bool,
}

#[workflow_methods]
impl FulfilOrder {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: FulfilOrderInput) -> Self {
        Self { input, answer: None, parked: ParkingLot::default(), announced: false }
    }

    /// Takes the step, answers, and tells of it.
    #[run(name = "fulfilment")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<FulfilmentAnswer> {
        let input = ctx.state(|s| s.input.clone());
        Self::show(ctx);
        let fulfil = Fulfil { order_id: input.order_id, step: input.step.clone() };
        let token = WorkflowCancellationToken::new();
        let summary = format!("Write the order as {}", input.step.status());
        let fulfil_options = options::database(&input.policy, Some(&token), &summary);
        let taken = Self::insist(ctx, orders::FULFIL, || {
            ctx.execute_local_activity(Orders::fulfil, fulfil.clone(), fulfil_options.clone())
        });
        let answer = match taken.await {
            Insisted::Done(Fulfilled::Done { told }) => {
                Self::give_answer(ctx, FulfilmentAnswer::Done);
                ctx.upsert_search_attributes([ORDER_STATE.value_set(input.step.status().as_str().to_owned())]);
                Self::announce(ctx, told).await;
                FulfilmentAnswer::Done
            }
            // Nobody but the statement can number the event, so a step that an operator gave up was not taken.
            Insisted::Done(Fulfilled::Refused) | Insisted::Ended(_) => {
                Self::give_answer(ctx, FulfilmentAnswer::Refused);
                FulfilmentAnswer::Refused
            }
        };
        all_answered(ctx).await;
        Ok(answer)
    }

    /// Whether the order took the step.
    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> FulfilmentAnswer {
        // A detached wait has no token that anybody could cancel, so it ends only with the answer there.
        let _detached = ctx.wait_condition_with_options(|s| s.answer.is_some(), detached()).await;
        ctx.state(|s| s.answer).expect("the condition was just met")
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

impl FulfilOrder {
    fn give_answer(ctx: &WorkflowContext<Self>, answer: FulfilmentAnswer) {
        ctx.state_mut(|s| s.answer = Some(answer));
        Self::show(ctx);
    }

    /// Tells the customer and the world; independent of each other, so neither waits for an outage of the other's system.
    async fn announce(ctx: &WorkflowContext<Self>, told: Told) {
        let FulfilOrderInput { order_id, step, policy } = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        let (event, parcel) = match step {
            Fulfilment::Ship { parcel } => (OrderEvent::Shipped { parcel: parcel.clone() }, Some(parcel)),
            Fulfilment::Deliver => (OrderEvent::Delivered, None),
        };
        let publish = Publish::new(order_id.clone(), told.caller.clone(), told.event_sequence, event);
        let publish_options = options::tail(&policy, &token, "Publish the event");
        let publishing = Self::insist(ctx, events::PUBLISH, || {
            ctx.execute_activity(Events::publish, publish.clone(), publish_options.clone())
        });
        let mailing = async {
            let Some(Parcel { carrier, tracking_number }) = parcel else { return };
            let text = |label: Option<Label>| label.map(String::from);
            let mail = Notice::shipped(order_id, told.caller, told.email, text(carrier), text(tracking_number));
            let mail_options = options::tail(&policy, &token, "Tell the customer that the order is on its way");
            let _ended = Self::insist(ctx, notifications::SEND, || {
                ctx.execute_activity(Notifications::send, mail.clone(), mail_options.clone())
            })
            .await;
        };
        let _both_ended = join!(mailing, publishing);
        ctx.state_mut(|s| s.announced = true);
        Self::show(ctx);
    }
}

impl Parks for FulfilOrder {
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
        match self.answer {
            None => orders::FULFIL,
            Some(FulfilmentAnswer::Done) if !self.announced => "announcing it",
            Some(FulfilmentAnswer::Done | FulfilmentAnswer::Refused) => "over",
        }
    }

    fn details(&self) -> String {
        let mut text = self.parked.details();
        let (taken, announced) = match self.answer {
            None => ("**running**", "-"),
            Some(FulfilmentAnswer::Refused) => ("refused: the order is not where the step starts from", "-"),
            Some(FulfilmentAnswer::Done) if self.announced => ("done", "done"),
            Some(FulfilmentAnswer::Done) => ("done", "**running**"),
        };
        writeln!(text, "- {} ({}): {taken}\n- announcing it: {announced}", orders::FULFIL, self.input.step.status())
            .expect("writing into a String does not fail");
        text
    }
}
