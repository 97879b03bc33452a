//! The HTTP client for local servers.

use std::time::Duration;

/// How long a connection is kept for the next request. The API closes idle connections after 30 seconds, and a request that
/// is sent at that very moment fails.
const IDLE_CONNECTION: Duration = Duration::from_secs(10);

/// A client that talks to loopback directly, whatever proxy the machine is configured for.
///
/// # Panics
///
/// When the TLS library cannot be initialised, which does not depend on anything at run time.
#[must_use]
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .pool_idle_timeout(IDLE_CONNECTION)
        .build()
        .expect("the HTTP client is configured with constants only")
}

/// The URL of a server on the loopback interface.
#[must_use]
pub fn loopback(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
