//! The HTTP side: the routes of the Data API, and those for tests under `/_control`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

use super::errors::ApiError;
use super::faults::{Fault, FaultReport};
use super::service::{Service, died};
use super::stats::Stats;
use super::wire::{
    BatchExecuteStatementRequest, BatchExecuteStatementResponse, BeginTransactionRequest, BeginTransactionResponse,
    EndTransactionRequest, EndTransactionResponse, ExecuteStatementRequest, ExecuteStatementResponse,
};

/// The largest request.
const MAX_REQUEST: usize = 4 * 1024 * 1024;

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/Execute", post(execute))
        .route("/BatchExecute", post(batch_execute))
        .route("/BeginTransaction", post(begin))
        .route("/CommitTransaction", post(commit))
        .route("/RollbackTransaction", post(rollback))
        .route("/_control/stats", get(stats))
        .route("/_control/faults", get(list_faults).post(inject_fault).delete(clear_faults))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(middleware::from_fn(request_id))
        .with_state(service)
}

async fn execute(
    State(service): State<Arc<Service>>,
    Call(request): Call<ExecuteStatementRequest>,
) -> Answer<ExecuteStatementResponse> {
    detached(service.execute(request)).await
}

async fn batch_execute(
    State(service): State<Arc<Service>>,
    Call(request): Call<BatchExecuteStatementRequest>,
) -> Answer<BatchExecuteStatementResponse> {
    detached(service.batch_execute(request)).await
}

async fn begin(
    State(service): State<Arc<Service>>,
    Call(request): Call<BeginTransactionRequest>,
) -> Answer<BeginTransactionResponse> {
    detached(service.begin(request)).await
}

async fn commit(
    State(service): State<Arc<Service>>,
    Call(request): Call<EndTransactionRequest>,
) -> Answer<EndTransactionResponse> {
    detached(service.commit(request)).await
}

async fn rollback(
    State(service): State<Arc<Service>>,
    Call(request): Call<EndTransactionRequest>,
) -> Answer<EndTransactionResponse> {
    detached(service.rollback(request)).await
}

type Answer<T> = Result<Json<T>, ApiError>;

/// Runs a call in a task of its own, so that a caller who hangs up cannot stop it half-way; the real service does the
/// same.
async fn detached<T: Send + 'static>(call: impl Future<Output = Result<T, ApiError>> + Send + 'static) -> Answer<T> {
    tokio::spawn(call).await.unwrap_or_else(|_| Err(died())).map(Json)
}

/// The input of a signed call.
struct Call<I>(I);

impl<S: Send + Sync, I: DeserializeOwned> FromRequest<S> for Call<I> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        authorize(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::RequestTooLarge,
            _ => ApiError::Serialization(rejection.body_text()),
        })?;
        serde_json::from_slice(&body).map(Self).map_err(|error| ApiError::Serialization(error.to_string()))
    }
}

/// Every call must look signed; the signature itself is not verified.
fn authorize(headers: &HeaderMap) -> Result<(), ApiError> {
    let signed = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("AWS4-HMAC-SHA256 "))
        .is_some_and(|value| ["Credential=", "SignedHeaders=", "Signature="].iter().all(|part| value.contains(part)));
    if signed {
        return Ok(());
    }
    Err(ApiError::AccessDenied("The request is not signed with AWS Signature Version 4".into()))
}

async fn request_id(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

async fn unknown() -> ApiError {
    ApiError::UnknownOperation("The operation is not known".into())
}

async fn stats(State(service): State<Arc<Service>>) -> Json<Stats> {
    Json(service.counters.snapshot())
}

async fn list_faults(State(service): State<Arc<Service>>) -> Json<Vec<FaultReport>> {
    Json(service.faults.list())
}

async fn inject_fault(State(service): State<Arc<Service>>, Json(fault): Json<Fault>) -> Response {
    let id = service.faults.inject(fault);
    (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
}

async fn clear_faults(State(service): State<Arc<Service>>) -> StatusCode {
    service.faults.clear();
    StatusCode::NO_CONTENT
}
