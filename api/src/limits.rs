//! Limits on requests that guess, that send mail, or that try cards: so many by one caller and so many by one address
//! within a span of time, counted by all API processes together.
//!
//! When the counters cannot be reached, requests are let through: a shop that takes no orders because it cannot count
//! them would be worse off, and whatever is behind these routes has limits of its own.

mod address;
mod settings;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kassa_store::RateLimits;
use moka::future::Cache;
use time::OffsetDateTime;

pub use address::TrustedProxies;
pub use settings::{InvalidLimit, Limit, LimitSettings};

use crate::problem::{Chain, Problem, ProblemCode};
use crate::signing::{Purpose, Signer};
use crate::state::AppState;

/// How long the counters may take to answer before a request is let through.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many used up limits one process remembers.
const REMEMBERED: u64 = 100_000;

/// What is left of a limit (draft-ietf-httpapi-ratelimit-headers).
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What the limit is (draft-ietf-httpapi-ratelimit-headers).
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Making accounts.
    Register,
    /// Guessing passwords.
    Login,
    /// Guessing the codes that are mailed.
    Code,
    /// Having codes mailed to somebody.
    Mail,
    /// Trading refresh tokens in.
    Refresh,
    /// Trying cards, and holding stock.
    Checkout,
    /// Trying other cards.
    Payment,
}

/// The routes with limits; all of them are posted to.
const ROUTES: [(&str, Action); 9] = [
    ("/api/users/register", Action::Register),
    ("/api/users/login", Action::Login),
    ("/api/users/confirm", Action::Code),
    ("/api/users/reset-password", Action::Code),
    ("/api/users/resend-code", Action::Mail),
    ("/api/users/forgotten-password", Action::Mail),
    ("/api/users/refresh", Action::Refresh),
    ("/api/checkout", Action::Checkout),
    ("/api/orders/{id}/payment", Action::Payment),
];

impl Action {
    /// What is limited on a route.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        ROUTES.iter().find(|(route, _)| *route == path).map(|(_, action)| *action)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Login => "login",
            Self::Code => "code",
            Self::Mail => "mail",
            Self::Refresh => "refresh",
            Self::Checkout => "checkout",
            Self::Payment => "payment",
        }
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    Caller,
    Address,
}

impl Party {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Address => "address",
        }
    }
}

/// Counts requests and refuses those beyond the limits. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Limits {
    counters: RateLimits,
    signer: Signer,
    settings: LimitSettings,
    /// The counters that are used up, so that a flood of refused requests is not a flood of writes to one row, which
    /// the store would refuse in turn.
    used_up: Cache<String, ()>,
}

/// A limit, and how much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quota {
    action: Action,
    party: Party,
    allowed: u32,
    span: Duration,
    left: u64,
    /// Seconds until counting starts anew.
    resets_in: u64,
}

impl Limits {
    /// Counts there, under keys that only this signer can derive: addresses and callers cannot be read off the store.
    pub fn new(counters: RateLimits, signer: Signer, settings: LimitSettings) -> Self {
        let longest = settings.longest_span();
        Self {
            counters,
            signer,
            settings,
            used_up: Cache::builder().max_capacity(REMEMBERED).time_to_live(longest).build(),
        }
    }

    /// Counts one request of a caller, whatever address it comes from. `caller` is what tells callers apart on this
    /// route, such as an account or an e-mail address.
    pub(crate) async fn by_caller(&self, action: Action, caller: &str) -> Result<(), Problem> {
        self.count(action, Party::Caller, caller).await.map(drop)
    }

