//! What API and worker read from their environment, once, at the start.
//!
//! Every mistake gets one message that names the variable and says what is allowed. Values are never repeated: they may
//! be secrets.

mod encryption;
mod log;
mod reconciliation;
mod settings;
mod store;
mod temporal;

pub use encryption::codec;
pub use log::{LogConfig, LogFormat};
pub use reconciliation::{patience, reconciliation};
pub use settings::{ConfigError, Settings};
pub use store::{call_timeout, dynamodb, store};
pub use temporal::temporal;
