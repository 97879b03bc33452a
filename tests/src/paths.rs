//! Every way through a workflow of which a history is recorded, and how to go it.

mod settings;
mod way;

pub use settings::Settings;
pub use way::Way;

/// A way through a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Sold and paid at once.
    Confirmed,
    /// The card was declined.
    Declined,
    /// Confirming failed for good after the money had been captured.
    Compensated,
    /// Too little was there.
    OutOfStock,
    /// Confirmed after it had waited for an operator, who had it tried again.
    ParkedRetried,
    /// Taken back by an operator for whom it had waited.
    Aborted,
    /// A cart that was sold, with the tail that takes what was bought out of it.
    CartSold,
    /// Paid on a page of Stripe's.
    PaidOnPage,
    /// Paid with a card that its bank wanted authenticated.
    Authenticated,
    /// Nobody paid on the page.
    NeverPaid,
    /// Cancelled by its customer, who was to pay on the page.
    CancelledWaiting,
    /// Held before its charge until payments were resumed.
    Held,
    /// Held for so long that it was given up.
    HeldTooLong,
    /// Paid with another card after one was declined, and one was not authenticated.
    AnotherCard,
    /// Cancelled after it was sold.
    Cancelled,
    /// A part of a payment that was given back.
    Refunded,
    /// Sent on its way.
    Shipped,
    /// A message of its own.
    Sent,
    /// Everything compared, with a finding.
    Reconciled,
    /// A finding that an operator left as it is.
    Shown,
    /// An order that was taken back after its checkout had been ended from outside.
    TakenBack,
    /// Money that came for a cancelled order, as the reconciliation saw it.
    PaidLate,
    /// Money that came for a cancelled order, and went back.
    GivenBack,
    /// Money that came for an order that nobody had paid in time, and bought it after all.
    Revived,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Confirmed,
        Self::Declined,
        Self::Compensated,
        Self::OutOfStock,
        Self::ParkedRetried,
        Self::Aborted,
        Self::CartSold,
        Self::PaidOnPage,
        Self::Authenticated,
        Self::NeverPaid,
        Self::CancelledWaiting,
        // In this order: once the second one has gone, the worker knows that payments are resumed.
        Self::HeldTooLong,
        Self::Held,
        Self::AnotherCard,
        Self::Cancelled,
        Self::Refunded,
        Self::Shipped,
        Self::Sent,
        Self::Reconciled,
        Self::Shown,
        Self::TakenBack,
        Self::PaidLate,
        Self::GivenBack,
        Self::Revived,
    ];

    /// What its history is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "checkout-confirmed",
            Self::Declined => "checkout-declined",
            Self::Compensated => "checkout-compensated",
            Self::OutOfStock => "checkout-out-of-stock",
            Self::ParkedRetried => "checkout-parked-retried",
            Self::Aborted => "checkout-aborted",
            Self::CartSold => "checkout-cart-sold",
            Self::PaidOnPage => "checkout-paid-on-page",
            Self::Authenticated => "checkout-authenticated",
            Self::NeverPaid => "checkout-never-paid",
            Self::CancelledWaiting => "checkout-cancelled",
            Self::Held => "checkout-held",
            Self::HeldTooLong => "checkout-held-too-long",
            Self::AnotherCard => "checkout-another-card",
            Self::Cancelled => "cancellation",
            Self::Refunded => "refund",
            Self::Shipped => "fulfilment-shipped",
            Self::Sent => "notification",
            Self::Reconciled => "reconciliation",
            Self::Shown => "finding",
            Self::TakenBack => "recovery-taken-back",
            Self::PaidLate => "recovery-paid-late",
            Self::GivenBack => "late-payment-given-back",
            Self::Revived => "late-payment-revived",
        }
    }
}
