//! Making a call fail.

use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::sleep;

use super::call::Received;
use super::failure::{Failure, Kind};
use super::system::System;

/// What becomes of a call.
pub(super) enum Fate {
    /// It is answered.
    Answered(Response),
    /// It is never answered.
    Lost,
    /// Its connection is reset.
    Reset,
}

/// Makes a call fail; `answer` is what the server has said, if the call came that far.
pub(super) async fn fail(failure: Failure, call: &Received, answer: Option<Response>) -> Fate {
    sleep(failure.late).await;
    match failure.kind {
        Kind::TimeOut => Fate::Lost,
        Kind::Reset => Fate::Reset,
        Kind::Malformed => Fate::Answered(malformed(answer).await),
        kind => match System::of(call).words(kind, failure.moment, call) {
            Some(words) => Fate::Answered(words.into_response()),
            // Rules do not let a system fail in a way that it does not know.
            None => Fate::Lost,
        },
    }
}

/// Half of what the server has said; without that, what somebody between us says who knows nothing of JSON.
async fn malformed(answer: Option<Response>) -> Response {
    let body = match answer {
        Some(answer) => to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default(),
        None => return (StatusCode::OK, "<html>It works!</html>").into_response(),
    };
    let half = body.len().div_ceil(2).min(body.len().saturating_sub(1));
    let half = body.slice(..half);
    let broken = if half.is_empty() { "{".into() } else { half };
    let content = [(axum::http::header::CONTENT_TYPE, "application/json")];
    (StatusCode::OK, content, broken).into_response()
}
