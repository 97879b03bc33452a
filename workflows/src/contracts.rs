//! The contracts of the activities: one module per outside system, one input and one output type per activity.
//!
//! Types are extended only by adding fields with a default: recorded histories and messages in flight have to stay
//! readable. The wire names are written out, so that a rename in the code changes nothing outside.

pub mod awaited;
pub mod carts;
pub mod events;
pub mod inventory;
pub mod late_payments;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod reconciliation;
pub mod recovery;
pub mod refunds;
pub mod valve;

/// The wire names of all activities: what a worker has to register.
pub const ACTIVITY_NAMES: [&str; 35] = [
    orders::PLACE,
    orders::AWAIT_PAYMENT,
    orders::PAYMENT_FAILED,
    orders::CONFIRM,
    orders::CANCEL,
    orders::FULFIL,
    orders::CANCEL_SALE,
    inventory::RESERVE,
    inventory::RELEASE,
    inventory::DEDUCT,
    inventory::RESTOCK,
    payments::CHARGE,
    payments::CONFIRM,
    payments::REFUND,
    payments::CREATE_REFUND,
    refunds::CLAIM,
    refunds::SETTLE,
    awaited::OPEN_PAGE,
    awaited::LOOK,
    awaited::CLOSE,
    awaited::WITHDRAW,
    valve::LOOK,
    valve::ADMIT,
    late_payments::LOOK,
    late_payments::READ,
    late_payments::REVIVE,
    late_payments::BOOK,
    late_payments::SELL,
    late_payments::FORGO,
    notifications::SEND,
    events::PUBLISH,
    carts::SETTLE,
    reconciliation::COMPARE,
    reconciliation::OPEN,
    recovery::EXAMINE,
];
