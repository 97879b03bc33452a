//! What operators and their machines ask: is it alive, is it ready, how is it doing.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics::Metrics;
use crate::problem::{Chain, Problem};
use crate::state::AppState;

/// How long a dependency may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// That the process runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "up"}))]
pub(crate) struct HealthBody {
    status: Condition,
}

/// Whether something answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    Up,
    Down,
}

/// Whether the API can do its work, and what it depends on for that.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "up", "temporal": "up", "dynamodb": "up", "database": "up"}))]
pub(crate) struct ReadyBody {
    /// Up if everything else is.
    status: Condition,
    /// The engine of the checkouts.
    temporal: Condition,
    /// The store of products and stock.
    dynamodb: Condition,
    /// The store of orders.
    database: Condition,
}

/// Is the process alive?
///
/// Depends on nothing else: restarting the process would not mend a dependency.
#[utoipa::path(
    get, path = "/health", tag = "service",
    responses((status = OK, description = "The process runs.", body = HealthBody)),
)]
pub(crate) async fn health() -> Json<HealthBody> {
    Json(HealthBody { status: Condition::Up })
}

/// Can the API do its work?
///
/// Asks everything that the API depends on, all at once and for at most two seconds.
#[utoipa::path(
    get, path = "/ready", tag = "service",
    responses(
        (status = OK, description = "Everything answers.", body = ReadyBody),
        (status = SERVICE_UNAVAILABLE, description = "Something does not answer.", body = ReadyBody),
    ),
)]
pub(crate) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<ReadyBody>) {
    let (temporal, dynamodb, database) = tokio::join!(
        probe("Temporal", state.workflows.ping()),
        probe("DynamoDB", state.dynamodb.ping()),
        probe("the database", state.database.ping()),
    );
    let all_up = [temporal, dynamodb, database].iter().all(|condition| *condition == Condition::Up);
    let (code, status) =
        if all_up { (StatusCode::OK, Condition::Up) } else { (StatusCode::SERVICE_UNAVAILABLE, Condition::Down) };
    (code, Json(ReadyBody { status, temporal, dynamodb, database }))
}

async fn probe<E: std::error::Error + 'static>(
    dependency: &'static str,
    ping: impl Future<Output = Result<(), E>>,
) -> Condition {
    match tokio::time::timeout(PROBE_TIMEOUT, ping).await {
        Ok(Ok(())) => Condition::Up,
        Ok(Err(error)) => {
            tracing::warn!(dependency, error = %Chain(&error), "not ready: a dependency is down");
            Condition::Down
        }
        Err(_) => {
            tracing::warn!(dependency, "not ready: a dependency does not answer in time");
            Condition::Down
        }
    }
}

/// How is the API doing?
///
/// Rate, status and duration of requests per route, in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "service",
    responses((status = OK, description = "The metrics.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(metrics): State<Metrics>) -> Result<Response, Problem> {
    let text = metrics.render().map_err(|error| Problem::internal(&error))?;
    Ok(([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], text).into_response())
}
