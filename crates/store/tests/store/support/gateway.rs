//! A gateway in front of `DynamoDB` that does to calls what a busy service or a bad network does, and what the local
//! server never does by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What happens to one call.
#[derive(Debug, Clone)]
pub(crate) enum Meddling {
    /// It is not passed on, and this is the answer, with status 400.
    Answer(Value),
    /// It is passed on, but its answer is lost.
    LoseAnswer,
    /// The last so many keys of a batch are not passed on, and are handed back as unprocessed.
    ProcessAllBut(usize),
}

impl Meddling {
    /// The rows of a transaction with so many writes are busy.
    pub(crate) fn transaction_conflict(writes: usize) -> Self {
        let reason = json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" });
        Self::Answer(json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
            "CancellationReasons": vec![reason; writes],
        }))
    }

    /// The service refuses with this exception.
    pub(crate) fn refuse(exception: &str) -> Self {
        Self::Answer(json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{exception}"), "message": "no" }))
    }
}

/// A running gateway; it ends when it is dropped.
pub(crate) struct Gateway {
    port: u16,
    inner: Arc<Inner>,
    serving: JoinHandle<()>,
}

struct Inner {
    server: String,
    http: reqwest::Client,
    /// What happens to the next calls of an operation.
    plans: Mutex<VecDeque<(String, Meddling)>>,
    calls: Mutex<Vec<String>>,
}

impl Gateway {
    pub(crate) async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let http = kassa_devstack::http::client();
        let inner = Arc::new(Inner { server, http, plans: Mutex::default(), calls: Mutex::default() });
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&inner));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, inner, serving }
    }

    pub(crate) fn endpoint(&self) -> String {
        kassa_devstack::http::loopback(self.port)
    }

    /// Does this to the next so many calls of an operation.
    pub(crate) fn meddle(&self, operation: &str, times: usize, meddling: &Meddling) {
        let plan = std::iter::repeat_n((operation.to_owned(), meddling.clone()), times);
        self.inner.plans.lock().unwrap().extend(plan);
    }

    /// How many calls of an operation came.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.inner.calls.lock().unwrap().iter().filter(|call| *call == operation).count()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass_on(State(gateway): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let operation = target.rsplit('.').next().unwrap();
    gateway.calls.lock().unwrap().push(operation.to_owned());
    let plan = {
        let mut plans = gateway.plans.lock().unwrap();
        let next = plans.iter().position(|(planned, _)| planned == operation);
        next.and_then(|next| plans.remove(next)).map(|(_, meddling)| meddling)
    };
    match plan {
        None => gateway.call(&headers, body).await,
        Some(Meddling::Answer(answer)) => respond(StatusCode::BAD_REQUEST, &answer),
        Some(Meddling::LoseAnswer) => {
            gateway.call(&headers, body).await;
            let answer = json!({ "__type": "com.amazonaws.dynamodb.v20120810#InternalServerError" });
            respond(StatusCode::INTERNAL_SERVER_ERROR, &answer)
        }
        Some(Meddling::ProcessAllBut(unprocessed)) => {
            let mut request: Value = serde_json::from_slice(&body).unwrap();
            let requests = request["RequestItems"].as_object_mut().unwrap();
            let (table, batch) = requests.iter_mut().next().unwrap();
            let table = table.clone();
            let keys = batch["Keys"].as_array_mut().unwrap();
            let held_back = keys.split_off(keys.len() - unprocessed);
            let mut rest = batch.clone();
            rest["Keys"] = held_back.into();
            let response = gateway.call(&headers, request.to_string().into()).await;
            let answer = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let mut answer: Value = serde_json::from_slice(&answer).unwrap();
            answer["UnprocessedKeys"] = json!({ table: rest });
            respond(StatusCode::OK, &answer)
        }
    }
}

impl Inner {
    async fn call(&self, headers: &HeaderMap, body: Bytes) -> Response {
        let mut request = self.http.post(&self.server).body(body);
        for name in ["x-amz-target", "x-amz-date", "authorization", "content-type"] {
            request = request.header(name, headers[name].clone());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.bytes().await.unwrap();
        response(status, Body::from(body))
    }
}

fn respond(status: StatusCode, answer: &Value) -> Response {
    response(status, Body::from(answer.to_string()))
}

fn response(status: StatusCode, body: Body) -> Response {
    Response::builder().status(status).header("content-type", "application/x-amz-json-1.0").body(body).unwrap()
}
