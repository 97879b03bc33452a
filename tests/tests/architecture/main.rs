//! The shape of the house: which crate may know which, and that the worker offers everything that is declared.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod dependencies;
mod features;
mod graph;
mod registration;
