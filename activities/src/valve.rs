//! The valve before the payment provider.

use std::sync::Arc;
use std::time::Duration;

use kassa_store::payment_valve::{Position, Valve as Row};
use kassa_store::{PaymentValve, StoreError};
use kassa_workflows::contracts::valve::{self as contract, Admission, Admit, Held, Standing};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{Classified, activity_error};

/// How long a worker goes by what it has seen of the valve.
const FRESH: Duration = Duration::from_secs(1);

/// How long a look may take. The first attempt to charge has five seconds for all that it does.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why nobody knows how the valve stands.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The store failed.
    #[error("the payment valve cannot be read")]
    Store(#[from] StoreError),
    /// It took too long.
    #[error("the payment valve was not read within {PATIENCE:?}")]
    TimedOut,
}

impl Classified for GateError {
    fn kind(&self) -> &'static str {
        "PaymentValveUnknown"
    }

    /// Nobody is charged past a valve that cannot be seen: without the store no order gets as far as here, nor any further, so
    /// letting it through would gain nothing. A mistake in what is stored is mended there, not in the order.
    fn is_retryable(&self) -> bool {
        true
    }
}

/// What all activities of a worker that take money ask first. Cloning it is cheap, and clones share what they have seen.
#[derive(Debug, Clone)]
pub struct Gate {
    valve: PaymentValve,
    seen: Arc<Mutex<Option<Seen>>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    closed: bool,
    at: Instant,
}

impl Gate {
    /// A gate that has seen nothing yet.
    pub fn new(valve: PaymentValve) -> Self {
        Self { valve, seen: Arc::default() }
    }

    /// Whether orders are held, as of less than a second ago. Whoever asks while somebody else is looking waits for what they
    /// see.
    pub(crate) async fn is_closed(&self) -> Result<bool, GateError> {
        timeout(PATIENCE, self.see()).await.map_err(|_| GateError::TimedOut)?
    }

    async fn see(&self) -> Result<bool, GateError> {
        let mut seen = self.seen.lock().await;
        if let Some(seen) = seen.filter(|seen| seen.at.elapsed() < FRESH) {
            return Ok(seen.closed);
        }
        // The moment before it was read: what is seen may be as old as that.
        let at = Instant::now();
        let closed = closed(&self.valve.get().await?).is_some();
        *seen = Some(Seen { closed, at });
        Ok(closed)
    }

    /// Has the next one look again, because the valve was just seen to stand in this way.
    async fn has_seen(&self, row: &Row, at: Instant) {
        *self.seen.lock().await = Some(Seen { closed: closed(row).is_some(), at });
    }
}

fn closed(row: &Row) -> Option<Held> {
    match row.position {
        Position::Open { .. } => None,
        Position::Closed => Some(Held { closed_at: milliseconds(row.changed_at) }),
    }
}

fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// The activities of the valve.
#[derive(Debug)]
pub struct Valve {
    gate: Gate,
}

impl Valve {
    /// The activities over a gate.
    pub fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

#[activities]
impl Valve {
    /// Looks how the valve stands at this moment.
    #[activity(definition = contract::definitions::Look)]
    pub async fn look(self: Arc<Self>, _ctx: ActivityContext) -> Result<Standing, ActivityError> {
        let row = self.gate.valve.get().await.map_err(|error| activity_error(&GateError::from(error)))?;
        Ok(closed(&row).map_or(Standing::Open, |held| Standing::Closed { held }))
    }

    /// Gives a held order its place once the valve is open.
    #[activity(definition = contract::definitions::Admit)]
    pub async fn admit(self: Arc<Self>, _ctx: ActivityContext, input: Admit) -> Result<Admission, ActivityError> {
        let at = Instant::now();
        let admitted = self.gate.valve.admit(&input.order_id, OffsetDateTime::now_utc()).await;
        let (row, place) = admitted.map_err(|error| activity_error(&GateError::from(error)))?;
        self.gate.has_seen(&row, at).await;
        // Rounded up, so that nobody goes before their turn.
        Ok(place.map_or(Admission::Closed, |place| Admission::Turn { at: milliseconds(place.at) + 1 }))
    }
}