    /// Counts one request; nothing is known about what is left when the counters cannot be reached.
    async fn count(&self, action: Action, party: Party, who: &str) -> Result<Option<Quota>, Problem> {
        let limit = self.settings.of(action);
        let (now, span) = (OffsetDateTime::now_utc(), limit.span.as_secs());
        let seconds = now.unix_timestamp().unsigned_abs();
        let (number, resets_in) = (seconds / span, span - seconds % span);
        let text = format!("{}\0{}\0{span}\0{number}\0{who}", action.as_str(), party.as_str());
        let id = self.signer.sign(Purpose::RateLimit, &text);
        let allowed = match party {
            Party::Caller => limit.by_caller,
            Party::Address => limit.by_address,
        };
        let mut quota = Quota { action, party, allowed, span: limit.span, left: 0, resets_in };
        if self.used_up.contains_key(&id) {
            return Err(quota.exceeded());
        }
        let expires_at = now + Duration::from_secs(resets_in);
        let counted = match tokio::time::timeout(PATIENCE, self.counters.count(&id, expires_at)).await {
            Ok(Ok(counted)) => counted,
            Ok(Err(error)) => {
                tracing::warn!(error = %Chain(&error), "a request is not limited: it could not be counted");
                return Ok(None);
            }
            Err(_) => {
                tracing::warn!("a request is not limited: counting it took too long");
                return Ok(None);
            }
        };
        if counted > u64::from(allowed) {
            self.used_up.insert(id, ()).await;
            return Err(quota.exceeded());
        }
        quota.left = u64::from(allowed) - counted;
        Ok(Some(quota))
    }
}

impl Quota {
    fn exceeded(&self) -> Problem {
        let Self { allowed, span, resets_in, .. } = self;
        let mut problem = Problem::new(
            ProblemCode::RateLimited,
            format!(
                "At most {allowed} such requests within {} seconds; try again in {resets_in} seconds.",
                span.as_secs()
            ),
        )
        .retry_after(Duration::from_secs(*resets_in));
        for (name, value) in self.headers() {
            problem = problem.header(name, value);
        }
        problem
    }

    fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let value = |text: String| HeaderValue::try_from(text).expect("names and numbers are ASCII");
        [
            (RATELIMIT_POLICY, value(format!("{self};q={};w={}", self.allowed, self.span.as_secs()))),
            (RATELIMIT, value(format!("{self};r={};t={}", self.left, self.resets_in))),
        ]
    }
}

/// The name of the policy: a string of structured fields (RFC 9651).
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}-by-{}\"", self.action.as_str(), self.party.as_str())
    }
}

/// Refuses requests to routes with limits beyond what is allowed to one address.
pub(crate) async fn limit_address(state: &AppState, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let Some(action) = Action::of(request.method(), path) else { return next.run(request).await };
    // Counting is a future of many kilobytes, which only those who are counted are to carry.
    Box::pin(count_address(state, action, request, next)).await
}

async fn count_address(state: &AppState, action: Action, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<std::net::SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let client =
        peer.map_or_else(|| "unknown".to_owned(), |peer| network(state.proxies.client(request.headers(), peer)));
    match state.limits.count(action, Party::Address, &client).await {
        Err(problem) => problem.into_response(),
        Ok(None) => next.run(request).await,
        Ok(Some(quota)) => {
            let mut response = next.run(request).await;
            say(quota, response.headers_mut());
            response
        }
    }
}

/// Says what is left, unless the handler said that another limit was exceeded.
fn say(quota: Quota, headers: &mut HeaderMap) {
    for (name, value) in quota.headers() {
        headers.entry(name).or_insert(value);
    }
}

/// What one client can choose freely from counts as one address: of IPv6 that is a network of 64 bits.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_posts_to_the_listed_routes_are_limited() {
        assert_eq!(Action::of(&Method::POST, "/api/checkout"), Some(Action::Checkout));
        assert_eq!(Action::of(&Method::POST, "/api/orders/{id}/payment"), Some(Action::Payment));
        assert_eq!(Action::of(&Method::GET, "/api/checkout"), None);
        assert_eq!(Action::of(&Method::POST, "/api/products"), None);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let network = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn headers_are_structured_fields() {
        let quota = Quota {
            action: Action::Login,
            party: Party::Address,
            allowed: 50,
            span: Duration::from_mins(1),
            left: 49,
            resets_in: 30,
        };
        let [(_, policy), (_, left)] = quota.headers();
        assert_eq!(policy, "\"login-by-address\";q=50;w=60");
        assert_eq!(left, "\"login-by-address\";r=49;t=30");
    }
}
