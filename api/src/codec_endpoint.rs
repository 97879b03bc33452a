//! Who may have payloads opened that Temporal keeps encrypted: the web UI of Temporal asks for it, in the browser of an
//! operator.

use axum::extract::FromRequestParts;
use axum::http::header::{FORWARDED, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use kassa_codec::Codec;
use kassa_config::{ConfigError, Settings};
use tower_http::cors::{AllowHeaders, CorsLayer};

use crate::auth::Admin;
use crate::browsers::{REMEMBER, origins};
use crate::config::HttpConfig;
use crate::problem::{Problem, ProblemCode};
use crate::state::AppState;

/// What proxies add to requests that come from elsewhere.
const FROM_ELSEWHERE: [HeaderName; 2] = [FORWARDED, HeaderName::from_static("x-forwarded-for")];

/// What opens payloads, and for whom. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct CodecEndpoint {
    /// `KASSA_PAYLOAD_KEYS`: what opens and seals them.
    pub codec: Codec,
    /// `KASSA_CODEC_ENDPOINT`: for whom.
    pub access: CodecAccess,
    /// `KASSA_CODEC_ORIGINS`: where the web UI of Temporal is.
    pub origins: Vec<HeaderValue>,
}

/// For whom payloads are opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodecAccess {
    /// `admin`: for administrators, who show an access token.
    Administrators {
        /// `KASSA_CODEC_CLIENT_ID`: the app client with which the web UI signs operators in, whose tokens are valid here,
        /// too.
        client_id: Option<String>,
    },
    /// `local`: for everybody on this machine. The web UI of the development server has no access tokens.
    ThisMachine,
}

impl CodecEndpoint {
    pub(crate) fn read(settings: &Settings<'_>, codec: Codec, http: &HttpConfig) -> Result<Option<Self>, ConfigError> {
        let name = "KASSA_CODEC_ENDPOINT";
        let access = match settings.text(name)?.as_deref() {
            None => return Ok(None),
            Some("admin") => CodecAccess::Administrators { client_id: settings.text("KASSA_CODEC_CLIENT_ID")? },
            // Without tokens, only this machine is a small enough world, and a proxy would let in a larger one.
            Some("local") if !http.listen.ip().is_loopback() || http.proxies.0 > 0 => {
                let allowed = "admin; local is for an API that listens on 127.0.0.1 with no proxy in front";
                return Err(ConfigError::invalid(name, allowed));
            }
            Some("local") => CodecAccess::ThisMachine,
            Some(_) => return Err(ConfigError::invalid(name, "admin or local")),
        };
        if !codec.encrypts() {
            return Err(ConfigError::invalid(
                name,
                "nothing, or set KASSA_PAYLOAD_KEYS, without which nothing is opened",
            ));
        }
        Ok(Some(Self { codec, access, origins: origins(settings, "KASSA_CODEC_ORIGINS")? }))
    }

    /// Lets the pages of the web UI ask.
    pub(crate) fn cors(&self) -> CorsLayer {
        CorsLayer::new()
            .allow_origin(self.origins.clone())
            .allow_credentials(true)
            .allow_methods([Method::POST])
            // The UI sends headers of its own, and more with each version. Only its own pages get this far.
            .allow_headers(AllowHeaders::mirror_request())
            .max_age(REMEMBER)
    }

    /// Whether a request comes from this machine, and from no page but those of the web UI. A page from elsewhere may well
    /// have a name that leads to this machine; the browser says where it is from.
    fn is_local(&self, headers: &HeaderMap) -> bool {
        let mut pages = headers.get_all(ORIGIN).iter();
        pages.all(|page| self.origins.contains(page)) && !FROM_ELSEWHERE.iter().any(|name| headers.contains_key(name))
    }
}

/// Somebody who may read what orders hold, and what opens it.
pub(crate) struct Operator {
    pub(crate) codec: Codec,
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let nothing = || Problem::new(ProblemCode::NotFound, "The codec endpoint is not switched on.");
        let endpoint = state.codec.as_ref().ok_or_else(nothing)?;
        match &endpoint.access {
            CodecAccess::Administrators { client_id } => {
                Admin::of(&state.tokens, parts, client_id.as_deref()).await?;
            }
            CodecAccess::ThisMachine if endpoint.is_local(&parts.headers) => {}
            CodecAccess::ThisMachine => {
                let detail = "This is for this machine only, and for the pages that KASSA_CODEC_ORIGINS lists.";
                return Err(Problem::new(ProblemCode::Forbidden, detail));
            }
        }
        Ok(Self { codec: endpoint.codec.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "a:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<Option<CodecEndpoint>, ConfigError> {
        let key = ("KASSA_SIGNING_KEY", "a-secret-of-at-least-32-characters");
        let settings = Settings::from_pairs(pairs.iter().copied().chain([key]));
        let http = HttpConfig::read(&settings)?;
        CodecEndpoint::read(&settings, kassa_config::codec(&settings)?, &http)
    }

    #[test]
    fn nothing_is_served_unless_it_is_asked_for() {
        assert!(read(&[("KASSA_PAYLOAD_KEYS", KEYS)]).expect("valid").is_none());
    }

    #[test]
    fn without_tokens_it_is_for_this_machine_only() {
        let local =
            |name, value| read(&[("KASSA_PAYLOAD_KEYS", KEYS), ("KASSA_CODEC_ENDPOINT", "local"), (name, value)]);
        let endpoint = local("KASSA_API_LISTEN", "127.0.0.1:8080").expect("valid").expect("served");
        assert_eq!(endpoint.access, CodecAccess::ThisMachine);
        for (name, value) in
            [("KASSA_API_LISTEN", "0.0.0.0:8080"), ("KASSA_API_LISTEN", "10.0.0.1:80"), ("KASSA_TRUSTED_PROXIES", "1")]
        {
            let message = local(name, value).expect_err(value).to_string();
            assert!(message.starts_with("KASSA_CODEC_ENDPOINT is not valid: set it to admin;"), "{message}");
        }
    }

    #[test]
    fn mistakes_name_their_variable() {
        for pairs in [
            &[("KASSA_CODEC_ENDPOINT", "admin")][..],
            &[("KASSA_CODEC_ENDPOINT", "everybody"), ("KASSA_PAYLOAD_KEYS", KEYS)],
            &[("KASSA_CODEC_ORIGINS", "*"), ("KASSA_CODEC_ENDPOINT", "admin"), ("KASSA_PAYLOAD_KEYS", KEYS)],
        ] {
            let message = read(pairs).expect_err("a mistake").to_string();
            assert!(message.starts_with(pairs[0].0), "{message}");
        }
    }

    #[test]
    fn requests_of_other_pages_and_from_elsewhere_are_not_local() {
        let endpoint = CodecEndpoint {
            codec: Codec::default(),
            access: CodecAccess::ThisMachine,
            origins: vec![HeaderValue::from_static("http://127.0.0.1:8233")],
        };
        let is_local = |headers: &[(&'static str, &'static str)]| {
            let headers =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            endpoint.is_local(&headers.collect())
        };
        assert!(is_local(&[]), "the Temporal command line");
        assert!(is_local(&[("origin", "http://127.0.0.1:8233")]));
        assert!(!is_local(&[("origin", "http://evil.example:8080")]));
        assert!(!is_local(&[("origin", "null")]));
        assert!(!is_local(&[("x-forwarded-for", "192.0.2.1")]));
        assert!(!is_local(&[("forwarded", "for=192.0.2.1")]));
    }
}
