//! What a shop has to be configured with for a way to be gone.

use super::Path;
use crate::valve::QUICK;

/// Seldom enough that an order is held, looks once, and finds that payments are resumed.
const SELDOM: (&str, &str) = ("KASSA_VALVE_LOOK_MS", "10000");

/// Often enough that an order which is held too long looks several times.
const NOW_AND_THEN: (&str, &str) = ("KASSA_VALVE_LOOK_MS", "1500");

/// Long enough that patience runs out over a durable back-off and at nothing else, even on a machine that does much else.
const IMPATIENT: (&str, &str) = ("KASSA_STEP_PATIENCE_MS", "5000");

/// Settings of the API that decide where orders go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settings {
    /// As they are.
    Usual,
    /// Nobody has long to pay.
    ShortHold,
    /// Payments are paused, and soon looked at again.
    Paused,
    /// Payments are paused for longer than an order waits.
    PausedForLong,
    /// Several cards may be tried.
    Cards,
    /// What fails for a few seconds waits for an operator.
    Impatient,
    /// Everything is compared, so nothing else may go on.
    Alone,
}

impl Settings {
    /// Long enough to pay in, short enough to wait for.
    pub const HOLD: (&'static str, &'static str) = ("KASSA_PAYMENT_HOLD_MS", "4000");

    /// For orders that wait for another card.
    pub const SEVERAL: (&'static str, &'static str) = ("KASSA_CARD_ATTEMPTS", "4");

    /// The variables of the API.
    pub fn environment(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Usual | Self::Alone => Vec::new(),
            Self::ShortHold => vec![Self::HOLD],
            Self::Paused => vec![SELDOM, QUICK[1]],
            Self::PausedForLong => vec![NOW_AND_THEN, QUICK[1], Self::HOLD],
            Self::Cards => vec![Self::SEVERAL],
            Self::Impatient => vec![IMPATIENT],
        }
    }

    /// The ways that are gone with them.
    pub fn paths(self) -> Vec<Path> {
        Path::ALL.into_iter().filter(|path| path.settings() == self).collect()
    }
}

impl Path {
    /// What it is gone with.
    pub const fn settings(self) -> Settings {
        match self {
            Self::Confirmed
            | Self::Declined
            | Self::Compensated
            | Self::OutOfStock
            | Self::CartSold
            | Self::PaidOnPage
            | Self::Authenticated
            | Self::CancelledWaiting
            | Self::Cancelled
            | Self::Refunded
            | Self::Shipped
            | Self::Sent => Settings::Usual,
            Self::NeverPaid | Self::TakenBack | Self::PaidLate | Self::GivenBack | Self::Revived => Settings::ShortHold,
            Self::Held => Settings::Paused,
            Self::HeldTooLong => Settings::PausedForLong,
            Self::AnotherCard => Settings::Cards,
            Self::ParkedRetried | Self::Aborted => Settings::Impatient,
            Self::Reconciled | Self::Shown => Settings::Alone,
        }
    }
}
