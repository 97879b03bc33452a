//! Counts what was asked for.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What a server has done since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Calls of `ExecuteStatement`, whatever their end.
    pub execute_calls: u64,
    /// Calls of `BatchExecuteStatement`, whatever their end.
    pub batch_execute_calls: u64,
    /// Calls of `BeginTransaction`, whatever their end.
    pub begin_calls: u64,
    /// Calls of `CommitTransaction`, whatever their end.
    pub commit_calls: u64,
    /// Calls of `RollbackTransaction`, whatever their end.
    pub rollback_calls: u64,
    /// Statements of callers that were sent to PostgreSQL; each set of a batch counts.
    pub statements: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) execute: Counter,
    pub(super) batch_execute: Counter,
    pub(super) begin: Counter,
    pub(super) commit: Counter,
    pub(super) rollback: Counter,
    pub(super) statements: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn snapshot(&self) -> Stats {
        Stats {
            execute_calls: self.execute.get(),
            batch_execute_calls: self.batch_execute.get(),
            begin_calls: self.begin.get(),
            commit_calls: self.commit.get(),
            rollback_calls: self.rollback.get(),
            statements: self.statements.get(),
        }
    }
}
