//! The checkout of one order.

mod answer;
mod card;
mod details;
mod step;
mod workflow;

pub use answer::{CheckoutAnswer, CheckoutInput, CheckoutOutcome, Payment, Policy, Refusal, quote};
pub use card::{CardAnswer, CardRequest, Cards, card_update_id};
pub use step::{Step, Undo, UndoStack};
pub use workflow::Checkout;

/// The identifier of the one update by which a caller asks for the answer: sent again, it gives the first answer again.
pub const ANSWER_UPDATE_ID: &str = "answer";
