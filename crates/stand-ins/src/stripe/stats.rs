//! What the server counts, and its log of requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// The log keeps this many requests.
const LOG_LENGTH: usize = 100_000;

/// How much a server had to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Connections that were accepted. A client that pools needs few of them for many requests.
    pub connections: u64,
    /// Requests to the API.
    pub requests: u64,
    /// Requests per operation, such as `payment_intents.create`.
    pub operations: BTreeMap<String, u64>,
    /// The time that requests spent in the server, without the delays that faults asked for.
    #[serde(rename = "busy_seconds", serialize_with = "as_seconds")]
    pub busy: Duration,
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// One request, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// The header `Request-Id` of the answer.
    pub request_id: String,
    /// The operation; none for addresses that do not exist.
    pub operation: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The order that the request was about.
    pub order_id: Option<String>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The status code that was answered; none while the request is under way, and none where the answer was lost.
    pub status: Option<u16>,
    /// Whether a saved answer was repeated.
    pub replayed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicU64,
    busy_nanoseconds: AtomicU64,
    requests: AtomicU64,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    operations: BTreeMap<String, u64>,
    first: u64,
    records: VecDeque<RequestRecord>,
}

impl Counters {
    pub(crate) fn connection_accepted(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn busy_for(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.busy_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Logs a request that has come in, and says where.
    pub(crate) fn request_began(&self, record: RequestRecord) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut log = self.lock();
        if let Some(operation) = &record.operation {
            *log.operations.entry(operation.clone()).or_default() += 1;
        }
        log.records.push_back(record);
        if log.records.len() > LOG_LENGTH {
            log.records.pop_front();
            log.first += 1;
        }
        log.first + log.records.len() as u64 - 1
    }

    /// Completes what was logged.
    pub(crate) fn request_ended(&self, number: u64, complete: impl FnOnce(&mut RequestRecord)) {
        let mut log = self.lock();
        let index = number.checked_sub(log.first).and_then(|index| usize::try_from(index).ok());
        if let Some(record) = index.and_then(|index| log.records.get_mut(index)) {
            complete(record);
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            connections: self.connections.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            operations: self.lock().operations.clone(),
            busy: Duration::from_nanos(self.busy_nanoseconds.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.lock().records.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
