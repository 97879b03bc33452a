//! What a reservation does next: a pure function of where it is.

use serde::{Deserialize, Serialize};

use crate::products::{AVAILABLE, RESERVED, SOLD};

/// Where a reservation is. The wire form is the name in capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationStatus {
    /// The pieces are held.
    Reserved,
    /// The pieces are sold.
    Sold,
    /// The pieces were given back before they were sold, or were never held; none will be any more.
    Released,
    /// The pieces were given back after they had been sold.
    Restocked,
}

/// What can be done to the reservation of an order, besides making it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Undoes reserve.
    Release,
    /// Sells what is held.
    Deduct,
    /// Undoes deduct.
    Restock,
    /// Sells what had been given back before it was sold.
    Revive,
    /// Undoes revive, and keeps one that arrives late from happening.
    Forgo,
}

/// What an operation comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It has been done already, or there is nothing to do.
    Done,
    /// The reservation and its pieces move.
    Move(Transition),
    /// The reservation moves, and its pieces are where they should be already.
    Close {
        /// From there.
        from: ReservationStatus,
        /// To there.
        to: ReservationStatus,
    },
    /// A closed reservation is written, so that none can be made any more.
    ShutOut,
    /// The pieces are not held, so they cannot be sold.
    NotReserved,
    /// The pieces are sold; that has to be undone first.
    StillSold,
}

/// A move of a reservation, and with it of its pieces from one counter to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) from: ReservationStatus,
    pub(super) to: ReservationStatus,
    pub(super) take_from: &'static str,
    pub(super) give_to: &'static str,
}

impl ReservationStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Reserved, Self::Sold, Self::Released, Self::Restocked];

    /// The wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Sold => "SOLD",
            Self::Released => "RELEASED",
            Self::Restocked => "RESTOCKED",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What `operation` comes to for a reservation at `status`, or for an order without one.
pub(super) fn decide(operation: Operation, status: Option<ReservationStatus>) -> Decision {
    use ReservationStatus::{Released, Reserved, Restocked, Sold};
    match operation {
        Operation::Release => match status {
            None => Decision::ShutOut,
            Some(Reserved) => {
                Decision::Move(Transition { from: Reserved, to: Released, take_from: RESERVED, give_to: AVAILABLE })
            }
            Some(Sold) => Decision::StillSold,
            Some(Released | Restocked) => Decision::Done,
        },
        Operation::Deduct => match status {
            Some(Reserved) => {
                Decision::Move(Transition { from: Reserved, to: Sold, take_from: RESERVED, give_to: SOLD })
            }
            Some(Sold) => Decision::Done,
            None | Some(Released | Restocked) => Decision::NotReserved,
        },
        Operation::Restock => match status {
            Some(Sold) => Decision::Move(Transition { from: Sold, to: Restocked, take_from: SOLD, give_to: AVAILABLE }),
            // What was never sold is released at once, so that a deduct that arrives late finds nothing to sell.
            Some(Reserved) => {
                Decision::Move(Transition { from: Reserved, to: Released, take_from: RESERVED, give_to: AVAILABLE })
            }
            None | Some(Released | Restocked) => Decision::Done,
        },
        Operation::Revive => match status {
            Some(Released) => {
                Decision::Move(Transition { from: Released, to: Sold, take_from: AVAILABLE, give_to: SOLD })
            }
            Some(Sold) => Decision::Done,
            None | Some(Reserved | Restocked) => Decision::NotReserved,
        },
        Operation::Forgo => match status {
            Some(Sold) => Decision::Move(Transition { from: Sold, to: Restocked, take_from: SOLD, give_to: AVAILABLE }),
            Some(Released) => Decision::Close { from: Released, to: Restocked },
            None | Some(Reserved | Restocked) => Decision::Done,
        },
    }
}
