//! What is logged, and how.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;

use tracing_subscriber::EnvFilter;

use crate::{ConfigError, Settings};

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `KASSA_LOG`: the filter, in the syntax of `tracing-subscriber`; `info` unless set.
    pub filter: String,
    /// `KASSA_LOG_FORMAT`: how lines look; `json` unless set.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// For people.
    Text,
}

impl LogConfig {
    /// Reads the settings.
    pub fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let format = match settings.text("KASSA_LOG_FORMAT")?.as_deref() {
            None | Some("json") => LogFormat::Json,
            Some("text") => LogFormat::Text,
            Some(_) => return Err(ConfigError::invalid("KASSA_LOG_FORMAT", "json or text")),
        };
        let filter = settings.text("KASSA_LOG")?.unwrap_or_else(|| "info".to_owned());
        if EnvFilter::try_new(&filter).is_err() {
            return Err(ConfigError::invalid("KASSA_LOG", "a filter such as info or info,kassa_api=debug"));
        }
        Ok(Self { filter, format })
    }

    /// Sends log lines to standard output from now on, panics among them.
    pub fn install(&self) {
        let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(&self.filter));
        match self.format {
            LogFormat::Json => lines.json().flatten_event(true).init(),
            LogFormat::Text => lines.init(),
        }
        panic::set_hook(Box::new(log_panic));
    }
}

/// Says where it happened, and not in which words: they often quote what was being worked on, which may be personal.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(location, thread = thread::current().name(), backtrace, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_read_the_log_unless_told_otherwise() {
        let log = LogConfig::read(&Settings::from_pairs([])).unwrap();
        assert_eq!(log, LogConfig { filter: "info".to_owned(), format: LogFormat::Json });
    }

    #[test]
    fn a_wrong_format_or_filter_is_refused() {
        assert!(LogConfig::read(&Settings::from_pairs([("KASSA_LOG_FORMAT", "xml")])).is_err());
        assert!(LogConfig::read(&Settings::from_pairs([("KASSA_LOG", "kassa=loud")])).is_err());
    }
}
