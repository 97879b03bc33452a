//! Who asks, under which key, for what: the three things that make a repeated request recognisable.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::short_hash;
use crate::{EmailAddress, UserId};

/// Whoever sends a request; idempotency keys of different callers are independent.
///
/// It never holds personal data: a guest is known by a hash of the e-mail address, a user by the id of the account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Caller(String);

impl Caller {
    /// A customer without an account, known by the e-mail address alone.
    pub fn guest(email: &EmailAddress) -> Self {
        Self(format!("guest_{}", short_hash(&["guest", &email.normalized()])))
    }

    /// A customer with an account.
    pub fn user(id: &UserId) -> Self {
        Self(id.as_str().to_owned())
    }

    /// The account of the customer, if there is one.
    pub fn as_user(&self) -> Option<UserId> {
        self.0.parse().ok()
    }

    /// The caller as it appears in search attributes and database columns.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a customer: the id of an account (`usr_...`) or of a guest (`guest_...`)")]
pub struct InvalidCaller;

impl FromStr for Caller {
    type Err = InvalidCaller;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_guest = text.strip_prefix("guest_").is_some_and(|hash| {
            hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if is_guest || text.parse::<UserId>().is_ok() { Ok(Self(text.to_owned())) } else { Err(InvalidCaller) }
    }
}

/// The client's name for one attempt to do something (the `Idempotency-Key` header).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

/// A key outside what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 8 to 255 visible ASCII characters; a random UUID is a good one")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The key as the client sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = InvalidIdempotencyKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if (8..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0
    }
}

/// What a request asked for, so that a key sent again with another body is noticed.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a request in a canonical form: equal requests give equal texts.
    pub fn of(canonical: &str) -> Self {
        Self(short_hash(&["request", canonical]))
    }

    /// The fingerprint as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bounded_and_visible() {
        assert!("12345678".parse::<IdempotencyKey>().is_ok());
        for key in ["", "1234567", "with space", "line\nbreak", "ümlaut-key"] {
            assert_eq!(key.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey), "{key}");
        }
        assert!("k".repeat(256).parse::<IdempotencyKey>().is_err());
    }

    #[test]
    fn callers_parse_back() {
        let guest = Caller::guest(&"someone@example.com".parse().unwrap());
        let user = Caller::user(&UserId::of_subject("ada").unwrap());
        for caller in [guest, user] {
            assert_eq!(caller.as_str().parse(), Ok(caller));
        }
        for text in ["", "guest_", "guest_someone@example.com", "ada", "ord_1", "usr_"] {
            assert_eq!(text.parse::<Caller>(), Err(InvalidCaller), "{text}");
        }
    }

    #[test]
    fn a_guest_is_known_without_the_address() {
        let caller = Caller::guest(&"someone@example.com".parse().unwrap());
        assert!(!caller.as_str().contains("someone"));
    }
}
