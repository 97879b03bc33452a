//! What handlers take: JSON bodies, path and query parameters and headers, each refused with a problem that says
//! what is allowed.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Path, Query, Request};
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use futures::StreamExt;
use kassa_domain::IdempotencyKey;
use kassa_json::Refusal;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::problem::{Problem, ProblemCode};

/// The largest body that is read.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// The largest list of payloads that is read: what Temporal puts into one message, in base64.
pub(crate) const MAX_PAYLOADS: usize = 6 * 1024 * 1024;

/// The largest import that is read.
pub(crate) const MAX_IMPORT: usize = 4 * 1024 * 1024;

/// How much of a body that is too large is read and thrown away, so that a client which sends all of it before it
/// listens still gets its answer instead of a reset connection.
const MAX_DRAIN: usize = 16 * 1024 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The header that names an attempt to do something.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Err(Problem::new(
                ProblemCode::UnsupportedMediaType,
                "Send the body with the header `Content-Type: application/json`.",
            ));
        }
        let bytes = read(&parts.headers, body, MAX_BODY, BODY_TIMEOUT).await?;
        parse(&bytes).map(Self)
    }
}

/// A body as it came, byte by byte.
pub(crate) struct Raw<const MAX: usize = MAX_BODY>(pub(crate) Vec<u8>);

impl<S: Sync, const MAX: usize> FromRequest<S> for Raw<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        read(&parts.headers, body, MAX, BODY_TIMEOUT).await.map(Self)
    }
}

/// A body of JSON lines, not parsed yet.
pub(crate) struct JsonLines(pub(crate) Vec<u8>);

impl<S: Sync> FromRequest<S> for JsonLines {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is(&parts.headers, "application/x-ndjson") {
            return Err(Problem::new(
                ProblemCode::UnsupportedMediaType,
                "Send one JSON object per line, with the header `Content-Type: application/x-ndjson`.",
            ));
        }
        read(&parts.headers, body, MAX_IMPORT, BODY_TIMEOUT).await.map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

async fn read(headers: &HeaderMap, body: Body, max: usize, limit: Duration) -> Result<Vec<u8>, Problem> {
    tokio::time::timeout(limit, read_limited(headers, body, max)).await.unwrap_or_else(|_| {
        Err(Problem::new(
            ProblemCode::RequestTimeout,
            format!("The body did not arrive within {} seconds.", limit.as_secs()),
        ))
    })
}

async fn read_limited(headers: &HeaderMap, body: Body, max: usize) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut received = 0_usize;
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| Problem::new(ProblemCode::InvalidJson, "The body ended before it was complete."))?;
        received = received.saturating_add(chunk.len());
        if received <= max {
            bytes.extend_from_slice(&chunk);
        } else if received > MAX_DRAIN || headers.contains_key(EXPECT) {
            break;
        }
    }
    if received > max {
        return Err(Problem::new(ProblemCode::BodyTooLarge, format!("A body has at most {max} bytes.")));
    }
    Ok(bytes)
}

/// Reads JSON; what is no JSON and what is JSON of another shape are different problems.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    kassa_json::parse(bytes).map_err(|refusal| match refusal {
        Refusal::NoJson(detail) => Problem::new(ProblemCode::InvalidJson, format!("The body is not JSON: {detail}.")),
        Refusal::Field { field, detail } => Problem::field(field, detail),
    })
}

/// The one parameter of a path, parsed.
pub(crate) struct PathParameter<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for PathParameter<T>
where
    T: FromStr<Err: Display>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        // Of a route such as `/products/{id}/stock`.
        let name = route.split(['{', '}']).nth(1).unwrap_or_default().to_owned();
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::parameter(&name, "not a text in UTF-8"))?;
        text.parse().map(Self).map_err(|error| Problem::parameter(&name, error))
    }
}

/// The parameters of the query.
pub(crate) struct QueryParameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = pairs
            .map_err(|rejection| Problem::new(ProblemCode::InvalidParameter, format!("{}.", rejection.body_text())))?;
        parameters(&pairs).map(Self)
    }
}

/// Reads parameters like an object of texts, because only then it is told which of them is wrong.
fn parameters<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Problem> {
    let members: Vec<_> = pairs.iter().map(|(name, value)| format!("{}:{}", json!(name), json!(value))).collect();
    let object = format!("{{{}}}", members.join(","));
    kassa_json::parse(object.as_bytes()).map_err(|refusal| match refusal {
        Refusal::NoJson(detail) => Problem::new(ProblemCode::InvalidParameter, detail),
        Refusal::Field { field, detail } => Problem::parameter(&field, detail),
    })
}

/// How many entries a page has that is asked for with `limit`.
pub(crate) fn page_size(limit: Option<&str>) -> Result<usize, Problem> {
    const DEFAULT: usize = 20;
    const MAX: usize = 100;
    let Some(text) = limit else { return Ok(DEFAULT) };
    let size = text.parse().ok().filter(|size| (1..=MAX).contains(size));
    size.ok_or_else(|| Problem::parameter("limit", format!("expected a whole number from 1 to {MAX}")))
}

/// The required `Idempotency-Key` header.
pub(crate) struct RequiredIdempotencyKey(pub(crate) IdempotencyKey);

