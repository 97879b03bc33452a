//! Whether what is kept as the caller's answer is what became of the order.

use kassa_domain::{OrderStatus, PaymentId};
use kassa_store::orders::OrderView;
use kassa_workflows::checkout::{CheckoutAnswer, CheckoutOutcome};

use super::{Facts, is_revival};
use crate::oracle::Findings;

impl Facts {
    pub(super) fn judge_answer(&self, order: &OrderView, findings: &mut Findings) {
        let id = &self.order_id;
        findings.expect(id, "the caller's answer in its row", order.answer_json.is_some());
        let Some(answer) = &order.answer_json else { return };
        let answer: CheckoutAnswer = match serde_json::from_str(answer) {
            Ok(answer) => answer,
            Err(error) => return findings.add(id, &format!("its answer cannot be read: {error}")),
        };
        findings.expect_eq(id, "the order that its answer is about", &answer.order_id, id);
        let told = &answer.outcome;
        match told {
            CheckoutOutcome::Confirmed { total, payment_id } => {
                findings.expect_eq(id, "the total of its answer", *total, order.order.total);
                findings.expect_eq(id, "the payment of its answer", payment_id, &PaymentId::of(id));
                findings.expect(id, "a confirmation by its checkout, as was answered", self.was_sold_by_checkout());
            }
            // Either may be followed by anything.
            CheckoutOutcome::AwaitingPayment { total, .. } | CheckoutOutcome::AwaitingCard { total, .. } => {
                findings.expect_eq(id, "the total of its answer", *total, order.order.total);
            }
            CheckoutOutcome::Held => findings.add(id, "an answer is kept that decides nothing"),
            CheckoutOutcome::PaymentUnavailable
            | CheckoutOutcome::PaymentExpired
            | CheckoutOutcome::Declined { .. }
            | CheckoutOutcome::OutOfStock { .. }
            | CheckoutOutcome::Refused { .. }
            | CheckoutOutcome::Cancelled { .. }
            | CheckoutOutcome::Failed { .. } => self.judge_failure(order, told, findings),
        }
    }

    /// Nothing but late money makes anything else of an order that was cancelled, and only of one that was not paid in time.
    fn judge_failure(&self, order: &OrderView, told: &CheckoutOutcome, findings: &mut Findings) {
        if matches!(told, CheckoutOutcome::PaymentExpired) && self.entries("order.confirmed").any(is_revival) {
            return;
        }
        let id = &self.order_id;
        findings.expect_eq(id, "the status after an answer that it failed", order.status, OrderStatus::Cancelled);
        let reason = order.failure_reason.as_deref();
        findings.expect_eq(id, "the reason, by its answer", reason, told.failure_reason());
    }
}
