//! By which call each step and each undo takes effect.

use kassa_domain::OrderId;
use kassa_tests::proxy::{Call, Proxies, Proxy};
use kassa_workflows::checkout::{Step, Undo};

/// Something that a checkout does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A step.
    Step(Step),
    /// What takes a step back.
    Undo(Undo),
}

impl Deed {
    /// Everything that a checkout does.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Step::ALL.into_iter().map(Self::Step).chain(Undo::ALL.into_iter().map(Self::Undo))
    }

    /// Where its effect on an order happens, and by which call.
    pub(crate) fn effect<'proxies>(self, order: &OrderId, proxies: &'proxies Proxies) -> (&'proxies Proxy, Call) {
        let (proxy, call) = match self {
            Self::Step(Step::Validate) => (&proxies.rds_data, sql("INSERT INTO order_items")),
            Self::Step(Step::Reserve) => (&proxies.dynamodb, transaction("RESERVED").and("attribute_not_exists")),
            Self::Step(Step::Charge) => (&proxies.stripe, charge()),
            Self::Step(Step::Deduct) => (&proxies.dynamodb, transaction("SOLD").and("\"RESERVED\"")),
            Self::Step(Step::Confirm) => (&proxies.rds_data, confirmation()),
            Self::Step(Step::Notify) => (&proxies.aws, Call::with("POST /v2/email/outbound-emails")),
            Self::Step(Step::Publish) => (&proxies.aws, Call::with("AWSEvents.PutEvents")),
            Self::Undo(Undo::Refund) => (&proxies.stripe, Call::with("POST /v1/refunds")),
            Self::Undo(Undo::Restock) => (&proxies.dynamodb, transaction("RESTOCKED")),
            Self::Undo(Undo::Release) => (&proxies.dynamodb, transaction("RELEASED")),
            Self::Undo(Undo::Cancel) => (&proxies.rds_data, sql("WITH cancelled AS")),
        };
        (proxy, call.and(order.as_str()))
    }
}

/// The call that charges a card. Undoing an order of which nothing is known makes a payment intent, too, but does not
/// confirm it.
pub(crate) fn charge() -> Call {
    Call::with("POST /v1/payment_intents").and("confirm=true")
}

/// The statement that confirms an order.
pub(crate) fn confirmation() -> Call {
    sql("WITH confirmed AS")
}

/// A statement with this text.
pub(crate) fn sql(part: &str) -> Call {
    Call::with("POST /Execute").and(part)
}

/// A transaction that brings a reservation to this status.
pub(crate) fn transaction(status: &str) -> Call {
    Call::with("DynamoDB_20120810.TransactWriteItems").and(format!("\"{status}\""))
}