impl<S: Sync> FromRequestParts<S> for RequiredIdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Err(Problem::new(
                ProblemCode::IdempotencyKeyMissing,
                "Send an Idempotency-Key header with 8 to 255 visible ASCII characters, such as a random UUID; send \
                 the same one again only to repeat the same request.",
            ));
        };
        let invalid = |detail: String| Problem::new(ProblemCode::IdempotencyKeyInvalid, detail);
        if values.next().is_some() {
            return Err(invalid("The header is there more than once.".to_owned()));
        }
        // What is not ASCII is refused by the key itself.
        String::from_utf8_lossy(value.as_bytes()).parse().map(Self).map_err(|error| invalid(format!("{error}.")))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::header::CONTENT_LENGTH;
    use axum::response::IntoResponse;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::wire::Object;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is of interest")]
    struct Outer {
        items: Vec<Object<Inner>>,
        note: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is of interest")]
    struct Inner {
        count: u8,
    }

    async fn body_of(problem: Problem) -> Value {
        let bytes = axum::body::to_bytes(problem.into_response().into_body(), MAX_BODY).await.expect("a short body");
        serde_json::from_slice(&bytes).expect("a JSON body")
    }

    async fn refusal(text: &str) -> (String, String) {
        let problem = parse::<Outer>(text.as_bytes()).expect_err(text);
        let body = body_of(problem).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&body["code"]), text(&body["errors"][0]["field"]))
    }

    #[tokio::test]
    async fn the_field_that_is_wrong_is_named() {
        for (text, field) in [
            (r#"{"items":[{"count":1},{"count":-1}]}"#, "items[1].count"),
            (r#"{"items":[{"count":1},{}]}"#, "items[1].count"),
            (r#"{"items":[{"count":1,"colour":1}]}"#, "items[0].colour"),
            (r#"{"items":[{"count":1,"count":1}]}"#, "items[0].count"),
            (r#"{"items":{}}"#, "items"),
            (r#"{"items":[],"extra":1}"#, "extra"),
            (r#"{"note":7,"items":[]}"#, "note"),
            ("{}", "items"),
            (r#"{"items":[[1]]}"#, "items[0]"),
            ("[]", ""),
            ("7", ""),
            ("null", ""),
        ] {
            assert_eq!(refusal(text).await, ("validation_failed".to_owned(), field.to_owned()), "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_no_json_is_told_apart() {
        for text in ["", "{", r#"{"items":[}"#, r#"{"items":[]} trailing"#, "\u{0}", "items=1"] {
            assert_eq!(refusal(text).await, ("invalid_json".to_owned(), String::new()), "{text:?}");
        }
    }

    #[tokio::test]
    async fn the_parameter_that_is_wrong_is_named() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Page {
            limit: Option<String>,
        }

        let read = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            parameters::<Page>(&pairs)
        };
        assert_eq!(read(&[("limit", "\"5\\")]).expect("any text").limit.as_deref(), Some("\"5\\"));
        assert!(read(&[]).expect("nothing").limit.is_none());
        for (pairs, named) in [
            (&[("limit", "1"), ("limit", "2")] as &[_], "limit"),
            (&[("colour", "1")], "colour"),
            (&[("a\"b", "1")], "a\"b"),
        ] {
            let body = body_of(read(pairs).expect_err(named)).await;
            assert_eq!((&body["code"], &body["errors"][0]["field"]), (&json!("invalid_parameter"), &json!(named)));
        }
    }

    #[tokio::test]
    async fn nesting_does_not_exhaust_the_stack() {
        let text = format!(r#"{{"items":{}"#, "[".repeat(MAX_BODY / 2));
        assert_ne!(refusal(&text).await.0, "internal_error");
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_and_drained_beyond_it() {
        let headers = HeaderMap::new();
        let read_to = async |size: usize| read(&headers, Body::from(vec![b' '; size]), MAX_BODY, BODY_TIMEOUT).await;
        assert_eq!(read_to(MAX_BODY).await.expect("fits").len(), MAX_BODY);
        assert_eq!(read_to(MAX_BODY + 1).await.expect_err("too large").code(), ProblemCode::BodyTooLarge);
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
        let result = read(&headers, Body::from_stream(endless), MAX_BODY, BODY_TIMEOUT).await;
        assert_eq!(result.expect_err("too large").code(), ProblemCode::BodyTooLarge);
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let result = read(&HeaderMap::new(), Body::from_stream(never), MAX_BODY, Duration::from_millis(10)).await;
        assert_eq!(result.expect_err("too late").code(), ProblemCode::RequestTimeout);
    }

    #[test]
    fn json_is_declared_as_json() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().expect("a header value"))]);
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::from_iter([(CONTENT_LENGTH, 1.into())])));
    }

    #[test]
    fn pages_are_bounded() {
        assert_eq!(page_size(None).ok(), Some(20));
        assert_eq!(page_size(Some("100")).ok(), Some(100));
        for text in ["0", "101", "-1", "1.5", "", "ten", "99999999999999999999"] {
            assert!(page_size(Some(text)).is_err(), "{text}");
        }
    }
}
