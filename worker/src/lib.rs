//! Wires workflows and activities to the outside systems and runs them.

mod clients;
mod config;
mod migrate;
mod registration;
mod run;
mod schedule;

pub use clients::{connect, connect_with};
pub use config::{AnnounceConfig, Config, PaymentConfig, ReconciliationConfig, WorkerConfig, WorkerVersion};
pub use migrate::migrate;
pub use registration::{Activities, options};
pub use run::run;
