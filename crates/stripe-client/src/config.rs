//! What a connection to Stripe needs to know.

use std::fmt;
use std::time::Duration;

/// How to reach Stripe, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// The address that `/v1/...` is appended to. Anything but a loopback address has to be `https`.
    pub endpoint: String,
    /// The key that requests are signed in with.
    pub secret_key: SecretKey,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long one request may take from start to end, unless the request brings a time-out of its own.
    pub request_timeout: Duration,
    /// How long a connection may be idle before it is closed. Stripe closes idle connections after about a minute;
    /// closing them earlier on this side avoids sending a request into a connection that is just going away.
    pub idle_timeout: Duration,
    /// How many idle connections are kept.
    pub max_idle_connections: usize,
}

impl StripeConfig {
    /// Stripe's production endpoint with time-outs that fit a checkout.
    pub fn new(secret_key: SecretKey) -> Self {
        Self {
            endpoint: "https://api.stripe.com".to_owned(),
            secret_key,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(45),
            max_idle_connections: 64,
        }
    }
}

/// A secret or restricted API key. It never shows itself: neither `Debug` nor anything else prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    /// Takes a key that starts with `sk_` or `rk_` and consists of visible ASCII characters.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidSecretKey> {
        let key = key.into();
        let known_prefix = key.starts_with("sk_") || key.starts_with("rk_");
        if known_prefix && key.len() > 3 && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key))
        } else {
            Err(InvalidSecretKey)
        }
    }

    /// Whether requests with this key move real money.
    pub fn is_live(&self) -> bool {
        self.0.starts_with("sk_live_") || self.0.starts_with("rk_live_")
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}

impl std::str::FromStr for SecretKey {
    type Err = InvalidSecretKey;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        Self::new(key)
    }
}

/// The text is not an API key. It does not say which text it was, because it may be a key with a typing error.
#[derive(Debug, thiserror::Error)]
#[error("a Stripe API key starts with sk_ or rk_ and has neither spaces nor control characters")]
pub struct InvalidSecretKey;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_show_itself() {
        let key = SecretKey::new("sk_test_topsecret").expect("the key is well formed");
        let config = StripeConfig::new(key.clone());
        assert!(!format!("{key:?} {config:?}").contains("topsecret"));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        for text in ["", "sk_", "pk_test_publishable", "sk_test_with space", "sk_test_line\n", " sk_test_1"] {
            let error = SecretKey::new(text).expect_err("this is no secret key");
            assert!(text.is_empty() || text == "sk_" || !error.to_string().contains(text));
        }
    }

    #[test]
    fn live_keys_are_told_from_test_keys() {
        let live = |text: &str| SecretKey::new(text).expect("the key is well formed").is_live();
        assert!(live("sk_live_1") && live("rk_live_1"));
        assert!(!live("sk_test_1") && !live("rk_test_1"));
    }
}
