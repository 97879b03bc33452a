//! The cart, once what was in it is bought.

use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

use super::Checkout;
use crate::contracts::carts::{self, Carts};
use crate::options;
use crate::parking::Parks;

/// What a cart order does besides the steps of every order. It has no undo: it comes after the point of no return.
impl Checkout {
    /// Takes what was bought out of the cart: within the workflow task if the database answers at once, patiently
    /// otherwise, so that neither the caller nor mail and event wait for it.
    pub(super) async fn settle_cart(ctx: &WorkflowContext<Self>) {
        let input = ctx.state(|s| s.input.clone());
        let Some(settle) = input.cart else { return };
        let token = WorkflowCancellationToken::new();
        let summary = "Take what was bought out of the cart";
        let once = options::once(&token, summary);
        if ctx.execute_local_activity(Carts::settle, settle.clone(), once).await.is_ok() {
            return;
        }
        let patient = options::tail(&input.policy, &token, summary);
        let _ended =
            Self::insist(ctx, carts::SETTLE, || ctx.execute_activity(Carts::settle, settle.clone(), patient.clone()))
                .await;
    }
}
