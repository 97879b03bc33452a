//! The state of a server, and what all operations of the Data API have in common.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Limits;
use super::errors::ApiError;
use super::faults::{FaultEffect, Faults};
use super::pool::{Connection, Pool};
use super::session::Session;
use super::stats::Counters;
use super::transactions::Transactions;
use super::wire::Target;

/// The longest SQL text that the service takes, in characters.
const MAX_SQL: usize = 65_536;

/// How long a cancelled statement may take to end before its connection is given up.
pub(super) const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// All state of a server.
pub(super) struct Service {
    pub(super) pool: Arc<Pool>,
    pub(super) transactions: Arc<Transactions>,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    pub(super) limits: Limits,
}

impl Service {
    /// Does `call`, or what a test injected for calls with this text.
    pub(super) async fn with_faults<T>(
        &self,
        sql: &str,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        match self.faults.strike(sql) {
            None => call.await,
            Some(FaultEffect::FailBefore { error }) => Err(error.into()),
            Some(FaultEffect::FailAfter { error }) => {
                call.await?;
                Err(error.into())
            }
            Some(FaultEffect::Delay { milliseconds }) => {
                sleep(Duration::from_millis(milliseconds)).await;
                call.await
            }
        }
    }

    /// The connection for a call.
    pub(super) async fn session(&self, transaction: Option<&str>, target: &Target) -> Result<Session, ApiError> {
        let Some(id) = transaction else {
            return Ok(Session::Own(self.lend(target.database.as_deref()).await?));
        };
        let lease = self.transactions.lease(id).await?;
        let database = lease.connection()?.database().to_owned();
        match &target.database {
            Some(asked) if *asked != database => {
                lease.keep(false);
                Err(ApiError::BadRequest("Database name is not the same as transaction database name".into()))
            }
            _ => Ok(Session::Transaction(lease)),
        }
    }

    /// A connection for a call of its own, or for a new transaction.
    pub(super) async fn lend(&self, database: Option<&str>) -> Result<Connection, ApiError> {
        timeout(self.limits.statement_timeout, self.pool.lend(database))
            .await
            .unwrap_or_else(|_| Err(ApiError::ServiceUnavailable("All connections to the database are in use".into())))
    }
}

/// The answer to a call whose statement ran for too long on `connection`.
pub(super) fn timed_out(connection: &Connection) -> ApiError {
    ApiError::StatementTimeout { connection_id: connection.backend() }
}

/// The answer to a call whose task panicked.
pub(super) fn died() -> ApiError {
    ApiError::InternalServerError("The call ended without an answer".into())
}

/// Refuses a call that does not name its cluster and secret.
pub(super) fn check(target: &Target) -> Result<(), ApiError> {
    required("resourceArn", target.resource_arn.as_deref())?;
    required("secretArn", target.secret_arn.as_deref())?;
    if target.schema.is_some() {
        return Err(ApiError::Validation("The schema parameter isn't supported".into()));
    }
    Ok(())
}

/// The value of a member that must be there.
pub(super) fn required<'a>(name: &str, value: Option<&'a str>) -> Result<&'a str, ApiError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| {
        ApiError::Validation(format!(
            "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// The SQL text of a call.
pub(super) fn required_sql(sql: Option<&str>) -> Result<&str, ApiError> {
    let sql = required("sql", sql)?;
    if sql.chars().count() > MAX_SQL {
        return Err(ApiError::Validation(format!(
            "1 validation error detected: Value at 'sql' failed to satisfy constraint: \
             Member must have length less than or equal to {MAX_SQL}"
        )));
    }
    Ok(sql)
}
