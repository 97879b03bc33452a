//! Entity tags and what clients ask with them (RFC 9110, sections 8.8.3 and 13.1).

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kassa_store::products::Expected;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{Problem, ProblemCode};

/// An answer that is ready to be sent, with its entity tag.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    body: Bytes,
    tag: HeaderValue,
}

impl Entity {
    /// The JSON form of a value, tagged by what it says.
    pub(crate) fn new(value: &impl Serialize) -> Self {
        Self::tagged(value, |hash| format!("\"{hash}\""))
    }

    /// The JSON form of a value with a version. The tag also changes with what else the value says; the version in it is
    /// what [`expected`] reads.
    pub(crate) fn versioned(version: u64, value: &impl Serialize) -> Self {
        Self::tagged(value, |hash| format!("\"{version}-{hash}\""))
    }

    fn tagged(value: &impl Serialize, tag: impl FnOnce(&str) -> String) -> Self {
        let body = serde_json::to_vec(value).expect("answers have only string keys, so they serialize");
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..12]);
        let tag = HeaderValue::try_from(tag(&hash)).expect("the alphabet of base64 is visible ASCII");
        Self { body: body.into(), tag }
    }

    /// The size of the body.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// The answer to a read: that nothing has changed if the client has it already, else all of it. What is kept has to be
    /// checked before it is used again, because stock changes at any time.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let headers = [(ETAG, self.tag.clone()), (CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
        if self.is_known(request) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, self.json()).into_response()
    }

    /// The answer to a change.
    pub(crate) fn changed(&self, status: StatusCode) -> Response {
        (status, [(ETAG, self.tag.clone())], self.json()).into_response()
    }

    fn json(&self) -> ([(HeaderName, HeaderValue); 1], Bytes) {
        ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.body.clone())
    }

    /// Whether `If-None-Match` names the tag. A weak tag is as good here.
    fn is_known(&self, request: &HeaderMap) -> bool {
        let own = self.tag.as_bytes();
        request.get_all(IF_NONE_MATCH).iter().any(|value| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .map(<[u8]>::trim_ascii)
                .any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == own)
        })
    }
}

/// The version that the required `If-Match` of a change names.
pub(crate) fn expected(request: &HeaderMap) -> Result<Expected, Problem> {
    let mut values = request.get_all(IF_MATCH).iter();
    let Some(value) = values.next() else {
        return Err(Problem::new(
            ProblemCode::PreconditionRequired,
            "Read the product first and send its ETag as If-Match, so that no change of somebody else is overwritten.",
        ));
    };
    if values.next().is_some() {
        return Err(unknown_tag());
    }
    match value.as_bytes().trim_ascii() {
        b"*" => Ok(Expected::Any),
        tag => version(tag).map(Expected::Version).ok_or_else(unknown_tag),
    }
}

/// The version in a strong tag as [`Entity::versioned`] makes it.
fn version(tag: &[u8]) -> Option<u64> {
    let tag = std::str::from_utf8(tag).ok()?.strip_prefix('"')?.strip_suffix('"')?;
    let (version, _) = tag.split_once('-')?;
    version.parse().ok()
}

fn unknown_tag() -> Problem {
    Problem::new(
        ProblemCode::PreconditionFailed,
        "If-Match has to be the one ETag that came with the product, unchanged, or `*` for whatever there is.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn status(entity: &Entity, request: &HeaderMap) -> u16 {
        entity.answer(request).status().as_u16()
    }

    #[test]
    fn what_a_client_has_is_not_sent_again() {
        let entity = Entity::new(&"tea");
        let tag: &'static str = Box::leak(entity.tag.to_str().expect("ASCII").to_owned().into_boxed_str());
        let weak: &'static str = Box::leak(format!("\"x\" , W/{tag}").into_boxed_str());
        for known in [&[tag][..], &[weak], &["*"], &["\"x\"", tag]] {
            assert_eq!(status(&entity, &request(&IF_NONE_MATCH, known)), 304, "{known:?}");
        }
        for unknown in [&[][..], &["\"x\""], &["tea"]] {
            assert_eq!(status(&entity, &request(&IF_NONE_MATCH, unknown)), 200, "{unknown:?}");
        }
        assert_eq!(status(&Entity::new(&"coffee"), &request(&IF_NONE_MATCH, &[tag])), 200);
    }

    #[test]
    fn a_tag_names_the_version_and_what_else_it_says() {
        let (first, second) = (Entity::versioned(7, &"tea"), Entity::versioned(7, &"coffee"));
        assert_ne!(first.tag, second.tag);
        for entity in [first, second] {
            let request = HeaderMap::from_iter([(IF_MATCH, entity.tag)]);
            assert_eq!(expected(&request).ok(), Some(Expected::Version(7)));
        }
        assert_eq!(expected(&request(&IF_MATCH, &["*"])).ok(), Some(Expected::Any));
    }

    #[test]
    fn a_change_needs_one_tag() {
        let code = |values: &[&'static str]| expected(&request(&IF_MATCH, values)).expect_err("no version").code();
        assert_eq!(code(&[]), ProblemCode::PreconditionRequired);
        for values in [&["7"][..], &["\"7\""], &["W/\"7-x\""], &["\"7-x\"", "\"8-x\""], &["\"x-7\""], &[""]] {
            assert_eq!(code(values), ProblemCode::PreconditionFailed, "{values:?}");
        }
    }
}
