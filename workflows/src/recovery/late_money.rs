//! Money that came for an order after it was cancelled.

use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

use super::{Recovery, RecoveryInput};
use crate::contracts::payments::Captured;
use crate::contracts::recovery::{BOOK_LATE_PAYMENT, BookLatePayment, Recoveries};
use crate::options;
use crate::parking::{Insisted, Parks};

impl Recovery {
    /// The one place that decides what becomes of late money: it is booked, and all of it goes back.
    pub(super) async fn late_money(ctx: &WorkflowContext<Self>, captured: Captured) {
        let RecoveryInput { order_id, policy, .. } = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        let booking = options::database(&policy, Some(&token), "Book the late payment, and claim its refund");
        let late = BookLatePayment { order_id, captured };
        let booked = Self::insist(ctx, BOOK_LATE_PAYMENT, || {
            ctx.execute_local_activity(Recoveries::book_late_payment, late.clone(), booking.clone())
        });
        if let Insisted::Done(claim) = booked.await {
            Self::make(ctx, claim).await;
        }
    }
}
