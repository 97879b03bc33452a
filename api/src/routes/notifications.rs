//! Messages to customers: which ones they want, what was sent, and mail that an administrator writes.

pub(crate) mod records;
pub(crate) mod settings;
pub(crate) mod write;

use crate::problem::ProblemCode;

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("get_notification_settings", &[ProblemCode::TemporarilyUnavailable]),
    ("put_notification_settings", &[ProblemCode::TemporarilyUnavailable]),
    ("list_notifications", &[ProblemCode::TemporarilyUnavailable]),
    ("list_own_notifications", &[ProblemCode::TemporarilyUnavailable]),
    (
        "send_email",
        &[ProblemCode::OrderNotFound, ProblemCode::IdempotencyKeyReused, ProblemCode::TemporarilyUnavailable],
    ),
];
