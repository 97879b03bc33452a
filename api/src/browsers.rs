//! What browsers are told: which pages may read answers (CORS), and what else to be careful about.

use std::time::Duration;

use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use kassa_config::{ConfigError, Settings};
use tower_http::cors::CorsLayer;

use crate::extract::IDEMPOTENCY_KEY;
use crate::middleware::REQUEST_ID;

/// How long a browser may remember which requests are allowed.
pub(crate) const REMEMBER: Duration = Duration::from_hours(1);

/// For answers of the API, which are not to be shown as pages.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// For the documentation page: its own scripts and nobody else's. Its styles are set by its scripts.
const DOCUMENTATION: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// What browsers are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Browsers {
    /// `KASSA_CORS_ORIGINS`: the sites whose pages may call the API.
    pub origins: Vec<HeaderValue>,
    /// `KASSA_HSTS_SECONDS`: the value of `Strict-Transport-Security`, if it is sent.
    pub transport_security: Option<HeaderValue>,
}

impl Browsers {
    pub(crate) fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let origins = origins(settings, "KASSA_CORS_ORIGINS")?;
        let seconds =
            settings.number("KASSA_HSTS_SECONDS", "of seconds", 0, 63_072_000)?.filter(|seconds| *seconds > 0);
        let transport_security = seconds
            .map(|seconds| format!("max-age={seconds}; includeSubDomains"))
            .map(|value| HeaderValue::try_from(value).expect("names and numbers are ASCII"));
        Ok(Self { origins, transport_security })
    }

    /// Lets pages of the configured sites call the API; with none there is nothing to say.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        if self.origins.is_empty() {
            return None;
        }
        let name = HeaderName::from_static;
        let layer = CorsLayer::new()
            .allow_origin(self.origins.clone())
            // A guest's cart may be in a cookie. Only the listed sites get this far.
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                IF_MATCH,
                IF_NONE_MATCH,
                IDEMPOTENCY_KEY,
                REQUEST_ID,
                name("kassa-cart"),
                name("kassa-order-token"),
            ])
            .expose_headers([
                ETAG,
                LOCATION,
                RETRY_AFTER,
                REQUEST_ID,
                name("idempotent-replayed"),
                name("kassa-cart"),
                name("ratelimit"),
                name("ratelimit-policy"),
            ])
            .max_age(REMEMBER);
        Some(layer)
    }

    /// Adds what browsers are to be careful about to an answer with this content policy.
    pub(crate) fn secure(&self, policy: HeaderValue, headers: &mut HeaderMap) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        // Whatever does not say that it may be kept may be personal.
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Some(value) = &self.transport_security {
            headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
        }
    }
}

/// What the answer to a request for this path may load.
pub(crate) fn content_policy(path: &str) -> HeaderValue {
    if path.starts_with("/docs") { DOCUMENTATION } else { NOTHING }
}

/// The origins in a setting; none unless it is set.
pub(crate) fn origins(settings: &Settings<'_>, name: &'static str) -> Result<Vec<HeaderValue>, ConfigError> {
    let invalid = || ConfigError::invalid(name, "origins such as https://shop.example, separated by commas");
    let text = settings.text(name)?.unwrap_or_default();
    let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    origins.map(|text| origin(text).ok_or_else(invalid)).collect()
}

/// An origin as browsers write it (RFC 6454, section 6.2), or the comparison would never match.
fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let written = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
    let allowed = matches!(uri.scheme_str(), Some("http" | "https"))
        && text == written.to_ascii_lowercase()
        && !text.contains(['@', '*']);
    allowed.then(|| HeaderValue::try_from(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Result<Browsers, ConfigError> {
        Browsers::read(&Settings::from_pairs([(name, value)]))
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        let browsers = read("KASSA_CORS_ORIGINS", "https://shop.example, http://localhost:3000").expect("valid");
        assert_eq!(browsers.origins, ["https://shop.example", "http://localhost:3000"]);
        for text in [
            "*",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/path",
            "https://Shop.example",
            "https://*.shop.example",
            "https://user@shop.example",
            "ftp://shop.example",
        ] {
            assert!(read("KASSA_CORS_ORIGINS", text).is_err(), "{text}");
        }
    }

    #[test]
    fn transport_security_is_promised_only_when_asked_for() {
        assert_eq!(read("KASSA_HSTS_SECONDS", "0").expect("valid").transport_security, None);
        let promised = read("KASSA_HSTS_SECONDS", "31536000").expect("valid").transport_security;
        assert_eq!(promised.expect("a value"), "max-age=31536000; includeSubDomains");
        assert!(read("KASSA_HSTS_SECONDS", "63072001").is_err());
    }
}
