//! What operators can search orders by. Never personal data: these are stored and shown in clear text.

use temporalio_common::SearchAttributeKey;

/// Where the order stands: an order status in its wire form, [`HELD`] or [`NEEDS_OPERATOR`].
pub const ORDER_STATE: SearchAttributeKey<String> = SearchAttributeKey::keyword("OrderState");
/// The caller; for a guest a hash of the e-mail address.
pub const CUSTOMER_ID: SearchAttributeKey<String> = SearchAttributeKey::keyword("CustomerId");
/// The total in minor units of the order's currency.
pub const ORDER_TOTAL: SearchAttributeKey<i64> = SearchAttributeKey::int("OrderTotal");
/// Why the order was not confirmed, as a stable code.
pub const FAILURE_REASON: SearchAttributeKey<String> = SearchAttributeKey::keyword("FailureReason");

/// The [`ORDER_STATE`] of an order that is held before its charge, until payments are resumed.
pub const HELD: &str = "Held";

/// The [`ORDER_STATE`] of a parked order: a step failed for good and waits for an operator's decision.
pub const NEEDS_OPERATOR: &str = "NeedsOperator";

/// The [`ORDER_STATE`] of a workflow that was parked, goes on, and showed no state before. It is set and not taken away,
/// because the server refuses the empty value by which the SDK takes a search attribute away.
pub const RESUMED: &str = "Resumed";
