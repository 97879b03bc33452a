//! Starts everything Kassa needs on one machine: for `cargo dev` and for the tests.
//!
//! Each server has its own module, and each can be started alone. [`tools`] finds or installs the programs, and
//! [`reaper`] sees to it that no process outlives the one that started it.

pub mod dynamodb;
pub mod error;
pub mod http;
pub mod ministack;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod progress;
pub mod reaper;
pub mod stack;
pub mod temporal;
pub mod temporary;
pub mod tools;
mod unprivileged;
pub mod wait;
pub mod workspace;

pub use error::{Error, Result};
pub use stack::{Stack, StackOptions};
