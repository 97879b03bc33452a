//! The open transactions, each of which pins one connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};
use tracing::info;
use uuid::Uuid;

use super::errors::ApiError;
use super::pool::{Connection, Pool};

/// All open transactions by their id.
pub(super) struct Transactions {
    open: Mutex<HashMap<String, Shared>>,
    pool: Arc<Pool>,
    idle_limit: Duration,
    age_limit: Duration,
}

/// The transaction, or nothing once it ended.
type Shared = Arc<tokio::sync::Mutex<Option<Open>>>;

struct Open {
    connection: Connection,
    last_used: Instant,
    failed: bool,
}

/// Exclusive use of a transaction for one call. Dropped without [`Lease::keep`], it ends the transaction: the
/// connection is closed, and PostgreSQL rolls back.
pub(super) struct Lease {
    id: String,
    guard: OwnedMutexGuard<Option<Open>>,
    transactions: Arc<Transactions>,
    kept: bool,
}

impl Transactions {
    pub(super) fn new(pool: Arc<Pool>, idle_limit: Duration, age_limit: Duration) -> Self {
        Self { open: Mutex::default(), pool, idle_limit, age_limit }
    }

    /// Registers a transaction that was begun on `connection`, and returns its id.
    pub(super) fn register(self: &Arc<Self>, connection: Connection) -> String {
        // Ids of the service are opaque base64 and much longer than a UUID; nobody should rely on their form.
        let id = STANDARD.encode([Uuid::new_v4().as_bytes().as_slice(), Uuid::new_v4().as_bytes()].concat());
        let began = Instant::now();
        let open = Open { connection, last_used: began, failed: false };
        self.open().insert(id.clone(), Arc::new(tokio::sync::Mutex::new(Some(open))));
        tokio::spawn(watch(Arc::downgrade(self), id.clone(), began));
        id
    }

    /// Waits until no other call uses the transaction.
    pub(super) async fn lease(self: &Arc<Self>, id: &str) -> Result<Lease, ApiError> {
        let not_found = || ApiError::TransactionNotFound(id.to_owned());
        let shared = self.open().get(id).cloned().ok_or_else(not_found)?;
        let guard = shared.lock_owned().await;
        if guard.is_none() {
            return Err(not_found());
        }
        Ok(Lease { id: id.to_owned(), guard, transactions: Arc::clone(self), kept: false })
    }

    /// Forgets all transactions; their connections are closed, which rolls them back.
    pub(super) fn abandon_all(&self) {
        self.open().clear();
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Shared>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the transaction will be rolled back unless it is used before; now, if that time has passed.
    fn deadline(&self, began: Instant, last_used: Instant) -> Instant {
        (began + self.age_limit).min(last_used + self.idle_limit)
    }
}

impl Lease {
    pub(super) fn connection(&self) -> Result<&Connection, ApiError> {
        match &*self.guard {
            Some(open) => Ok(&open.connection),
            None => Err(ApiError::TransactionNotFound(self.id.clone())),
        }
    }

    /// True after a statement of the transaction failed, so that PostgreSQL may refuse to commit it.
    pub(super) fn failed(&self) -> bool {
        self.guard.as_ref().is_some_and(|open| open.failed)
    }

    /// Leaves the transaction open for the next call.
    pub(super) fn keep(mut self, failed: bool) {
        if let Some(open) = &mut *self.guard {
            open.last_used = Instant::now();
            open.failed |= failed;
            self.kept = true;
        }
    }

    /// Leaves the transaction open without counting as a use of it.
    fn keep_unused(mut self) {
        self.kept = true;
    }

    /// Ends the transaction for this service and returns its connection, on which it is still open.
    pub(super) fn end(mut self) -> Result<Connection, ApiError> {
        let id = self.id.clone();
        self.guard.take().map(|open| open.connection).ok_or(ApiError::TransactionNotFound(id))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.kept {
            self.guard.take();
            self.transactions.open().remove(&self.id);
        }
    }
}

/// Rolls the transaction back when it was idle, or open, for too long.
async fn watch(transactions: Weak<Transactions>, id: String, began: Instant) {
    let Some(mut deadline) = transactions.upgrade().map(|transactions| transactions.deadline(began, began)) else {
        return;
    };
    loop {
        sleep_until(deadline).await;
        let Some(transactions) = transactions.upgrade() else {
            return;
        };
        let Ok(lease) = transactions.lease(&id).await else {
            return;
        };
        let last_used = lease.guard.as_ref().map_or(began, |open| open.last_used);
        deadline = transactions.deadline(began, last_used);
        if deadline > Instant::now() {
            lease.keep_unused();
            continue;
        }
        info!("a transaction was idle or open for too long and is rolled back");
        if let Ok(connection) = lease.end()
            && connection.client().batch_execute("ROLLBACK").await.is_ok()
        {
            transactions.pool.give_back(connection).await;
        }
        return;
    }
}
