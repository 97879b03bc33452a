//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

/// Where each proxy on the way adds the address that it was called from.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many proxies are in front of the API, each of which adds an address to `X-Forwarded-For`. What is left of
/// theirs was made up by the client, for all that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrustedProxies(pub usize);

impl TrustedProxies {
    /// Who the outermost trusted proxy was called by; `peer` is whoever has connected to this process.
    pub(super) fn client(self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let Some(index) = self.0.checked_sub(1) else { return peer };
        let forwarded = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).rev();
        // From the right, because that is where the proxies write.
        let entry = forwarded.flat_map(|value| value.rsplit(',')).nth(index);
        // A request with fewer entries went past a proxy.
        entry.and_then(|entry| address(entry.trim())).unwrap_or(peer)
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: usize, forwarded: &[&'static str]) -> String {
        let value = |text: &&'static str| (X_FORWARDED_FOR, axum::http::HeaderValue::from_static(text));
        let mut headers = HeaderMap::new();
        for (name, value) in forwarded.iter().map(value) {
            headers.append(name, value);
        }
        TrustedProxies(proxies).client(&headers, "192.0.2.1".parse().expect("an address")).to_string()
    }

    #[test]
    fn without_proxies_the_header_is_not_believed() {
        assert_eq!(client(0, &["198.51.100.1"]), "192.0.2.1");
    }

    #[test]
    fn as_many_entries_count_as_there_are_proxies() {
        let forwarded = ["203.0.113.9, 198.51.100.1", "198.51.100.2"];
        assert_eq!(client(1, &forwarded), "198.51.100.2");
        assert_eq!(client(2, &forwarded), "198.51.100.1");
        assert_eq!(client(3, &forwarded), "203.0.113.9");
        assert_eq!(client(4, &forwarded), "192.0.2.1");
    }

    #[test]
    fn what_is_no_address_is_not_believed() {
        assert_eq!(client(1, &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client(1, &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client(1, &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(client(1, &["unknown"]), "192.0.2.1");
        assert_eq!(client(1, &[]), "192.0.2.1");
    }
}
