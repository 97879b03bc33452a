//! The way of a request through the server: authentication, idempotency, faults, the operation, and the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::app::App;
use super::errors::ApiError;
use super::events::API_VERSION;
use super::faults::{Fault, Outcome, Stage};
use super::form::Form;
use super::idempotency::Key;
use super::ids::random_text;
use super::operations::{Call, Operation};
use super::stats::RequestRecord;
use super::store::StoreError;
use crate::connections::Switch;

const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Answers one request to the API.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    ConnectInfo(connection): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let Some(received) = Received::read(request, started).await else {
        return Answer::error(&ApiError::invalid("The request body could not be read.")).respond("", None);
    };
    let idempotency_key = received.header("idempotency-key").map(str::to_owned);
    let request_id = received.request_id.clone();
    // The operation goes on when the caller hangs up, as it does at Stripe.
    let work = tokio::spawn(process(Arc::clone(&app), received));
    match work.await.unwrap_or(Reply::Reset) {
        Reply::Answer(answer) => answer.respond(&request_id, idempotency_key.as_deref()),
        Reply::Reset => {
            connection.reset();
            Response::new(Body::empty())
        }
        Reply::Hang => {
            app.stopped().await;
            connection.reset();
            Response::new(Body::empty())
        }
    }
}

/// A request as it came in.
struct Received {
    started: Instant,
    request_id: String,
    method: String,
    path: String,
    headers: HeaderMap,
    form: Form,
}

