//! Carts in DynamoDB.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use std::collections::BTreeMap;

use kassa_domain::{CartId, Mark, ProductId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Carts::settle`].
pub const SETTLE: &str = "carts.settle";

/// Takes out of a cart what an order has bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The cart.
    pub cart: CartId,
    /// What was in it when it was bought, and how far each line was; what was put in after that stays.
    pub bought: BTreeMap<ProductId, Mark>,
}

/// The activities of this system.
pub struct Carts;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Carts {
    /// Takes out what was bought. The marks are the guard against doing it twice: what is left lies beyond them.
    #[activity(name = SETTLE)]
    pub fn settle(input: Settle) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::carts::*;
}
