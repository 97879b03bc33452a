//! The connection that one call runs on: one of its own, or that of its transaction.

use std::sync::Arc;

use super::errors::ApiError;
use super::pool::{Connection, Pool};
use super::transactions::Lease;

/// Dropped without [`Session::finish`], the connection is closed and whatever it had open is rolled back.
pub(super) enum Session {
    /// Every statement commits by itself.
    Own(Connection),
    /// Statements belong to a transaction.
    Transaction(Lease),
}

impl Session {
    pub(super) fn connection(&self) -> Result<&Connection, ApiError> {
        match self {
            Self::Own(connection) => Ok(connection),
            Self::Transaction(lease) => lease.connection(),
        }
    }

    /// Hands the connection back after a call that ended with `error`, or well.
    pub(super) async fn finish(self, error: Option<&ApiError>, pool: &Arc<Pool>) {
        if error.is_some_and(ends_session) {
            return;
        }
        match self {
            Self::Own(connection) => pool.give_back(connection).await,
            Self::Transaction(lease) => lease.keep(error.is_some()),
        }
    }
}

/// An error that says nothing of the statement alone ends the transaction: a lost connection, a statement that timed
/// out, and a result that is too large.
fn ends_session(error: &ApiError) -> bool {
    !matches!(error, ApiError::Database(_) | ApiError::BadRequest(_) | ApiError::Validation(_))
}
