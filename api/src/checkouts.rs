//! The checkout workflows: starting one, and waiting for its answer.

use std::fmt::Write;

use kassa_domain::{IdempotencyKey, OrderId, OrderStatus, PricedOrder};
use kassa_workflows::checkout::{
    ANSWER_UPDATE_ID, CardAnswer, CardRequest, Checkout, CheckoutAnswer, CheckoutInput, card_update_id,
};
use kassa_workflows::search_attributes::{CUSTOMER_ID, ORDER_STATE, ORDER_TOTAL};
use kassa_workflows::workflow_id;

use crate::workflows::{Start, WorkflowError, Workflows};

/// Starts checkouts and waits for what they answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checkouts<'a>(pub(crate) &'a Workflows);

impl Checkouts<'_> {
    /// Starts the checkout, or joins the one that there is for this order, and waits for its answer.
    ///
    /// `priced` is only shown in the web UI; the workflow prices the order itself.
    pub(crate) async fn decide(
        self,
        input: CheckoutInput,
        priced: Option<&PricedOrder>,
    ) -> Result<CheckoutAnswer, WorkflowError> {
        let start = start(&input, priced);
        self.0.ask(Checkout::run, input, Checkout::answer, (), start).await
    }

    /// What the checkout of an order has decided by now, without waiting for it; nothing if it has not, or cannot say.
    pub(crate) async fn decided(self, order: &OrderId) -> Option<CheckoutAnswer> {
        let decided = self.0.query(&workflow_id(order), Checkout::decided_answer).await;
        decided
            .inspect_err(|error| tracing::warn!(order.id = %order, %error, "a checkout was not asked"))
            .ok()
            .flatten()
    }

    /// Whether Temporal knows a workflow of this order, open or closed.
    pub(crate) async fn exists(self, order: &OrderId) -> Result<bool, WorkflowError> {
        self.0.exists(&workflow_id(order)).await
    }

    /// Tries another card for an order that waits for one.
    pub(crate) async fn another_card(
        self,
        order: &OrderId,
        key: &IdempotencyKey,
        card: CardRequest,
    ) -> Result<CardAnswer, WorkflowError> {
        self.0.update(&workflow_id(order), Checkout::another_card, card, card_update_id(key)).await
    }

    /// Tells the workflow of an order that something may have changed about the payment that it waits for.
    pub(crate) async fn payment_changed(self, order: &OrderId, event_id: &str) -> Result<(), WorkflowError> {
        self.0.signal(&workflow_id(order), Checkout::payment_changed, event_id).await
    }
}

fn start(input: &CheckoutInput, priced: Option<&PricedOrder>) -> Start {
    let mut search_attributes = vec![
        ORDER_STATE.value_set(OrderStatus::Pending.as_str().to_owned()),
        CUSTOMER_ID.value_set(input.order.caller.as_str().to_owned()),
    ];
    if let Some(priced) = priced {
        search_attributes.push(ORDER_TOTAL.value_set(priced.total.amount));
    }
    Start {
        workflow_id: workflow_id(&input.order.order_id),
        update_id: ANSWER_UPDATE_ID.to_owned(),
        summary: summary(input, priced),
        details: priced.map(details),
        search_attributes,
    }
}

/// One line for the list of workflows. Never personal data: it is stored in clear text.
fn summary(input: &CheckoutInput, priced: Option<&PricedOrder>) -> String {
    let count = input.order.lines.len();
    let lines = if count == 1 { "line" } else { "lines" };
    match priced {
        Some(priced) => format!("Checkout of {count} {lines}, {}", priced.total),
        None => format!("Checkout of {count} {lines}"),
    }
}

/// What was ordered, as a Markdown table. Never personal data: it is stored in clear text.
fn details(priced: &PricedOrder) -> String {
    // Temporal refuses more than 20,000 bytes of details; that many lines stay below it, however long their names are.
    const SHOWN: usize = 15;
    let mut text = String::from("| pieces | product | each | total |\n|---:|---|---:|---:|\n");
    for line in priced.lines.iter().take(SHOWN) {
        let (quantity, name) = (line.quantity.get(), line.name.replace('|', "\\|"));
        writeln!(text, "| {quantity} | {name} (`{}`) | {} | {} |", line.product_id, line.unit_price, line.total)
            .expect("writing into a String does not fail");
    }
    if let Some(more @ 1..) = priced.lines.len().checked_sub(SHOWN) {
        writeln!(text, "\n… and {more} more").expect("writing into a String does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use kassa_domain::{Currency, Money, PricedLine, Quantity};

    use super::*;

    fn priced(lines: usize) -> PricedOrder {
        let line = |n: usize| PricedLine {
            product_id: format!("prod_{n}").parse().expect("an id"),
            name: "Tea | green".to_owned(),
            quantity: Quantity::new(2).expect("a quantity"),
            unit_price: Money::new(250, Currency::EUR),
            total: Money::new(500, Currency::EUR),
        };
        PricedOrder { lines: (0..lines).map(line).collect(), total: Money::new(500, Currency::EUR) }
    }

    #[test]
    fn details_show_each_line_and_stay_short() {
        assert!(details(&priced(1)).ends_with("| 2 | Tea \\| green (`prod_0`) | 2.50 EUR | 5.00 EUR |\n"));
        assert!(!details(&priced(15)).contains("more"));
        assert!(details(&priced(99)).ends_with("… and 84 more\n"));
    }
}
