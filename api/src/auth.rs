//! Who sends a request: what a bearer token says once it has been checked.

mod keys;
mod tokens;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use kassa_domain::UserId;

use crate::problem::{Problem, ProblemCode};

pub use tokens::{AccessTokens, TokenConfig};

use tokens::TokenError;

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

/// Somebody with an account, with the token that says so, for what Cognito wants to see itself.
pub(crate) struct Session {
    /// Who it is.
    pub(crate) signed_in: SignedIn,
    /// The access token.
    pub(crate) token: String,
}

/// Proof that an administrator sends the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admin {
    /// Who it is.
    pub(crate) by: UserId,
}

impl<S> FromRequestParts<S> for Visitor
where
    AccessTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Some(token) = bearer_token(parts)? else { return Ok(Self(None)) };
        let checked = AccessTokens::from_ref(state).check(token).await;
        checked.map(|signed_in| Self(Some(signed_in))).map_err(|error| match error {
            TokenError::Invalid => unauthorized(),
            TokenError::NoKeys => Problem::temporarily_unavailable(),
        })
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    AccessTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Visitor(signed_in) = Visitor::from_request_parts(parts, state).await?;
        signed_in.ok_or_else(unauthorized)
    }
}

impl<S> FromRequestParts<S> for Session
where
    AccessTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let token = bearer_token(parts)?.ok_or_else(unauthorized)?.to_owned();
        Ok(Self { signed_in, token })
    }
}

impl<S> OptionalFromRequestParts<S> for Session
where
    AccessTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        match bearer_token(parts)? {
            Some(_) => <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some),
            None => Ok(None),
        }
    }
}

impl<S> FromRequestParts<S> for Admin
where
    AccessTokens: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Self::of(&AccessTokens::from_ref(state), parts, None).await
    }
}

impl Admin {
    /// Who sends the request, if it is an administrator; also with a token that was made for another app client.
    pub(crate) async fn of(tokens: &AccessTokens, parts: &Parts, other_client: Option<&str>) -> Result<Self, Problem> {
        let token = bearer_token(parts)?.ok_or_else(unauthorized)?;
        match tokens.check_of(token, other_client).await {
            Ok(SignedIn { user, admin: true }) => Ok(Self { by: user }),
            Ok(_) => Err(Problem::new(ProblemCode::Forbidden, "This is for administrators.")),
            Err(TokenError::Invalid) => Err(unauthorized()),
            Err(TokenError::NoKeys) => Err(Problem::temporarily_unavailable()),
        }
    }
}

/// What is answered to whoever shows no access token, or none that is worth anything; never why.
pub(crate) fn unauthorized() -> Problem {
    Problem::new(ProblemCode::Unauthorized, "Send a valid access token as `Authorization: Bearer <token>`.")
        .challenge(r#"Bearer realm="kassa""#)
}

/// The token of the request, if it shows credentials. Two of them are as good as none that is valid.
fn bearer_token(parts: &Parts) -> Result<Option<&str>, Problem> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(bearer).map(Some).ok_or_else(unauthorized),
        (Some(_), Some(_)) => Err(unauthorized()),
    }
}

/// The token of a bearer credential (RFC 6750, section 2.1; the scheme is case-insensitive, RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case("Bearer ").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_credentials_hold_a_token() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c"] {
            assert_eq!(bearer(value), Some("a.b.c"), "{value}");
        }
        for value in ["", "Bearer", "Basic YTpi", "Bearera.b.c", "Bearé r"] {
            assert_eq!(bearer(value), None, "{value}");
        }
    }
}
