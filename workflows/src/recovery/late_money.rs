//! Money that came for an order after it was cancelled.

use temporalio_workflow::{
    ChildWorkflowOptions, ParentClosePolicy, WorkflowCancellationToken, WorkflowContext, WorkflowIdReusePolicy,
};

use super::{Recovery, RecoveryInput};
use crate::contracts::payments::Captured;
use crate::late_payment::{self, LatePaymentInput, LatePayments};

impl Recovery {
    /// Has the workflow of late payments deal with it, as if its webhook had come, and waits for that.
    pub(super) async fn late_money(ctx: &WorkflowContext<Self>, captured: Captured) {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        let Captured { payment_intent, .. } = captured;
        // Without a static summary: that of a child is encrypted, and whoever describes a workflow expects it in clear text.
        let options = ChildWorkflowOptions::builder()
            .workflow_id(late_payment::workflow_id(&payment_intent))
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .parent_close_policy(ParentClosePolicy::Abandon)
            .cancellation_token(WorkflowCancellationToken::new())
            .build();
        let input = LatePaymentInput { order_id, payment_intent, policy };
        // One that is there already deals with it; one that has ended without is found by the next reconciliation, which
        // shows the payment to an operator.
        if let Ok(started) = ctx.start_child_workflow(LatePayments::run, input, options).await {
            let _ended = started.result().await;
        }
    }
}
