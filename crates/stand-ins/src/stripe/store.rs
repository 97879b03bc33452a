//! The state file: an `SQLite` database with one row for every thing that is remembered.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, params};

use super::state::{Record, State, Table};

/// The state file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database itself failed.
    #[error("the state file cannot be used")]
    Database(#[from] rusqlite::Error),
    /// The server has stopped.
    #[error("the state file is closed")]
    Closed,
    /// A row does not hold what this version writes.
    #[error("the state file holds a {kind} that cannot be read")]
    Row {
        /// Which kind of thing it is.
        kind: &'static str,
        /// Why it cannot be read.
        #[source]
        source: serde_json::Error,
    },
}

/// Keeps the state in a file, or does nothing for a server that forgets.
#[derive(Debug)]
pub(crate) enum Store {
    /// Writes nothing.
    Forgetful,
    /// Writes everything.
    File(Connection),
    /// Writes nothing any more, so that nothing may be promised any more.
    Closed,
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        // A second server on the same file would not see what the first one does.
        // A second server is refused at once, and does not wait for the first one to end.
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        // The write-ahead log survives the end of this process, however it comes. Only a power cut could lose the last
        // changes, and nobody relies on a stand-in through one.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS objects (
                 position INTEGER PRIMARY KEY,
                 kind TEXT NOT NULL,
                 id TEXT NOT NULL,
                 body TEXT NOT NULL,
                 UNIQUE (kind, id)
             );
             COMMIT",
        )?;
        Ok(Self::File(connection))
    }

    /// Reads everything that was written.
    pub(crate) fn load(&self, state: &mut State) -> Result<(), StoreError> {
        let Self::File(connection) = self else { return Ok(()) };
        load_table(connection, &mut state.payment_intents)?;
        load_table(connection, &mut state.payment_methods)?;
        load_table(connection, &mut state.charges)?;
        load_table(connection, &mut state.checkout_sessions)?;
        load_table(connection, &mut state.refunds)?;
        load_table(connection, &mut state.customers)?;
        load_table(connection, &mut state.events)?;
        load_table(connection, &mut state.saved_answers)
    }

    /// Writes everything that was changed, all or nothing.
    pub(crate) fn save(&mut self, state: &mut State) -> Result<(), StoreError> {
        let connection = match self {
            Self::Forgetful => {
                forget_changes(state);
                return Ok(());
            }
            Self::File(connection) => connection,
            Self::Closed => return Err(StoreError::Closed),
        };
        let transaction = connection.transaction()?;
        save_table(&transaction, &mut state.payment_intents)?;
        save_table(&transaction, &mut state.payment_methods)?;
        save_table(&transaction, &mut state.charges)?;
        save_table(&transaction, &mut state.checkout_sessions)?;
        save_table(&transaction, &mut state.refunds)?;
        save_table(&transaction, &mut state.customers)?;
        save_table(&transaction, &mut state.events)?;
        save_table(&transaction, &mut state.saved_answers)?;
        transaction.commit()?;
        Ok(())
    }
}

fn forget_changes(state: &mut State) {
    state.payment_intents.take_changed();
    state.payment_methods.take_changed();
    state.charges.take_changed();
    state.checkout_sessions.take_changed();
    state.refunds.take_changed();
    state.customers.take_changed();
    state.events.take_changed();
    state.saved_answers.take_changed();
}

fn load_table<T: Record>(connection: &Connection, table: &mut Table<T>) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT body FROM objects WHERE kind = ?1 ORDER BY position")?;
    let bodies = statement.query_map([T::KIND], |row| row.get::<_, String>(0))?;
    let mut rows = Vec::new();
    for body in bodies {
        rows.push(serde_json::from_str(&body?).map_err(|source| StoreError::Row { kind: T::KIND, source })?);
    }
    table.restore(rows);
    Ok(())
}

fn save_table<T: Record>(transaction: &Transaction<'_>, table: &mut Table<T>) -> Result<(), StoreError> {
    let changed = table.take_changed();
    if changed.is_empty() {
        return Ok(());
    }
    let mut statement = transaction.prepare_cached(
        "INSERT INTO objects (kind, id, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
    )?;
    for row in changed {
        let body = serde_json::to_string(row).map_err(|source| StoreError::Row { kind: T::KIND, source })?;
        statement.execute(params![T::KIND, row.id(), body])?;
    }
    Ok(())
}
