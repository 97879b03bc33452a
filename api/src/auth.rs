//! The configured key that protects administrative calls.

use std::fmt;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use kassa_domain::UserId;
use sha2::{Digest, Sha256};

use crate::problem::{Problem, ProblemCode};

/// The fewest characters of an admin key.
pub const MIN_ADMIN_KEY_LENGTH: usize = 16;

/// The admin key. Only its SHA-256 is kept: comparing digests takes the same time wherever a guess goes wrong, in
/// every way that an attacker could steer, and a dump of memory or logs does not contain the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AdminKey([u8; 32]);

/// A key that is too easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an admin key has at least {MIN_ADMIN_KEY_LENGTH} visible ASCII characters and no spaces")]
pub struct WeakAdminKey;

impl AdminKey {
    /// The key, if it is long enough and can be sent in a header.
    pub fn new(key: &str) -> Result<Self, WeakAdminKey> {
        if key.len() >= MIN_ADMIN_KEY_LENGTH && key.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self::digest(key.as_bytes()))
        } else {
            Err(WeakAdminKey)
        }
    }

    fn digest(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    fn matches(self, candidate: &[u8]) -> bool {
        Self::digest(candidate) == self
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(..)")
    }
}

/// Somebody with an account, as a valid access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedIn {
    /// The account.
    pub(crate) user: UserId,
    /// Whether the account belongs to the administrators.
    pub(crate) admin: bool,
}

/// Whoever sends the request: somebody with an account, or a guest. Credentials that are there have to be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor(pub(crate) Option<SignedIn>);

/// Proof that an administrator sends the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admin {
    /// Who it is.
    pub(crate) by: UserId,
}

impl<S> FromRequestParts<S> for Visitor
where
    AdminKey: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(AUTHORIZATION) else { return Ok(Self(None)) };
        let key = AdminKey::from_ref(state);
        if bearer(value.as_bytes()).is_some_and(|candidate| key.matches(candidate)) {
            let user = UserId::of_subject("admin-key").expect("an id");
            return Ok(Self(Some(SignedIn { user, admin: true })));
        }
        Err(unauthorized())
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    AdminKey: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Visitor(signed_in) = Visitor::from_request_parts(parts, state).await?;
        signed_in.ok_or_else(unauthorized)
    }
}

impl<S> FromRequestParts<S> for Admin
where
    AdminKey: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let SignedIn { user, admin } = SignedIn::from_request_parts(parts, state).await?;
        if admin {
            return Ok(Self { by: user });
        }
        Err(Problem::new(ProblemCode::Forbidden, "This is for administrators."))
    }
}

fn unauthorized() -> Problem {
    Problem::new(ProblemCode::Unauthorized, "Send a valid access token as `Authorization: Bearer <token>`.")
        .challenge(r#"Bearer realm="kassa""#)
}

/// The token of a bearer credential (RFC 6750, section 2.1; the scheme is case-insensitive, RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_unsendable_keys_are_refused() {
        for key in ["", "short", "fifteen-letters", "with a space in between", "ümlaut-ümlaut-ümlaut"] {
            assert_eq!(AdminKey::new(key), Err(WeakAdminKey), "{key}");
        }
    }

    #[test]
    fn only_the_whole_key_matches() {
        let key = AdminKey::new("a-key-of-some-length").expect("long enough");
        assert!(key.matches(b"a-key-of-some-length"));
        for other in ["", "a-key-of-some-lengt", "a-key-of-some-length1", "A-key-of-some-length"] {
            assert!(!key.matches(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", AdminKey::new("a-key-of-some-length")), "Ok(AdminKey(..))");
    }
}
