//! Comparing what Stripe, both databases and the workflows say about the same things.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Fingerprint, OrderId, ProductId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

use crate::checkout::Policy;

/// Wire name of [`Reconciliation::compare`].
pub const COMPARE: &str = "reconciliation.compare";
/// Wire name of [`Reconciliation::open`].
pub const OPEN: &str = "reconciliation.open";

/// What is compared with what; one after the other, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Payments at Stripe with the books.
    Payments,
    /// Refunds at Stripe with the books.
    Refunds,
    /// Paid orders in the books with Stripe.
    Books,
    /// The counters of products with what was received, and with the reservations.
    Stock,
    /// What is held with the workflows that hold it.
    Reservations,
    /// What was returned of cancelled orders with their reservations.
    Returns,
    /// Undecided orders with their workflows.
    Undecided,
    /// The events that the books count with the log of what was published.
    Events,
    /// Open workflows with the time they should take.
    Workflows,
}

impl Check {
    /// All checks, in their order.
    pub const ALL: [Self; 9] = [
        Self::Payments,
        Self::Refunds,
        Self::Books,
        Self::Stock,
        Self::Reservations,
        Self::Returns,
        Self::Undecided,
        Self::Events,
        Self::Workflows,
    ];

    /// The wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Refunds => "refunds",
            Self::Books => "books",
            Self::Stock => "stock",
            Self::Reservations => "reservations",
            Self::Returns => "returns",
            Self::Undecided => "undecided",
            Self::Events => "events",
            Self::Workflows => "workflows",
        }
    }
}

/// Reads one page of a check, and compares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparePage {
    /// What is compared.
    pub check: Check,
    /// Where the page starts; at the beginning if absent.
    pub cursor: Option<String>,
    /// What happened before is not looked at where there is very much of it, in milliseconds since 1970.
    pub since: i64,
    /// What happened after is not judged: it may be in flight. In milliseconds since 1970.
    pub until: i64,
    /// How long before the moment of reading something must have happened to be judged, in milliseconds.
    pub grace_ms: u64,
    /// Workflows that were started before should have ended, in milliseconds since 1970.
    pub open_since: i64,
    /// The same for workflows that wait for banks.
    pub refunds_open_since: i64,
}

/// What came of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// How much there was on it.
    pub checked: u64,
    /// What does not agree.
    pub findings: Vec<Finding>,
    /// Where the next page starts, if there is more.
    pub next: Option<String>,
}

/// What does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Stripe keeps money that belongs to no order.
    MoneyWithoutOrder,
    /// Stripe keeps money of an order that was cancelled.
    MoneyOfCancelledOrder,
    /// Stripe keeps money of an order beside the payment that the books name.
    SecondPayment,
    /// An order is sold, and no payment is in the books.
    PaymentNotBooked,
    /// The books name a payment that Stripe does not know, or that has brought in nothing.
    PaymentNotFound,
    /// The books and Stripe name different amounts for a payment.
    AmountDiffers,
    /// Stripe has given money back of which the books know nothing.
    RefundNotBooked,
    /// The books say that money was given back, and Stripe says that it was not.
    RefundNotMade,
    /// A refund is claimed, and nothing makes it.
    RefundUnsettled,
    /// The counters of a product do not add up.
    StockDiffers,
    /// Pieces are held or sold for an order for which they should not be.
    StockHeld,
    /// An order is undecided, and nothing decides it.
    OrderUndecided,
    /// The books count more events of an order than were published.
    EventsMissing,
    /// A workflow is open for longer than it should be.
    WorkflowOld,
    /// A workflow waits for an operator.
    WorkflowParked,
}

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy<'finding> {
    /// The recovery workflow of the order mends it.
    Recover(&'finding OrderId),
    /// An operator has to look: a workflow waits for it.
    Park,
    /// The workflow that is named is where it is mended.
    Name,
}

