//! What all requests to one server share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::checkout_sessions;
use super::clock::Clock;
use super::faults::Faults;
use super::idempotency::Key;
use super::state::{FollowUp, State};
use super::stats::Counters;
use super::store::{Store, StoreError};

pub(crate) struct App {
    pub(crate) secret_key: String,
    pub(crate) faults: Faults,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Clock,
    core: Mutex<Core>,
    follow_ups: mpsc::UnboundedSender<FollowUp>,
    stopping: watch::Receiver<bool>,
}

struct Core {
    state: State,
    store: Store,
    keys_in_use: HashSet<String>,
}

impl App {
    pub(crate) fn new(
        secret_key: String,
        state: State,
        store: Store,
        follow_ups: mpsc::UnboundedSender<FollowUp>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            secret_key,
            faults: Faults::default(),
            counters: Arc::default(),
            clock: Clock::default(),
            core: Mutex::new(Core { state, store, keys_in_use: HashSet::new() }),
            follow_ups,
            stopping,
        }
    }

    /// Looks at the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.lock().state)
    }

    /// Changes the state, writes the change to the state file, and then lets happen what follows from it.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> Result<R, StoreError> {
        let mut core = self.lock();
        let Core { state, store, .. } = &mut *core;
        let result = change(state);
        store.save(state)?;
        for follow_up in state.follow_ups.drain(..) {
            // Nobody is there to take it once the server stops; the state file remembers what is still to be done.
            let _ = self.follow_ups.send(follow_up);
        }
        Ok(result)
    }

    /// Puts the clock forward. What has expired by then does so.
    pub(crate) fn advance_clock(&self, by: Duration) -> Result<(), StoreError> {
        self.clock.advance(by);
        let now = self.clock.now();
        self.change(|state| checkout_sessions::expire_due(state, now))
    }

    /// Lets something happen that does not change the state by itself.
    pub(crate) fn follow_up(&self, follow_up: FollowUp) {
        let _ = self.follow_ups.send(follow_up);
    }

    /// Takes an idempotency key for the time of a request, unless another request has it.
    pub(crate) fn take_key(self: &Arc<Self>, key: &Key) -> Option<KeyInUse> {
        let taken = self.lock().keys_in_use.insert(key.scoped.clone());
        taken.then(|| KeyInUse { app: Arc::clone(self), key: key.scoped.clone() })
    }

    /// Ends when the server stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the handle of the server is gone, which stops it as well.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Waits, or says false when the server stops first.
    pub(crate) async fn sleep(&self, duration: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(duration) => true,
            () = self.stopped() => false,
        }
    }

    /// Lets go of the state file.
    pub(crate) fn close(&self) {
        self.lock().store = Store::Closed;
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An idempotency key that a request is using.
pub(crate) struct KeyInUse {
    app: Arc<App>,
    key: String,
}

impl Drop for KeyInUse {
    fn drop(&mut self) {
        self.app.lock().keys_in_use.remove(&self.key);
    }
}
