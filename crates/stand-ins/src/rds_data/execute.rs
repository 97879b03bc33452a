//! `ExecuteStatement`.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::errors::ApiError;
use super::formatted;
use super::lexer::{self, Rewritten};
use super::metadata;
use super::params::{self, Bound};
use super::pool::Connection;
use super::service::{CANCEL_PATIENCE, Service, check, died, required_sql, timed_out};
use super::session::Session;
use super::statement::{self, Outcome};
use super::values;
use super::wire::{ExecuteStatementRequest, ExecuteStatementResponse, RecordsFormat};

/// Where the answer to the caller goes, which can be before the statement has ended.
type Answer = oneshot::Sender<Result<ExecuteStatementResponse, ApiError>>;

impl Service {
    pub(super) async fn execute(
        self: Arc<Self>,
        request: ExecuteStatementRequest,
    ) -> Result<ExecuteStatementResponse, ApiError> {
        self.counters.execute.count();
        check(&request.target)?;
        let sql = required_sql(request.sql.as_deref())?.to_owned();
        let service = Arc::clone(&self);
        self.with_faults(&sql, async move {
            let rewritten = lexer::rewrite(required_sql(request.sql.as_deref())?)?;
            let bound = params::bind(&rewritten.names, &request.parameters)?;
            let session = service.session(request.transaction_id.as_deref(), &request.target).await?;
            let (answer, answered) = oneshot::channel();
            tokio::spawn(service.execute_on(session, rewritten, bound, request, answer));
            answered.await.unwrap_or_else(|_| Err(died()))
        })
        .await
    }

    /// Runs the statement to its end, even where the caller is told before that it timed out.
    async fn execute_on(
        self: Arc<Self>,
        session: Session,
        rewritten: Rewritten,
        bound: Vec<Bound>,
        request: ExecuteStatementRequest,
        answer: Answer,
    ) {
        let error = match session.connection() {
            Ok(connection) => self.supervise(connection, &rewritten, &bound, &request, answer).await,
            Err(error) => {
                // The caller may have hung up, here and below.
                let _ = answer.send(Err(error.clone()));
                Some(error)
            }
        };
        // Outside a transaction of the service, what BEGIN opened must not meet the next caller.
        if rewritten.opens_transaction && matches!(session, Session::Own(_)) {
            return;
        }
        session.finish(error.as_ref(), &self.pool).await;
    }

    /// Answers when the statement has ended or its time is up, and returns with which error it ended.
    async fn supervise(
        &self,
        connection: &Connection,
        rewritten: &Rewritten,
        bound: &[Bound],
        request: &ExecuteStatementRequest,
        answer: Answer,
    ) -> Option<ApiError> {
        let mut work = pin!(self.execute_statement(connection, rewritten, bound, request));
        if let Ok(result) = timeout(self.limits.statement_timeout, &mut work).await {
            let error = result.as_ref().err().cloned();
            let _ = answer.send(result);
            return error;
        }
        let error = timed_out(connection);
        if request.continue_after_timeout {
            let _ = answer.send(Err(error));
            return work.await.err();
        }
        connection.cancel().await;
        let _ = timeout(CANCEL_PATIENCE, work).await;
        let _ = answer.send(Err(error.clone()));
        Some(error)
    }

    async fn execute_statement(
        &self,
        connection: &Connection,
        rewritten: &Rewritten,
        bound: &[Bound],
        request: &ExecuteStatementRequest,
    ) -> Result<ExecuteStatementResponse, ApiError> {
        let client = connection.client();
        self.counters.statements.count();
        let statement = statement::prepare(client, &rewritten.sql, bound).await?;
        let Outcome { rows, affected } = statement::run(client, &statement, bound, &self.limits).await?;
        let columns = statement.columns();
        if columns.is_empty() {
            return Ok(ExecuteStatementResponse {
                number_of_records_updated: affected,
                ..ExecuteStatementResponse::default()
            });
        }
        let options = request.result_set_options.unwrap_or_default();
        let records = rows.iter().map(|row| values::fields(row, options)).collect::<Result<Vec<_>, _>>()?;
        let mut response = ExecuteStatementResponse::default();
        if request.format_records_as == RecordsFormat::Json {
            response.formatted_records = Some(formatted::json(columns, &records)?);
            return Ok(response);
        }
        response.records = Some(records);
        if request.include_result_metadata {
            response.column_metadata = Some(metadata::describe(client, columns).await?);
        }
        Ok(response)
    }
}
