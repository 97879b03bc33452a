//! Reviving an order: its pieces are sold, then it is confirmed in the books.

use kassa_domain::{Line, OrderStatus, PaymentId, PricedLine};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

use super::{Late, LatePayments};
use crate::contracts::events::OrderEvent;
use crate::contracts::late_payments::{
    FORGO, Forgo, LateBooks, LateStock, OrderRevived, REVIVE, ReviveOrder, SELL, SellAgain, SoldAgain,
};
use crate::contracts::notifications::Notice;
use crate::late_payment::LatePaymentOutcome;
use crate::late_payment::plan::REVIVABLE;
use crate::options;
use crate::parking::Parks;
use crate::search_attributes::{ORDER_STATE, ORDER_TOTAL};

impl LatePayments {
    /// Sells the pieces again and confirms the order. Tells the number of the event that announces it; nothing if it is not
    /// to be, whatever was done: giving the money back takes it back.
    pub(super) async fn revive(ctx: &WorkflowContext<Self>, late: &Late) -> Option<u32> {
        Self::at(ctx, "reviving the order");
        let input = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        let line = |line: &PricedLine| Line { product_id: line.product_id.clone(), quantity: line.quantity };
        let sell =
            SellAgain { order_id: input.order_id.clone(), lines: late.order.order.lines.iter().map(line).collect() };
        let selling = options::database(&input.policy, Some(&token), "Sell the pieces again, if they are still there");
        let sold =
            Self::forward(ctx, SELL, || ctx.execute_local_activity(LateStock::sell, sell.clone(), selling.clone()));
        match sold.await {
            Ok(SoldAgain::Sold) => Self::confirm(ctx, late).await,
            Ok(SoldAgain::Gone) | Err(_) => None,
        }
    }

    /// Confirms the order in the books, or finds it confirmed.
    pub(super) async fn confirm(ctx: &WorkflowContext<Self>, late: &Late) -> Option<u32> {
        let input = ctx.state(|s| s.input.clone());
        let revive = ReviveOrder {
            payment_id: PaymentId::of(&input.order_id),
            order_id: input.order_id,
            reason: REVIVABLE.to_owned(),
            payment_intent: input.payment_intent,
            captured: late.captured,
        };
        let token = WorkflowCancellationToken::new();
        let confirming = options::database(&input.policy, Some(&token), "Write the order as CONFIRMED");
        let confirmed = Self::forward(ctx, REVIVE, || {
            ctx.execute_local_activity(LateBooks::revive, revive.clone(), confirming.clone())
        });
        match confirmed.await {
            Ok(OrderRevived::Confirmed { sequence }) => Some(sequence),
            Ok(OrderRevived::Refused) | Err(_) => None,
        }
    }

    /// Tells that the order is confirmed after all.
    pub(super) async fn revived(ctx: &WorkflowContext<Self>, late: &Late, sequence: u32) -> LatePaymentOutcome {
        let total = late.order.order.total;
        ctx.upsert_search_attributes([
            ORDER_STATE.value_set(OrderStatus::Confirmed.as_str().to_owned()),
            ORDER_TOTAL.value_set(total.amount),
        ]);
        Self::at(ctx, "announcing");
        let (caller, email) = (late.order.caller.clone(), late.order.email.clone());
        let order_id = ctx.state(|s| s.input.order_id.clone());
        let notice = Notice::order_confirmed(order_id, caller, email, late.order.order.clone());
        Self::announce(ctx, &late.order, notice, Some((sequence, OrderEvent::Confirmed { total }))).await;
        LatePaymentOutcome::Revived
    }

    /// Gives back what was sold, and closes the door: a sale that arrives late sells nothing.
    pub(super) async fn forgo(ctx: &WorkflowContext<Self>) {
        let input = ctx.state(|s| s.input.clone());
        let token = WorkflowCancellationToken::new();
        let forgoing = options::database(&input.policy, Some(&token), "Give the pieces back");
        let forgo = Forgo { order_id: input.order_id };
        let _ended =
            Self::insist(ctx, FORGO, || ctx.execute_local_activity(LateStock::forgo, forgo.clone(), forgoing.clone()))
                .await;
    }
}
