//! A checkout that somebody changed without a thought for orders in flight: it confirms the order before it deducts
//! the stock.

use std::time::Duration;

use kassa_domain::PaymentId;
use kassa_workflows::checkout::{CheckoutAnswer, CheckoutInput, CheckoutOutcome, Payment};
use kassa_workflows::contracts::inventory::{Inventory, Reservation, Reserve};
use kassa_workflows::contracts::orders::{ConfirmOrder, Orders, Placed};
use kassa_workflows::contracts::payments::{Charge, Charged, Payments};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{LocalActivityOptions, WorkflowContext, WorkflowContextView, WorkflowResult};

/// The steps of an order that goes well, until its answer; two of them the wrong way round.
#[workflow]
pub struct ReorderedCheckout {
    input: CheckoutInput,
    answer: Option<CheckoutAnswer>,
}

#[workflow_methods]
impl ReorderedCheckout {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: CheckoutInput) -> Self {
        Self { input, answer: None }
    }

    #[run(name = "checkout")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<CheckoutOutcome> {
        let CheckoutInput { order: request, payment, .. } = ctx.state(|s| s.input.clone());
        let Payment::Card { payment_method, return_url } = payment else {
            unreachable!("the recorded order was paid by card")
        };
        let order_id = request.order_id.clone();
        let options = LocalActivityOptions::builder().start_to_close_timeout(Duration::from_secs(20)).build();

        let placed = ctx.execute_local_activity(Orders::place, request.clone(), options.clone()).await?;
        let Placed::Pending { order } = placed else { unreachable!("the recorded order was placed") };
        let reserve = Reserve { order_id: order_id.clone(), lines: request.lines };
        ctx.execute_local_activity(Inventory::reserve, reserve, options.clone()).await?;
        let charge = Charge {
            order_id: order_id.clone(),
            attempt: 1,
            amount: order.total,
            payment_method,
            return_url,
            first_tried_at: None,
        };
        let charged = ctx.execute_local_activity(Payments::charge, charge, options.clone()).await?;
        let Charged::Captured { captured } = charged else { unreachable!("the recorded order was charged") };

        let outcome = CheckoutOutcome::Confirmed { total: order.total, payment_id: PaymentId::of(&order_id) };
        let answer = CheckoutAnswer {
            order_id: order_id.clone(),
            request_id: request.request_id,
            fingerprint: request.fingerprint,
            outcome: outcome.clone(),
        };
        let confirm = ConfirmOrder {
            order_id: order_id.clone(),
            payment_id: PaymentId::of(&order_id),
            captured,
            answer: answer.clone(),
        };
        ctx.execute_local_activity(Orders::confirm, confirm, options.clone()).await?;
        ctx.execute_local_activity(Inventory::deduct, Reservation { order_id }, options).await?;
        ctx.state_mut(|s| s.answer = Some(answer));
        Ok(outcome)
    }

    #[update(name = "answer")]
    pub async fn answer(ctx: &mut WorkflowContext<Self>) -> CheckoutAnswer {
        let _answered = ctx.wait_condition(|s| s.answer.is_some()).await;
        ctx.state(|s| s.answer.clone()).expect("the condition was just met")
    }
}
