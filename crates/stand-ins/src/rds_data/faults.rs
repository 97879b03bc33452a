//! Switches with which a test makes calls slow or lets them fail, before or after their effect.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::errors::ApiError;

/// Something that goes wrong with the next calls whose SQL contains a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Part of the statement as the caller sent it, upper and lower case told apart. Empty matches every call. Calls
    /// that begin and end transactions have the texts `BEGIN`, `COMMIT` and `ROLLBACK`.
    pub sql_contains: String,
    /// What goes wrong.
    pub effect: FaultEffect,
    /// How many calls it hits.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum FaultEffect {
    /// The call fails, and the database never sees it.
    FailBefore {
        /// What the caller sees.
        #[serde(default)]
        error: FaultError,
    },
    /// The call takes effect, but the caller is told that it failed.
    FailAfter {
        /// What the caller sees.
        #[serde(default)]
        error: FaultError,
    },
    /// The call waits before it is done as usual.
    Delay {
        /// How long, in milliseconds.
        milliseconds: u64,
    },
}

/// The error that a failing call answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "name")]
pub enum FaultError {
    /// Status 504, which the AWS SDK tries again by itself.
    #[default]
    DatabaseUnavailable,
    /// Status 400: the cluster was paused and is starting; the SDK does not try again.
    DatabaseResuming,
    /// Status 500, which the SDK tries again by itself.
    InternalServerError,
    /// Status 503, which the SDK tries again by itself.
    ServiceUnavailable,
    /// Status 400.
    StatementTimeout,
    /// Status 400, with an error as if from PostgreSQL.
    #[serde(rename_all = "camelCase")]
    Database {
        /// Five characters, such as `40001`.
        sql_state: String,
        /// What PostgreSQL says.
        message: String,
    },
}

impl Fault {
    /// The next call with this text fails before its effect.
    pub fn fail_before(sql_contains: impl Into<String>) -> Self {
        Self::new(sql_contains, FaultEffect::FailBefore { error: FaultError::default() })
    }

    /// The next call with this text fails after its effect.
    pub fn fail_after(sql_contains: impl Into<String>) -> Self {
        Self::new(sql_contains, FaultEffect::FailAfter { error: FaultError::default() })
    }

    /// The next call with this text takes longer.
    pub fn delay(sql_contains: impl Into<String>, delay: Duration) -> Self {
        let milliseconds = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Self::new(sql_contains, FaultEffect::Delay { milliseconds })
    }

    /// Hits this many calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Fails with this error; nothing for a delay.
    #[must_use]
    pub fn with_error(mut self, with: FaultError) -> Self {
        match &mut self.effect {
            FaultEffect::FailBefore { error } | FaultEffect::FailAfter { error } => *error = with,
            FaultEffect::Delay { .. } => {}
        }
        self
    }

    fn new(sql_contains: impl Into<String>, effect: FaultEffect) -> Self {
        Self { sql_contains: sql_contains.into(), effect, times: 1 }
    }
}

impl From<FaultError> for ApiError {
    fn from(error: FaultError) -> Self {
        const MESSAGE: &str = "injected fault";
        match error {
            FaultError::DatabaseUnavailable => Self::DatabaseUnavailable(MESSAGE.into()),
            FaultError::DatabaseResuming => Self::DatabaseResuming(MESSAGE.into()),
            FaultError::InternalServerError => Self::InternalServerError(MESSAGE.into()),
            FaultError::ServiceUnavailable => Self::ServiceUnavailable(MESSAGE.into()),
            FaultError::StatementTimeout => Self::StatementTimeout { connection_id: 0 },
            FaultError::Database { sql_state, message } => Self::database(&message, &sql_state),
        }
    }
}

/// Names an injected fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(u64);

/// An injected fault and how often it hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultReport {
    /// Its name.
    pub id: FaultId,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many calls it has hit so far.
    pub fired: u32,
}

/// The injected faults of one server.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Injected>);

#[derive(Debug, Default)]
struct Injected {
    next: u64,
    faults: Vec<FaultReport>,
}

impl Faults {
    /// Adds a fault. Of several that match a call, the one added first and not used up hits it.
    pub fn inject(&self, fault: Fault) -> FaultId {
        let mut injected = self.lock();
        injected.next += 1;
        let id = FaultId(injected.next);
        injected.faults.push(FaultReport { id, fault, fired: 0 });
        id
    }

    /// How many calls the fault has hit; 0 if it was removed.
    pub fn fired(&self, id: FaultId) -> u32 {
        self.lock().faults.iter().find(|report| report.id == id).map_or(0, |report| report.fired)
    }

    /// All faults, used up or not, in the order in which they were added.
    pub fn list(&self) -> Vec<FaultReport> {
        self.lock().faults.clone()
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// Counts the call for the first fault that matches it.
    pub(super) fn strike(&self, sql: &str) -> Option<FaultEffect> {
        let mut injected = self.lock();
        let report = injected
            .faults
            .iter_mut()
            .find(|report| report.fired < report.fault.times && sql.contains(&report.fault.sql_contains))?;
        report.fired += 1;
        Some(report.fault.effect.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Injected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_as_often_as_asked_and_counts() {
        let faults = Faults::default();
        let id = faults.inject(Fault::fail_before("orders").times(2));
        assert!(faults.strike("SELECT 1").is_none());
        assert!(faults.strike("SELECT * FROM orders").is_some());
        assert!(faults.strike("DELETE FROM orders").is_some());
        assert!(faults.strike("DELETE FROM orders").is_none());
        assert_eq!(faults.fired(id), 2);
        faults.clear();
        assert_eq!(faults.fired(id), 0);
    }

    #[test]
    fn faults_read_as_documented() {
        let fault: Fault = serde_json::from_str(
            r#"{
                "sqlContains": "orders",
                "effect": {
                    "kind": "failAfter",
                    "error": { "name": "database", "sqlState": "40001", "message": "no" }
                }
            }"#,
        )
        .expect("a fault");
        let error = FaultError::Database { sql_state: "40001".into(), message: "no".into() };
        assert_eq!(fault, Fault::fail_after("orders").with_error(error));
    }
}
