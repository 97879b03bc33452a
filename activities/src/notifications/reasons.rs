//! What customers are told for the stable codes that workflows give as reasons.

/// Why an order ended without a sale, or after it.
pub(super) fn of_cancellation(code: &str) -> &'static str {
    match code {
        "cancelled_by_customer" => "You have asked us to cancel it.",
        "cancelled_by_shop" => "The shop had to cancel it. We are sorry.",
        "out_of_stock" => "Something of it is not in stock any more.",
        "payment_declined" => "The payment was declined.",
        "payment_expired" => "The time to pay for it has run out.",
        "payment_unavailable" => "We could not take payments for too long. Nothing was charged. We are sorry.",
        "step_failed" => "Something went wrong on our side. We are sorry.",
        // A code that came later, or that customers need not know.
        _ => "We could not complete it. We are sorry.",
    }
}

/// Why an order was not paid.
pub(super) fn of_payment_problem(code: &str) -> &'static str {
    match code {
        "payment_declined" => "The payment was declined.",
        "payment_expired" => "The time to pay for it has run out.",
        _ => "The payment could not be completed.",
    }
}
