//! How many pieces of a product a line asks for.

use serde::{Deserialize, Serialize};

/// The most pieces one line may ask for; more is a typing error or hoarding.
pub const MAX_QUANTITY: u32 = 999;

/// A number of pieces, at least one and at most [`MAX_QUANTITY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(u32);

/// A quantity outside what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a quantity: allowed is 1 to {MAX_QUANTITY}")]
pub struct InvalidQuantity(i64);

impl Quantity {
    /// The most pieces.
    pub const MAX: Self = Self(MAX_QUANTITY);

    /// A quantity, if it is one.
    pub fn new(pieces: i64) -> Result<Self, InvalidQuantity> {
        u32::try_from(pieces)
            .ok()
            .filter(|pieces| (1..=MAX_QUANTITY).contains(pieces))
            .map(Self)
            .ok_or(InvalidQuantity(pieces))
    }

    /// The number of pieces.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(pieces: i64) -> Result<Self, Self::Error> {
        Self::new(pieces)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        Self::from(quantity.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_allowed_range_is_a_quantity() {
        for pieces in [i64::MIN, -1, 0, i64::from(MAX_QUANTITY) + 1, i64::MAX] {
            assert_eq!(Quantity::new(pieces), Err(InvalidQuantity(pieces)));
        }
        assert_eq!(Quantity::new(1).unwrap().get(), 1);
        assert_eq!(Quantity::new(i64::from(MAX_QUANTITY)).unwrap().get(), MAX_QUANTITY);
    }
}
