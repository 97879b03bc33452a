//! Which call is meant.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};

/// A call that was received, whole.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Everything above as one text, to search in.
    pub(super) text: String,
}

impl Received {
    pub(super) fn new(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Self {
        let mut text = format!("{method} {uri}\n");
        for (name, value) in &headers {
            text.push_str(name.as_str());
            text.push_str(": ");
            text.push_str(&String::from_utf8_lossy(value.as_bytes()));
            text.push('\n');
        }
        text.push_str(&String::from_utf8_lossy(&body));
        Self { method, uri, headers, body, text }
    }
}

/// Describes calls by the texts that occur in their request line (`POST /v1/refunds`), headers or body. The names of
/// headers are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    texts: Vec<String>,
}

impl Call {
    /// Every call.
    pub fn any() -> Self {
        Self { texts: Vec::new() }
    }

    /// Calls in which `text` occurs.
    pub fn with(text: impl Into<String>) -> Self {
        Self { texts: vec![text.into()] }
    }

    /// Of these only calls in which `text` occurs as well.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>) -> Self {
        self.texts.push(text.into());
        self
    }

    pub(super) fn matches(&self, received: &Received) -> bool {
        self.texts.iter().all(|text| received.text.contains(text))
    }
}