impl Received {
    async fn read(request: Request, started: Instant) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY_BYTES).await.ok()?;
        let query = parts.uri.query().unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let form = if text.is_empty() { Form::parse(query) } else { Form::parse(&format!("{query}&{text}")) };
        Some(Self {
            started,
            request_id: format!("req_{}", random_text(14)),
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            form,
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The idempotency key. It has a meaning for requests only that change something.
    fn key(&self) -> Result<Option<Key>, ApiError> {
        let Some(text) = self.header("idempotency-key").filter(|_| self.method == "POST") else { return Ok(None) };
        let account = self.header("stripe-account").unwrap_or_default();
        Key::new(text, account, &self.path, self.form.fingerprint()).map(Some)
    }
}

/// What becomes of a request.
enum Reply {
    Answer(Answer),
    Reset,
    Hang,
}

/// An answer before it is put into an HTTP response.
struct Answer {
    status: u16,
    body: String,
    should_retry: Option<bool>,
    /// The request that was answered like this first.
    original_request: Option<String>,
}

impl Answer {
    fn new(status: u16, body: String) -> Self {
        Self { status, body, should_retry: None, original_request: None }
    }

    fn error(error: &ApiError) -> Self {
        Self { should_retry: error.should_retry, ..Self::new(error.status, error.body().to_string()) }
    }

    fn respond(self, request_id: &str, idempotency_key: Option<&str>) -> Response {
        let mut response = Response::new(Body::from(Bytes::from(self.body)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("request-id", request_id);
        set("stripe-version", API_VERSION);
        if let Some(key) = idempotency_key {
            set("idempotency-key", key);
        }
        if let Some(original) = &self.original_request {
            set("original-request", original);
            set("idempotent-replayed", "true");
        }
        if let Some(should_retry) = self.should_retry {
            set("stripe-should-retry", if should_retry { "true" } else { "false" });
        }
        response
    }
}

async fn process(app: Arc<App>, received: Received) -> Reply {
    let operation = Operation::of(&received.method, &received.path);
    let order_id = operation.as_ref().and_then(|operation| app.read(|state| operation.order_id(state, &received.form)));
    let number = app.counters.request_began(RequestRecord {
        request_id: received.request_id.clone(),
        operation: operation.as_ref().map(|operation| operation.name().to_owned()),
        method: received.method.clone(),
        path: received.path.clone(),
        order_id: order_id.clone(),
        idempotency_key: received.header("idempotency-key").map(str::to_owned),
        status: None,
        replayed: false,
    });

    let mut request = Processing { app: &app, received: &received, order_id, delayed: Duration::ZERO };
    let reply = match request.answer(operation.as_ref()).await {
        Ok(reply) => reply,
        Err(error) => Reply::Answer(Answer::error(&error)),
    };
    let delayed = request.delayed;

    if let Reply::Answer(answer) = &reply {
        app.counters.request_ended(number, |record| {
            record.status = Some(answer.status);
            record.replayed = answer.original_request.is_some();
        });
    }
    app.counters.busy_for(received.started.elapsed().saturating_sub(delayed));
    reply
}

/// A request that is being worked on.
struct Processing<'a> {
    app: &'a Arc<App>,
    received: &'a Received,
    order_id: Option<String>,
    /// How long faults have kept it.
    delayed: Duration,
}

impl Processing<'_> {
    async fn answer(&mut self, operation: Option<&Operation>) -> Result<Reply, ApiError> {
        authenticate(self.app, self.received)?;
        let operation = operation.ok_or_else(|| ApiError::unknown_url(&self.received.method, &self.received.path))?;
        let key = self.received.key()?;
        let _in_use = match &key {
            Some(key) => Some(self.app.take_key(key).ok_or_else(|| ApiError::idempotency_in_use(key.text()))?),
            None => None,
        };
        let now = self.app.clock.now();
        if let Some(key) = &key
            && let Some(saved) = self.app.read(|state| key.replay(state, now))?
        {
            let answer = Answer { original_request: Some(saved.request_id), ..Answer::new(saved.status, saved.body) };
            return Ok(self.repeat(operation, answer).await);
        }
        self.execute(operation, key.as_ref()).await
    }

    /// Sends a saved answer again. Only faults of the way to the caller can still strike it.
    async fn repeat(&mut self, operation: &Operation, answer: Answer) -> Reply {
        for stage in [Stage::Before, Stage::After] {
            if let Some(fault) = self.strike(stage, operation, false).await
                && fault.outcome != Outcome::Pass
            {
                return strike_answer(&fault.outcome, answer);
            }
        }
        Reply::Answer(answer)
    }

    async fn execute(&mut self, operation: &Operation, key: Option<&Key>) -> Result<Reply, ApiError> {
        if let Some(fault) = self.strike(Stage::Before, operation, true).await
            && fault.outcome != Outcome::Pass
        {
            if let (Some((error, true)), Some(key)) = (fault.outcome.error(), key) {
                let (request_id, body) = (&self.received.request_id, error.body().to_string());
                let now = self.app.clock.now();
                self.app
                    .change(|state| key.save(state, now, request_id, error.status, &body))
                    .map_err(|error| cannot_save(&error))?;
            }
            return Ok(strike_answer(&fault.outcome, Answer::new(200, "{\"id\":\"pi_3\",\"object\":".to_owned())));
        }

        let name = operation.name();
        let after = self.app.faults.strike(Stage::After, name, self.order_id.as_deref(), true);
        let answer = self.run(operation, key, after.as_ref()).map_err(|error| cannot_save(&error))?;
        let Some(fault) = after else { return Ok(Reply::Answer(answer)) };
        self.delay(&fault).await;
        Ok(match fault.outcome {
            Outcome::Pass => Reply::Answer(answer),
            outcome => strike_answer(&outcome, answer),
        })
    }

    /// Runs the operation and saves its answer for the key, in one change of the state.
    fn run(&self, operation: &Operation, key: Option<&Key>, after: Option<&Fault>) -> Result<Answer, StoreError> {
        let call = Call {
            form: &self.received.form,
            request_id: &self.received.request_id,
            idempotency_key: key.map(Key::text),
            now: self.app.clock.now(),
        };
        self.app.change(|state| {
            let result = operation.run(state, &call);
            let executed = result.as_ref().err().is_none_or(|error| error.executed);
            let answer = match result {
                Ok(body) => Answer::new(200, body.to_string()),
                Err(error) => Answer::error(&error),
            };
            if let Some(key) = key.filter(|_| executed) {
                match after.and_then(|fault| fault.outcome.error()) {
                    Some((error, true)) => {
                        key.save(state, call.now, call.request_id, error.status, &error.body().to_string());
                    }
                    _ => key.save(state, call.now, call.request_id, answer.status, &answer.body),
                }
            }
            answer
        })
    }

    async fn strike(&mut self, stage: Stage, operation: &Operation, saved_too: bool) -> Option<Fault> {
        let fault = self.app.faults.strike(stage, operation.name(), self.order_id.as_deref(), saved_too)?;
        self.delay(&fault).await;
        Some(fault)
    }

    async fn delay(&mut self, fault: &Fault) {
        if fault.delay_ms > 0 {
            let began = Instant::now();
            self.app.sleep(Duration::from_millis(fault.delay_ms)).await;
            self.delayed += began.elapsed();
        }
    }
}

/// What a fault makes of an answer.
fn strike_answer(outcome: &Outcome, answer: Answer) -> Reply {
    match outcome {
        Outcome::Pass => Reply::Answer(answer),
        Outcome::Reset => Reply::Reset,
        Outcome::Hang => Reply::Hang,
        Outcome::MalformedJson => {
            let mut body = answer.body;
            let middle = (body.len() / 2..body.len()).find(|index| body.is_char_boundary(*index));
            body.truncate(middle.unwrap_or_default());
            Reply::Answer(Answer { body, ..answer })
        }
        Outcome::Error { .. } => Reply::Answer(match outcome.error() {
            Some((error, _)) => Answer::error(&error),
            None => answer,
        }),
    }
}

fn authenticate(app: &App, received: &Received) -> Result<(), ApiError> {
    let Some(authorization) = received.header("authorization") else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth \
             (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    };
    let key = match authorization.split_once(' ') {
        Some(("Bearer", key)) => key.to_owned(),
        Some(("Basic", encoded)) => {
            let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            decoded.and_then(|pair| pair.split(':').next().map(str::to_owned)).unwrap_or_default()
        }
        _ => String::new(),
    };
    if key == app.secret_key {
        return Ok(());
    }
    let shown = key.len().checked_sub(4).and_then(|start| key.get(start..)).unwrap_or_default();
    Err(ApiError::unauthorized(format!("Invalid API Key provided: {}{shown}", "*".repeat(16))))
}

fn cannot_save(error: &StoreError) -> ApiError {
    tracing::error!(error = error as &dyn std::error::Error, "the Stripe stand-in cannot write its state file");
    ApiError::injected(500, "api_error", "The state file of this stand-in cannot be written.")
}
