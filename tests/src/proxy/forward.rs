//! Carrying calls and answers over, unchanged.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::call::Received;

/// Headers that belong to one connection, not to the call.
const OF_THE_CONNECTION: [HeaderName; 4] =
    [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

/// The server behind a proxy.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    base: String,
    client: reqwest::Client,
}

/// Reads a whole call; none if its sender broke off.
pub(super) async fn read(request: Request) -> Option<Received> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.ok()?;
    Some(Received::new(parts.method, parts.uri, parts.headers, body))
}

impl Upstream {
    pub(super) fn new(base: &str) -> Self {
        Self { base: base.to_owned(), client: kassa_devstack::http::client() }
    }

    /// The server's answer, or a 502 that says why there is none.
    pub(super) async fn send(&self, call: &Received) -> Response {
        let path = call.uri.path_and_query().map_or("/", |path| path.as_str());
        let sent = self
            .client
            .request(call.method.clone(), format!("{}{path}", self.base))
            .headers(own(&call.headers))
            .body(call.body.clone())
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return (StatusCode::BAD_GATEWAY, format!("no answer: {error}")).into_response(),
        };
        let (status, headers) = (answer.status(), own(answer.headers()));
        match answer.bytes().await {
            Ok(body) => (status, headers, Body::from(body)).into_response(),
            Err(error) => (StatusCode::BAD_GATEWAY, format!("half an answer: {error}")).into_response(),
        }
    }
}

fn own(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    headers
}
