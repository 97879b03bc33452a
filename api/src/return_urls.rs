//! Where customers may be led back to: only to the shop's own pages, so that nobody can use the API to lead customers
//! anywhere else.

use std::net::IpAddr;

use reqwest::Url;

/// The longest address that is taken, in bytes.
pub(crate) const MAX_RETURN_URL: usize = 2048;

/// The origins of the shop's pages, such as `https://shop.example`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnOrigins(Vec<String>);

/// A text that is no list of origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is https:// and a host, perhaps with a port; http:// only for this machine itself")]
pub struct NoOrigin;

impl ReturnOrigins {
    /// Reads origins with commas between them.
    pub fn parse(text: &str) -> Result<Self, NoOrigin> {
        text.split(',').map(|origin| parse_origin(origin.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// The address in its normal form, if it leads to the shop.
    pub(crate) fn check(&self, address: &str) -> Result<String, String> {
        if address.len() > MAX_RETURN_URL {
            return Err(format!("longer than {MAX_RETURN_URL} characters"));
        }
        let url =
            Url::parse(address).map_err(|_| "not an absolute URL such as https://shop.example/thanks".to_owned())?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        if is_plain && self.0.contains(&url.origin().ascii_serialization()) {
            Ok(url.into())
        } else if self.0.is_empty() {
            Err("this shop has no pages to come back to: its operator has to name their origins first".to_owned())
        } else {
            Err(format!("not a page of this shop: expected a URL on {}", self.0.join(" or ")))
        }
    }
}

fn parse_origin(text: &str) -> Result<String, NoOrigin> {
    let url = Url::parse(text).map_err(|_| NoOrigin)?;
    let is_origin = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if is_origin && is_plain && is_safe { Ok(url.origin().ascii_serialization()) } else { Err(NoOrigin) }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_https_or_on_this_machine() {
        for good in ["https://shop.example", "https://shop.example:8443/, http://localhost:3000", "http://[::1]:3000"] {
            assert!(ReturnOrigins::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "shop.example", "http://shop.example", "https://shop.example/path", "https://me@shop.example"] {
            assert_eq!(ReturnOrigins::parse(bad), Err(NoOrigin), "{bad}");
        }
    }

    #[test]
    fn customers_are_led_to_the_shop_alone() {
        let shop = ReturnOrigins::parse("https://shop.example").expect("an origin");
        assert_eq!(shop.check("https://SHOP.example:443/a?b=c").as_deref(), Ok("https://shop.example/a?b=c"));
        for elsewhere in [
            "https://shop.example.evil.example/",
            "https://evil.example/?https://shop.example",
            "https://shop.example@evil.example/",
            "https://someone@shop.example/",
            "https://shop.example:8443/",
            "http://shop.example/",
            "//shop.example/",
            "https:\\\\evil.example",
            "javascript:alert(1)",
            "/thanks",
        ] {
            assert!(shop.check(elsewhere).is_err(), "{elsewhere}");
        }
        assert!(ReturnOrigins::default().check("https://shop.example/").is_err());
    }
}
