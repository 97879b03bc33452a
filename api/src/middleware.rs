//! What every request passes through: an id, a log line, metrics, a time-out, and a net for panics.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use tracing::Instrument;
use uuid::Uuid;

use crate::browsers::content_policy;
use crate::limits::limit_address;
use crate::problem::{Problem, ProblemCode};
use crate::state::AppState;

/// Names a request in logs on both sides.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How much longer than the wait for a workflow a request may take: reading the body, pricing, and asking what became
/// of a workflow that did not answer.
const SLACK: Duration = Duration::from_secs(20);

/// Reads that take longer than this are worth a line in the log.
const SLOW: Duration = Duration::from_millis(500);

/// Observes a request: gives it an id (the client's own, if that is harmless), tells browsers what to be careful about, writes
/// one line when it is answered, and records its duration. Never the query, a body or a header of the client: they may hold personal data.
///
/// The lines of reads that went well and fast are for `debug`: they are by far the most, cost more than many of them take,
/// and say nothing that the metrics do not.
pub(crate) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let in_flight = state.metrics.started();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let policy = content_policy(request.uri().path());
    let span = tracing::info_span!("request", request.id = %id, http.method = %method, http.route = %route);

    let mut response = next.run(request).instrument(span.clone()).await;
    let latency = started.elapsed();
    let status = response.status();
    span.in_scope(|| {
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        if is_unremarkable(&method, status, latency) {
            tracing::debug!(http.status = status.as_u16(), latency_ms, "answered");
        } else {
            tracing::info!(http.status = status.as_u16(), latency_ms, "answered");
        }
    });
    state.metrics.answered(&method, &route, status, latency);
    drop(in_flight);
    let headers = response.headers_mut();
    state.browsers.secure(policy, headers);
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

fn is_unremarkable(method: &Method, status: StatusCode, latency: Duration) -> bool {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    is_read && (status.is_success() || status == StatusCode::NOT_MODIFIED) && latency < SLOW
}

/// An id that no other request has: one random part per process, and a number. Drawing a random one for each request would
/// ask the operating system each time.
fn new_id() -> String {
    static PROCESS: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().simple().to_string());
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    format!("{}-{}", *PROCESS, REQUESTS.fetch_add(1, Ordering::Relaxed))
}

fn request_id(headers: &HeaderMap) -> String {
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(harmless)
        .map_or_else(new_id, ToOwned::to_owned)
}

/// Guards what answers a request: not too often, not for ever, and whatever happens, with an answer.
///
/// One layer for all of it, because each costs every request several allocations.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limit = state.workflows.config().answer_timeout + SLACK;
    unharmed(within(limit, limit_address(&state, request, next))).await
}

/// Answers when a handler does not: the last resort behind the time-outs of everything that a handler waits for.
async fn within(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        Problem::new(
            ProblemCode::TimedOut,
            "It is not known whether the request was carried out. Send it again, with the same Idempotency-Key if it \
             has one.",
        )
        .into_response()
    })
}

/// Turns a panic into an answer; the panic itself was reported by the panic hook.
async fn unharmed(answer: impl Future<Output = Response>) -> Response {
    // What a panic may have left half done is dropped with the request.
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a handler panicked");
        Problem::new(
            ProblemCode::InternalError,
            "The request was not carried out because of a defect; it has been logged.",
        )
        .into_response()
    })
}

/// Answers for addresses that do not exist.
pub(crate) async fn not_found(uri: Uri) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("There is no `{}` here; `/docs` lists what there is.", uri.path()))
}

/// Answers for addresses that exist with other methods; the router adds the `Allow` header.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        ProblemCode::MethodNotAllowed,
        format!("`{}` does not take {method}; the Allow header says what it takes.", uri.path()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn handler_that_never_answers_is_answered_for() {
        let answer = within(Duration::from_millis(10), std::future::pending()).await;

        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(answer.headers()["content-type"], crate::PROBLEM_JSON);
    }

    #[tokio::test]
    async fn handler_that_panics_is_answered_for() {
        let answer = unharmed(async { panic!("on purpose") }).await;

        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()["content-type"], crate::PROBLEM_JSON);
    }

    #[test]
    fn only_reads_that_went_well_and_fast_are_unremarkable() {
        let fast = Duration::from_millis(1);
        assert!(is_unremarkable(&Method::GET, StatusCode::OK, fast));
        assert!(is_unremarkable(&Method::HEAD, StatusCode::NOT_MODIFIED, fast));
        for (method, status, latency) in [
            (Method::POST, StatusCode::OK, fast),
            (Method::GET, StatusCode::NOT_FOUND, fast),
            (Method::GET, StatusCode::INTERNAL_SERVER_ERROR, fast),
            (Method::GET, StatusCode::OK, SLOW),
        ] {
            assert!(!is_unremarkable(&method, status, latency), "{method} {status}");
        }
    }

    #[test]
    fn only_harmless_request_ids_are_kept() {
        let with = |id: &'static str| HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(id))]);
        assert_eq!(request_id(&with("abc-1.2_3")), "abc-1.2_3");
        for id in ["", "with space", "quote\"", "12345678901234567890123456789012345678901234567890123456789012345"] {
            assert_ne!(request_id(&with(id)), id);
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
