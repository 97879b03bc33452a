//! What the end-to-end tests share: a running shop, its customers, and an oracle that judges it from outside.

pub mod accounts;
pub mod billing;
pub mod cable;
pub mod cart;
pub mod customer;
pub mod dice;
pub mod markers;
pub mod messages;
pub mod operations;
pub mod operators;
pub mod oracle;
pub mod outside;
pub mod page;
pub mod paths;
pub mod planted;
pub mod proxy;
pub mod reconciliation;
pub mod refunds;
pub mod shop;
mod touched;
pub mod valve;
pub mod wait;
pub mod wire;
pub mod workflows;

pub use accounts::Account;
pub use cart::Cart;
pub use customer::{Answer, Customer};
pub use dice::Dice;
pub use markers::Markers;
pub use oracle::Oracle;
pub use page::Page;
pub use paths::{Path, Way};
pub use shop::{Exclusive, Shop, on_exclusive_shop, on_own_shop, on_shared_shop};
pub use wait::eventually;
