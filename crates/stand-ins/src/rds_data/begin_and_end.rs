//! `BeginTransaction`, `CommitTransaction` and `RollbackTransaction`.

use std::sync::Arc;

use super::errors::ApiError;
use super::service::{Service, check, required};
use super::wire::{BeginTransactionRequest, BeginTransactionResponse, EndTransactionRequest, EndTransactionResponse};

impl Service {
    pub(super) async fn begin(
        self: Arc<Self>,
        request: BeginTransactionRequest,
    ) -> Result<BeginTransactionResponse, ApiError> {
        self.counters.begin.count();
        check(&request.target)?;
        self.with_faults("BEGIN", async {
            let connection = self.lend(request.target.database.as_deref()).await?;
            connection.client().batch_execute("BEGIN").await?;
            Ok(BeginTransactionResponse { transaction_id: self.transactions.register(connection) })
        })
        .await
    }

    pub(super) async fn commit(
        self: Arc<Self>,
        request: EndTransactionRequest,
    ) -> Result<EndTransactionResponse, ApiError> {
        self.counters.commit.count();
        check(&request.target)?;
        let id = required("transactionId", request.transaction_id.as_deref())?;
        self.with_faults("COMMIT", async {
            let lease = self.transactions.lease(id).await?;
            let failed = lease.failed();
            let connection = lease.end()?;
            // PostgreSQL answers COMMIT of a failed transaction with a silent rollback. Whether it is failed still,
            // or was rolled back to a savepoint since, shows when it is asked for anything else.
            if failed && let Err(error) = connection.client().batch_execute("SELECT 1").await {
                connection.client().batch_execute("ROLLBACK").await?;
                self.pool.give_back(connection).await;
                return Err(error.into());
            }
            match connection.client().batch_execute("COMMIT").await {
                Ok(()) => {
                    self.pool.give_back(connection).await;
                    Ok(EndTransactionResponse { transaction_status: "Transaction Committed" })
                }
                // A deferred constraint, or a conflict of serializable transactions.
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    pub(super) async fn rollback(
        self: Arc<Self>,
        request: EndTransactionRequest,
    ) -> Result<EndTransactionResponse, ApiError> {
        self.counters.rollback.count();
        check(&request.target)?;
        let id = required("transactionId", request.transaction_id.as_deref())?;
        self.with_faults("ROLLBACK", async {
            let connection = self.transactions.lease(id).await?.end()?;
            connection.client().batch_execute("ROLLBACK").await?;
            self.pool.give_back(connection).await;
            Ok(EndTransactionResponse { transaction_status: "Rollback Complete" })
        })
        .await
    }
}
