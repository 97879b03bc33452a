//! Stock and reservations in DynamoDB.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::{Line, OrderId, ProductId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Inventory::reserve`].
pub const RESERVE: &str = "inventory.reserve";
/// Wire name of [`Inventory::release`].
pub const RELEASE: &str = "inventory.release";
/// Wire name of [`Inventory::deduct`].
pub const DEDUCT: &str = "inventory.deduct";
/// Wire name of [`Inventory::restock`].
pub const RESTOCK: &str = "inventory.restock";

/// Holds pieces for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// The order; its reservation is the guard against doing it twice.
    pub order_id: OrderId,
    /// What to hold: all of it or nothing.
    pub lines: Vec<Line>,
}

/// What came of reserving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reserved {
    /// All pieces are held, now or by an earlier attempt.
    Held,
    /// Nothing is held, because of these lines.
    OutOfStock {
        /// Every line that could not be served.
        shortages: Vec<Shortage>,
    },
}

/// A line that asked for more than there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The product.
    pub product_id: ProductId,
    /// Pieces asked for.
    pub requested: u32,
    /// Pieces there were.
    pub available: u64,
}

/// An order whose reservation is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The order.
    pub order_id: OrderId,
}

/// The activities of this system.
pub struct Inventory;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Inventory {
    /// Moves pieces from available to reserved, for every line or for none.
    #[activity(name = RESERVE)]
    pub fn reserve(input: Reserve) -> Result<Reserved, ActivityError> {
        unimplemented!()
    }

    /// Moves what is still reserved back to available; also shuts out a reservation that arrives later.
    #[activity(name = RELEASE)]
    pub fn release(input: Reservation) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Moves pieces from reserved to sold.
    #[activity(name = DEDUCT)]
    pub fn deduct(input: Reservation) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Moves pieces from sold back to available; what was only held, too, so that it cannot be sold later.
    #[activity(name = RESTOCK)]
    pub fn restock(input: Reservation) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::inventory::*;
}
