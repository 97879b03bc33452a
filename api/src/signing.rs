//! Signatures under what the API hands out to guests, so that it recognises its own hand later without having stored
//! anything.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The fewest bytes of a signing key: as many as the hash has (RFC 2104, section 3).
pub const MIN_SIGNING_KEY_LENGTH: usize = 32;

/// A key that is too short to be safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key has at least {MIN_SIGNING_KEY_LENGTH} characters")]
pub struct WeakSigningKey;

/// What a signature is for. A signature for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The cart of a guest.
    GuestCart,
    /// Reading, and deciding about, the order of a guest.
    GuestOrder,
    /// What requests are counted under; nobody is handed these.
    RateLimit,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::GuestCart => "guest-cart",
            Self::GuestOrder => "guest-order",
            Self::RateLimit => "rate-limit",
        }
    }
}

/// Signs and checks. Cloning is cheap.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// Signs with this key.
    pub fn new(key: &str) -> Result<Self, WeakSigningKey> {
        if key.len() < MIN_SIGNING_KEY_LENGTH {
            return Err(WeakSigningKey);
        }
        Ok(Self(Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of every length")))
    }

    /// The signature under a text, in URL-safe base64.
    pub fn sign(&self, purpose: Purpose, text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.mac(purpose, text).finalize().into_bytes())
    }

    /// Whether the signature is ours. Takes the same time wherever it is wrong.
    pub fn verify(&self, purpose: Purpose, text: &str, signature: &str) -> bool {
        BASE64_URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|signature| self.mac(purpose, text).verify_slice(&signature).is_ok())
    }

    fn mac(&self, purpose: Purpose, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(purpose.as_str().as_bytes());
        // No purpose contains it, so no two pairs of purpose and text are the same bytes.
        mac.update(b"\0");
        mac.update(text.as_bytes());
        mac
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_purpose_and_text_match() {
        let signer = Signer::new(&"k".repeat(32)).expect("long enough");
        let signature = signer.sign(Purpose::GuestCart, "cart_1");
        assert!(signer.verify(Purpose::GuestCart, "cart_1", &signature));
        assert!(!signer.verify(Purpose::GuestOrder, "cart_1", &signature));
        assert!(!signer.verify(Purpose::GuestCart, "cart_2", &signature));
        assert!(!signer.verify(Purpose::GuestCart, "cart_1", ""));
        assert!(!signer.verify(Purpose::GuestCart, "cart_1", "not base64!"));
        let other = Signer::new(&"l".repeat(32)).expect("long enough");
        assert!(!other.verify(Purpose::GuestCart, "cart_1", &signature));
    }

    #[test]
    fn short_keys_are_refused() {
        assert!(Signer::new(&"k".repeat(31)).is_err());
    }
}
