//! `BatchExecuteStatement`.

use std::pin::pin;
use std::sync::Arc;

use postgres_types::Type;
use tokio::time::timeout;
use tokio_postgres::Statement;

use super::errors::ApiError;
use super::lexer::{self, Rewritten};
use super::params::{self, Bound};
use super::pool::Connection;
use super::service::{CANCEL_PATIENCE, Service, check, required_sql, timed_out};
use super::session::Session;
use super::statement;
use super::wire::{BatchExecuteStatementRequest, BatchExecuteStatementResponse, UpdateResult};

impl Service {
    pub(super) async fn batch_execute(
        self: Arc<Self>,
        request: BatchExecuteStatementRequest,
    ) -> Result<BatchExecuteStatementResponse, ApiError> {
        self.counters.batch_execute.count();
        check(&request.target)?;
        let sql = required_sql(request.sql.as_deref())?;
        self.with_faults(sql, async {
            let rewritten = lexer::rewrite(sql)?;
            let sets = request
                .parameter_sets
                .iter()
                .map(|set| params::bind(&rewritten.names, set))
                .collect::<Result<Vec<_>, _>>()?;
            // Without a parameter set the service runs nothing at all.
            if !sets.is_empty() {
                let session = self.session(request.transaction_id.as_deref(), &request.target).await?;
                let result = self.batch_on(&session, &rewritten, &sets).await;
                session.finish(result.as_ref().err(), &self.pool).await;
                result?;
            }
            Ok(BatchExecuteStatementResponse {
                update_results: vec![UpdateResult::default(); request.parameter_sets.len()],
            })
        })
        .await
    }

    /// Runs all sets or, where one fails, none.
    async fn batch_on(&self, session: &Session, rewritten: &Rewritten, sets: &[Vec<Bound>]) -> Result<(), ApiError> {
        let connection = session.connection()?;
        let own = matches!(session, Session::Own(_));
        let mut work = pin!(async {
            if own {
                connection.client().batch_execute("BEGIN").await?;
            }
            let result = self.run_sets(connection, rewritten, sets).await;
            if own {
                let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
                connection.client().batch_execute(end).await?;
            }
            result
        });
        if let Ok(result) = timeout(self.limits.statement_timeout, &mut work).await {
            return result;
        }
        connection.cancel().await;
        let _ = timeout(CANCEL_PATIENCE, work).await;
        Err(timed_out(connection))
    }

    async fn run_sets(
        &self,
        connection: &Connection,
        rewritten: &Rewritten,
        sets: &[Vec<Bound>],
    ) -> Result<(), ApiError> {
        let client = connection.client();
        // Sets differ in their types where one has a NULL and another a value.
        let mut prepared: Vec<(Vec<Type>, Statement)> = Vec::new();
        for set in sets {
            let types: Vec<Type> = set.iter().map(|bound| bound.r#type.clone()).collect();
            let known = prepared.iter().find(|(known, _)| *known == types);
            let statement = if let Some((_, statement)) = known {
                statement.clone()
            } else {
                let statement = statement::prepare(client, &rewritten.sql, set).await?;
                prepared.push((types, statement.clone()));
                statement
            };
            self.counters.statements.count();
            statement::run(client, &statement, set, &self.limits).await?;
        }
        Ok(())
    }
}
