//! The connection pool, and how a request goes through it.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use stripe_client_core::{CustomizedStripeRequest, RequestBuilder, StripeClient, StripeMethod, VERSION};

use crate::config::StripeConfig;
use crate::error::{Error, FailedAnswer};

const USER_AGENT: &str = concat!("kassa/", env!("CARGO_PKG_VERSION"), " async-stripe/1.0.0-rc.10");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const STRIPE_ACCOUNT: HeaderName = HeaderName::from_static("stripe-account");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// More than Stripe ever answers; what is longer comes from somebody else and is not read to its end.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// A client for Stripe that keeps its connections open. Clones share one pool.
#[derive(Clone)]
pub struct PooledStripe {
    http: reqwest::Client,
    base: String,
    request_timeout: Duration,
}

impl PooledStripe {
    /// Prepares the pool. Connections are opened when the first request needs them.
    pub fn new(config: &StripeConfig) -> Result<Self, BuildError> {
        let endpoint = Url::parse(&config.endpoint).map_err(|_| BuildError::Endpoint)?;
        let loopback = is_loopback(&endpoint);
        match endpoint.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(BuildError::PlainText),
            _ => return Err(BuildError::Endpoint),
        }
        if endpoint.query().is_some() || endpoint.fragment().is_some() || !endpoint.username().is_empty() {
            return Err(BuildError::Endpoint);
        }

        let http = reqwest::Client::builder()
            .default_headers(default_headers(config))
            .user_agent(USER_AGENT)
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.max_idle_connections)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // One request is one attempt: not even an idle connection that the server closed is retried unseen.
            .retry(reqwest::retry::never())
            .https_only(!loopback)
            .build()
            .map_err(BuildError::Client)?;
        Ok(Self {
            http,
            base: endpoint.as_str().trim_end_matches('/').to_owned(),
            request_timeout: config.request_timeout,
        })
    }

    async fn attempt(&self, request: reqwest::RequestBuilder) -> Result<Bytes, Error> {
        let response = request.send().await?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = read_body(response).await?;

        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = text("request-id");
        tracing::debug!(status = status.as_u16(), stripe.request_id = request_id, "Stripe answered");
        if status.is_success() {
            return Ok(body);
        }
        Err(Error::from_answer(&FailedAnswer {
            status: status.as_u16(),
            request_id,
            should_retry: text("stripe-should-retry").and_then(|value| value.parse().ok()),
            replayed: text("idempotent-replayed") == Some("true"),
            body: &body,
        }))
    }

    fn request(&self, customized: CustomizedStripeRequest) -> Result<reqwest::RequestBuilder, Error> {
        let (RequestBuilder { query, body, path, method }, overrides) = customized.into_pieces();
        let mut url = format!("{}/v1{path}", self.base);
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            url.push('?');
            url.push_str(&query);
        }
        let mut request =
            self.http.request(http_method(method), url).timeout(overrides.timeout.unwrap_or(self.request_timeout));

        let key = overrides.request_strategy.as_ref().and_then(stripe_client_core::RequestStrategy::get_key);
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, header_value("idempotency key", key.as_str())?);
        }
        if let Some(account) = &overrides.account_id {
            request = request.header(STRIPE_ACCOUNT, header_value("account id", account.as_str())?);
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        Ok(request)
    }
}

impl StripeClient for PooledStripe {
    type Err = Error;

    async fn execute(&self, customized: CustomizedStripeRequest) -> Result<Bytes, Error> {
        let request = self.request(customized)?;
        self.attempt(request).await
    }
}

impl std::fmt::Debug for PooledStripe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PooledStripe").field("base", &self.base).finish_non_exhaustive()
    }
}

/// The client could not be made from its configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The endpoint is not a web address of the form `https://host[:port]`.
    #[error("the Stripe endpoint is not an address of the form https://host")]
    Endpoint,
    /// The endpoint would send the secret key in plain text over a network.
    #[error("the Stripe endpoint has to be https, because it is not on this machine")]
    PlainText,
    /// The TLS set-up of this machine cannot be used.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
}

fn default_headers(config: &StripeConfig) -> HeaderMap {
    let mut authorization = HeaderValue::from_str(&format!("Bearer {}", config.secret_key.expose()))
        .expect("a secret key consists of visible ASCII characters");
    // Keeps the key out of the Debug output of requests.
    authorization.set_sensitive(true);
    let version = VERSION.to_string();
    HeaderMap::from_iter([
        (header::AUTHORIZATION, authorization),
        (STRIPE_VERSION, HeaderValue::from_str(&version).expect("API versions are ASCII")),
    ])
}

fn header_value(what: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::InvalidRequest { reason: format!("the {what} does not fit into a header") })
}

fn http_method(method: StripeMethod) -> Method {
    match method {
        StripeMethod::Get => Method::GET,
        StripeMethod::Post => Method::POST,
        StripeMethod::Delete => Method::DELETE,
    }
}

fn is_loopback(endpoint: &Url) -> bool {
    let Some(host) = endpoint.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

async fn read_body(mut response: reqwest::Response) -> Result<Bytes, Error> {
    let status = response.status().as_u16();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| match Error::from(error) {
        // Once there is a status line there was a connection.
        Error::Connect(error) => Error::Transport(error),
        other => other,
    })? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(Error::Deserialize { status: Some(status), reason: "it is too long".to_owned() });
        }
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretKey;

    fn build(endpoint: &str) -> Result<PooledStripe, BuildError> {
        let key = SecretKey::new("sk_test_topsecret").expect("the key is well formed");
        PooledStripe::new(&StripeConfig { endpoint: endpoint.to_owned(), ..StripeConfig::new(key) })
    }

    #[test]
    fn plain_text_stays_on_this_machine() {
        for endpoint in ["http://127.0.0.1:12111", "http://localhost:1/", "http://[::1]:1", "https://api.stripe.com"] {
            assert!(build(endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in ["http://api.stripe.com", "http://127.0.0.1.example.com", "http://10.0.0.1"] {
            assert!(matches!(build(endpoint), Err(BuildError::PlainText)), "{endpoint}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for endpoint in ["", "api.stripe.com", "ftp://localhost", "https://key@api.stripe.com", "https://host/?a=b"] {
            assert!(matches!(build(endpoint), Err(BuildError::Endpoint)), "{endpoint}");
        }
    }

    #[test]
    fn the_client_does_not_show_the_key() {
        let client = build("https://api.stripe.com").expect("the endpoint is fine");
        assert!(!format!("{client:?}").contains("topsecret"));
    }
}