/// Something that does not agree, and what it is about. Never personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What does not agree.
    pub kind: FindingKind,
    /// The order, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The product, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Stripe's intent (`pi_...`), if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
    /// The refund, here or at Stripe, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<String>,
    /// The workflow, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// What differs, in figures.
    pub detail: String,
}

impl Finding {
    /// A finding that is about nothing yet.
    pub fn new(kind: FindingKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            order_id: None,
            product_id: None,
            payment_intent: None,
            refund: None,
            workflow_id: None,
            detail: detail.into(),
        }
    }

    /// About an order.
    #[must_use]
    pub fn order(self, order_id: &OrderId) -> Self {
        Self { order_id: Some(order_id.clone()), ..self }
    }

    /// About a product.
    #[must_use]
    pub fn product(self, product_id: &ProductId) -> Self {
        Self { product_id: Some(product_id.clone()), ..self }
    }

    /// About a payment at Stripe.
    #[must_use]
    pub fn payment_intent(self, intent: &str) -> Self {
        Self { payment_intent: Some(intent.to_owned()), ..self }
    }

    /// About a refund.
    #[must_use]
    pub fn refund(self, refund: &str) -> Self {
        Self { refund: Some(refund.to_owned()), ..self }
    }

    /// About a workflow.
    #[must_use]
    pub fn workflow(self, workflow_id: &str) -> Self {
        Self { workflow_id: Some(workflow_id.to_owned()), ..self }
    }

    /// What is done about it. The one place that decides this.
    pub fn remedy(&self) -> Remedy<'_> {
        match (self.kind, &self.order_id) {
            (
                FindingKind::MoneyOfCancelledOrder
                | FindingKind::RefundUnsettled
                | FindingKind::StockHeld
                | FindingKind::OrderUndecided
                | FindingKind::EventsMissing,
                Some(order_id),
            ) => Remedy::Recover(order_id),
            (FindingKind::WorkflowOld | FindingKind::WorkflowParked, _) => Remedy::Name,
            (
                FindingKind::MoneyWithoutOrder
                | FindingKind::MoneyOfCancelledOrder
                | FindingKind::SecondPayment
                | FindingKind::PaymentNotBooked
                | FindingKind::PaymentNotFound
                | FindingKind::AmountDiffers
                | FindingKind::RefundNotBooked
                | FindingKind::RefundNotMade
                | FindingKind::RefundUnsettled
                | FindingKind::StockDiffers
                | FindingKind::StockHeld
                | FindingKind::OrderUndecided
                | FindingKind::EventsMissing,
                _,
            ) => Remedy::Park,
        }
    }

    /// Names the finding: the same thing found again has the same name, and the same place with other figures another one.
    pub fn id(&self) -> String {
        let Self { kind, order_id, product_id, payment_intent, refund, workflow_id, detail } = self;
        let parts = [
            Some(kind.as_str()),
            order_id.as_ref().map(OrderId::as_str),
            product_id.as_ref().map(ProductId::as_str),
            payment_intent.as_deref(),
            refund.as_deref(),
            workflow_id.as_deref(),
            Some(detail.as_str()),
        ];
        let canonical = parts.map(Option::unwrap_or_default).join("\n");
        Fingerprint::of(&canonical).as_str().to_owned()
    }

    /// What it is about, for logs and lists.
    pub fn about(&self) -> String {
        let Self { order_id, product_id, payment_intent, refund, workflow_id, .. } = self;
        let parts = [
            order_id.as_ref().map(OrderId::as_str),
            product_id.as_ref().map(ProductId::as_str),
            payment_intent.as_deref(),
            refund.as_deref(),
            workflow_id.as_deref(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl FindingKind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::MoneyWithoutOrder,
        Self::MoneyOfCancelledOrder,
        Self::SecondPayment,
        Self::PaymentNotBooked,
        Self::PaymentNotFound,
        Self::AmountDiffers,
        Self::RefundNotBooked,
        Self::RefundNotMade,
        Self::RefundUnsettled,
        Self::StockDiffers,
        Self::StockHeld,
        Self::OrderUndecided,
        Self::EventsMissing,
        Self::WorkflowOld,
        Self::WorkflowParked,
    ];

    /// The wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MoneyWithoutOrder => "money_without_order",
            Self::MoneyOfCancelledOrder => "money_of_cancelled_order",
            Self::SecondPayment => "second_payment",
            Self::PaymentNotBooked => "payment_not_booked",
            Self::PaymentNotFound => "payment_not_found",
            Self::AmountDiffers => "amount_differs",
            Self::RefundNotBooked => "refund_not_booked",
            Self::RefundNotMade => "refund_not_made",
            Self::RefundUnsettled => "refund_unsettled",
            Self::StockDiffers => "stock_differs",
            Self::StockHeld => "stock_held",
            Self::OrderUndecided => "order_undecided",
            Self::EventsMissing => "events_missing",
            Self::WorkflowOld => "workflow_old",
            Self::WorkflowParked => "workflow_parked",
        }
    }
}

