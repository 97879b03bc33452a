//! Payments that may have come after their order had ended: starting the workflow that deals with one.

use kassa_domain::{Caller, OrderId, OrderStatus};
use kassa_store::Orders;
use kassa_workflows::late_payment::{ACCEPTED_UPDATE_ID, LatePaymentInput, LatePayments, workflow_id};
use kassa_workflows::search_attributes::CUSTOMER_ID;

use crate::problem::Problem;
use crate::workflows::{Start, WorkflowError, Workflows};

/// A payment of an order that has succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SucceededPayment {
    /// The order.
    pub(crate) order_id: OrderId,
    /// Stripe's intent (`pi_...`).
    pub(crate) payment_intent: String,
}

impl SucceededPayment {
    /// Sees to it that the payment is dealt with if its order was cancelled. A checkout that is still at it finds its payment by
    /// itself.
    pub(crate) async fn if_late(self, orders: &Orders, workflows: &Workflows) -> Result<(), Problem> {
        match orders.find(&self.order_id).await? {
            Some(order) if order.status == OrderStatus::Cancelled => {
                let already = order.payment.is_some_and(|payment| payment.payment_intent == self.payment_intent);
                if already { Ok(()) } else { self.start(&order.caller, workflows).await }
            }
            _ => Ok(()),
        }
    }

    async fn start(self, caller: &Caller, workflows: &Workflows) -> Result<(), Problem> {
        let start = Start {
            workflow_id: workflow_id(&self.payment_intent),
            update_id: ACCEPTED_UPDATE_ID.to_owned(),
            summary: format!("Late payment for {}", self.order_id),
            details: None,
            search_attributes: vec![CUSTOMER_ID.value_set(caller.as_str().to_owned())],
        };
        let Self { order_id, payment_intent } = self;
        let input = LatePaymentInput { order_id, payment_intent, policy: workflows.config().policy.clone() };
        match workflows.ask(LatePayments::run, input, LatePayments::accepted, (), start).await {
            // Durable is all that it has to be.
            Ok(()) | Err(WorkflowError::Undecided) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
