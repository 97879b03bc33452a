//! The shape of the house: which crate may know which, that the worker offers everything that is declared, and that the
//! page about the configuration names what is read; that whatever a scenario leaves is judged; and that the bugs which are
//! planted to try the tests still fit.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod configuration;
mod dependencies;
mod features;
mod graph;
mod judged;
mod planted_bugs;
mod registration;
mod sources;