/// Sees to it that something is done about findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFindings {
    /// The findings.
    pub findings: Vec<Finding>,
    /// How patient the workflows are that mend them.
    #[serde(default)]
    pub policy: Policy,
}

/// What was done about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Started {
    /// A workflow was started that mends it.
    Recovery {
        /// The workflow.
        workflow_id: String,
    },
    /// A workflow was started that waits for an operator.
    Parked {
        /// The workflow.
        workflow_id: String,
    },
    /// An earlier reconciliation has started this workflow.
    Known {
        /// The workflow.
        workflow_id: String,
    },
    /// The workflow that is named is where it is mended.
    Named {
        /// The workflow.
        workflow_id: String,
    },
}

impl Started {
    /// Where to look.
    pub fn workflow_id(&self) -> &str {
        match self {
            Self::Recovery { workflow_id }
            | Self::Parked { workflow_id }
            | Self::Known { workflow_id }
            | Self::Named { workflow_id } => workflow_id,
        }
    }

    /// The wire form of what was done.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Recovery { .. } => "recovery",
            Self::Parked { .. } => "parked",
            Self::Known { .. } => "known",
            Self::Named { .. } => "named",
        }
    }
}

/// What was done about each finding, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedFindings {
    /// What was done.
    pub started: Vec<Started>,
}

/// The activities that compare.
pub struct Reconciliation;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Reconciliation {
    /// Reads one page and compares it. Changes nothing.
    #[activity(name = COMPARE)]
    pub fn compare(input: ComparePage) -> Result<Compared, ActivityError> {
        unimplemented!()
    }

    /// Starts what mends each finding, once: the names of the workflows are the guard.
    #[activity(name = OPEN)]
    pub fn open(input: OpenFindings) -> Result<OpenedFindings, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::reconciliation::*;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(detail: &str) -> Finding {
        Finding::new(FindingKind::StockDiffers, detail).product(&"prod_1".parse().expect("an id"))
    }

    #[test]
    fn the_same_finding_has_the_same_name_and_other_figures_have_another_one() {
        assert_eq!(finding("one missing").id(), finding("one missing").id());
        assert_ne!(finding("one missing").id(), finding("two missing").id());
    }

    #[test]
    fn money_of_a_cancelled_order_goes_back_and_money_of_no_order_waits_for_somebody() {
        let order: OrderId = "ord_1".parse().expect("an id");
        let late = Finding::new(FindingKind::MoneyOfCancelledOrder, "5 EUR").order(&order);
        assert_eq!(late.remedy(), Remedy::Recover(&order));
        let stray = Finding::new(FindingKind::MoneyWithoutOrder, "5 EUR").payment_intent("pi_1");
        assert_eq!(stray.remedy(), Remedy::Park);
    }
}
