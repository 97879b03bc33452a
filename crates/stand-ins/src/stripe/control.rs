//! The switches for tests that run in another process: `/_control/...`

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::App;
use super::errors::ApiError;
use super::faults::{Fault, FaultId};
use super::operations::Origin;
use super::payment_intents::{self, Authentication};
use super::refunds;
use super::snapshots;
use super::state::{FollowUp, State as ServerState};
use super::test_methods::Settlement;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/stats", get(stats))
        .route("/requests", get(requests))
        .route("/payment_intents", get(list_payment_intents))
        .route("/payment_intents/{id}/authentication", post(authenticate))
        .route("/payment_intents/{id}/settlement", post(settle_payment))
        .route("/refunds/{id}/settlement", post(settle_refund))
        .route("/events", get(list_events))
        .route("/events/{id}/delivery", post(deliver_again))
        .route("/clock", post(advance_clock))
}

async fn list_faults(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "faults": app.faults.list() }))
}

async fn add_fault(State(app): State<Arc<App>>, Json(fault): Json<Fault>) -> impl IntoResponse {
    let id = app.faults.add(fault);
    (StatusCode::CREATED, Json(json!({ "id": id })))
}

async fn clear_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(app): State<Arc<App>>, Path(id): Path<FaultId>) -> StatusCode {
    app.faults.remove(id);
    StatusCode::NO_CONTENT
}

async fn stats(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!(app.counters.stats()))
}

async fn requests(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "requests": app.counters.records() }))
}

async fn list_payment_intents(
    State(app): State<Arc<App>>,
    Query(filter): Query<HashMap<String, String>>,
) -> Json<Value> {
    let mut payments = app.read(snapshots::payment_intents);
    if let Some(order_id) = filter.get("order_id") {
        payments.retain(|payment| payment.order_id() == Some(order_id));
    }
    Json(json!({ "payment_intents": payments }))
}

async fn list_events(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "events": app.read(snapshots::events) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authenticated {
    result: AuthenticationResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuthenticationResult {
    Passed,
    Failed,
    Undecided,
}

async fn authenticate(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(request): Json<Authenticated>,
) -> Response {
    let authentication = match request.result {
        AuthenticationResult::Passed => Authentication::Passed,
        AuthenticationResult::Failed => Authentication::Failed,
        AuthenticationResult::Undecided => Authentication::Undecided,
    };
    change(&app, |state, origin| payment_intents::authenticate(state, origin, &id, authentication))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settled {
    result: SettlementResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SettlementResult {
    Succeeded,
    Failed,
}

async fn settle_payment(State(app): State<Arc<App>>, Path(id): Path<String>, Json(request): Json<Settled>) -> Response {
    let settlement = match request.result {
        SettlementResult::Succeeded => Settlement::Succeeds,
        SettlementResult::Failed => Settlement::Fails,
    };
    change(&app, |state, origin| payment_intents::settle(state, origin, &id, Some(settlement)))
}

async fn settle_refund(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    change(&app, |state, origin| refunds::settle(state, origin, &id))
}

async fn deliver_again(State(app): State<Arc<App>>, Path(id): Path<String>) -> StatusCode {
    if app.read(|state| state.events.get(&id).is_none()) {
        return StatusCode::NOT_FOUND;
    }
    app.follow_up(FollowUp::Deliver(id));
    StatusCode::ACCEPTED
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

async fn advance_clock(State(app): State<Arc<App>>, Json(request): Json<Advance>) -> Response {
    match app.advance_clock(Duration::from_secs(request.advance_seconds)) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn change(app: &App, change: impl FnOnce(&mut ServerState, &Origin) -> Result<Value, ApiError>) -> Response {
    let origin = Origin::automatic(app.clock.now());
    match app.change(|state| change(state, &origin)) {
        Ok(Ok(body)) => Json(body).into_response(),
        Ok(Err(error)) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Json(error.body())).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
