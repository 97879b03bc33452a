//! Runs one statement on one connection.

use std::pin::pin;

use futures::TryStreamExt as _;
use postgres_types::Type;
use tokio_postgres::{Client, Row, Statement};

use super::Limits;
use super::errors::ApiError;
use super::params::Bound;

/// What a statement gave back.
pub(super) struct Outcome {
    pub(super) rows: Vec<Row>,
    /// Rows that were inserted, updated, deleted or returned.
    pub(super) affected: u64,
}

/// Prepares `sql` for parameters of these types.
pub(super) async fn prepare(client: &Client, sql: &str, bound: &[Bound]) -> Result<Statement, ApiError> {
    let types: Vec<Type> = bound.iter().map(|bound| bound.r#type.clone()).collect();
    Ok(client.prepare_typed(sql, &types).await?)
}

/// Runs a prepared statement. It takes effect even where its result is too large to be returned.
pub(super) async fn run(
    client: &Client,
    statement: &Statement,
    bound: &[Bound],
    limits: &Limits,
) -> Result<Outcome, ApiError> {
    if bound.len() != statement.params().len() {
        return Err(ApiError::InternalServerError(
            "The statement has another number of parameters than it was given".into(),
        ));
    }
    let values = bound.iter().map(|bound| &bound.value);
    let mut stream = pin!(client.query_raw(statement, values).await?);
    let mut rows = Vec::new();
    let mut size = 0;
    let mut too_large = None;
    while let Some(row) = stream.try_next().await? {
        size += row.raw_size_bytes();
        if row.raw_size_bytes() > limits.row_bytes {
            too_large.get_or_insert("Packet for query is too large");
        }
        if size > limits.response_bytes {
            too_large.get_or_insert("Database returned more than the allowed response size limit");
        }
        // The rest is read all the same, as the connection is of no use before its end.
        if too_large.is_none() {
            rows.push(row);
        }
    }
    if let Some(message) = too_large {
        return Err(ApiError::UnsupportedResult(message.into()));
    }
    Ok(Outcome { rows, affected: stream.rows_affected().unwrap_or(0) })
}
