//! The valve before the payment provider.
//!
//! Whatever would take a customer's money looks at it first and answers that it is held while the valve is closed. Nothing
//! that gives money back, or asks what became of it, does.

#![expect(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "the activity macro generates markers without documentation, and declarations consume nothing"
)]

use kassa_domain::OrderId;
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Wire name of [`Valve::look`].
pub const LOOK: &str = "valve.look";
/// Wire name of [`Valve::admit`].
pub const ADMIT: &str = "valve.admit";

/// A closed valve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Since when, in milliseconds since 1970.
    pub closed_at: i64,
}

/// How the valve stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// Orders go to the provider.
    Open,
    /// They are held.
    Closed {
        /// Since when.
        #[serde(flatten)]
        held: Held,
    },
}

/// Asks when the turn of a held order comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admit {
    /// The order; it has one place in a drain, however often it asks.
    pub order_id: OrderId,
}

/// When the turn of a held order comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Admission {
    /// The valve is closed.
    Closed,
    /// It is open, and held orders go one after the other.
    Turn {
        /// When this one goes, in milliseconds since 1970.
        at: i64,
    },
}

/// The activities of this system.
pub struct Valve;

#[expect(
    clippy::unimplemented,
    reason = "the macro demands such bodies: this declares, the activities crate implements"
)]
#[activity_definitions]
impl Valve {
    /// Looks how the valve stands at this moment.
    #[activity(name = LOOK)]
    pub fn look() -> Result<Standing, ActivityError> {
        unimplemented!()
    }

    /// Gives a held order its place once the valve is open.
    #[activity(name = ADMIT)]
    pub fn admit(input: Admit) -> Result<Admission, ActivityError> {
        unimplemented!()
    }
}

/// The definitions under a public name: the macro's own module is private.
pub mod definitions {
    pub use super::valve::*;
}
