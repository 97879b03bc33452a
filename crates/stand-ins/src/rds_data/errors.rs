//! The errors of the Data API and how they look on the wire.

use std::error::Error as _;

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::lexer::RewriteError;

/// An error as a caller of the service sees it. The variants are called like the service's exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum ApiError {
    #[error("{0}")]
    AccessDenied(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    Validation(String),
    #[error("{0}")]
    Serialization(String),
    #[error("Request must be smaller than 4194304 bytes")]
    RequestTooLarge,
    #[error("{0}")]
    UnknownOperation(String),
    /// PostgreSQL refused or failed the statement; the message ends in its `SQLState`.
    #[error("{0}")]
    Database(String),
    #[error("{0}")]
    DatabaseUnavailable(String),
    #[error("{0}")]
    DatabaseResuming(String),
    #[error("{0}")]
    UnsupportedResult(String),
    #[error("Request timed out")]
    StatementTimeout {
        /// Process id of the PostgreSQL backend that ran the statement.
        connection_id: i32,
    },
    #[error("Transaction {0} is not found")]
    TransactionNotFound(String),
    #[error("{0}")]
    InternalServerError(String),
    #[error("{0}")]
    ServiceUnavailable(String),
}

impl ApiError {
    /// A database error that did not come from PostgreSQL, in the form of one that did.
    pub(super) fn database(message: &str, sql_state: &str) -> Self {
        Self::Database(format!("ERROR: {message}; SQLState: {sql_state}"))
    }

    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::AccessDenied(_) => (StatusCode::FORBIDDEN, "AccessDeniedException"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequestException"),
            Self::Validation(_) => (StatusCode::BAD_REQUEST, "ValidationException"),
            Self::Serialization(_) => (StatusCode::BAD_REQUEST, "SerializationException"),
            Self::RequestTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException"),
            Self::UnknownOperation(_) => (StatusCode::NOT_FOUND, "UnknownOperationException"),
            Self::Database(_) => (StatusCode::BAD_REQUEST, "DatabaseErrorException"),
            Self::DatabaseUnavailable(_) => (StatusCode::GATEWAY_TIMEOUT, "DatabaseUnavailableException"),
            Self::DatabaseResuming(_) => (StatusCode::BAD_REQUEST, "DatabaseResumingException"),
            Self::UnsupportedResult(_) => (StatusCode::BAD_REQUEST, "UnsupportedResultException"),
            Self::StatementTimeout { .. } => (StatusCode::BAD_REQUEST, "StatementTimeoutException"),
            Self::TransactionNotFound(_) => (StatusCode::NOT_FOUND, "TransactionNotFoundException"),
            Self::InternalServerError(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerErrorException"),
            Self::ServiceUnavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableError"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, name) = self.code();
        let mut body = json!({ "message": self.to_string() });
        if let Self::StatementTimeout { connection_id } = self {
            body["dbConnectionId"] = connection_id.into();
        }
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(name));
        response
    }
}

impl From<RewriteError> for ApiError {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Empty => Self::BadRequest("SQL statement is empty".into()),
            RewriteError::MultipleStatements => Self::Validation("Multistatements aren't supported".into()),
            RewriteError::Positional(_) => Self::database(&error.to_string(), "42P02"),
        }
    }
}

impl From<tokio_postgres::Error> for ApiError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(error) if is_going_away(error.code()) => {
                Self::DatabaseUnavailable(format!("The database is unavailable: {}", error.message()))
            }
            Some(error) => Self::Database(describe(error)),
            None if is_lost_connection(&error) => {
                Self::DatabaseUnavailable(format!("The database is unavailable: {error}"))
            }
            None => Self::InternalServerError(error.to_string()),
        }
    }
}

fn is_lost_connection(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || matches!(error.source(), Some(source) if source.is::<std::io::Error>())
}

/// PostgreSQL says so while it starts, stops or recovers; the connection is of no use afterwards.
fn is_going_away(code: &SqlState) -> bool {
    [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code)
}

/// The service words every error as `ERROR`, leaves out the detail, and ends with the SQLSTATE.
fn describe(error: &DbError) -> String {
    let mut text = format!("ERROR: {}", error.message());
    if let Some(hint) = error.hint() {
        text.push_str("; Hint: ");
        text.push_str(hint);
    }
    if let Some(ErrorPosition::Original(position)) = error.position() {
        text.push_str("; Position: ");
        text.push_str(&position.to_string());
    }
    text.push_str("; SQLState: ");
    text.push_str(error.code().code());
    text
}
