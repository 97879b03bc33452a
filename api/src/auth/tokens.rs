//! Access tokens of Amazon Cognito, checked without asking anybody but for the issuer's keys.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use kassa_domain::UserId;
use serde::Deserialize;

use super::SignedIn;
use super::keys::{KeyError, Keys};

/// How far the clocks of the issuer and of this machine may be apart, in seconds.
const LEEWAY: u64 = 10;

/// The longest token that is looked at. Those of Cognito have about 1 KiB, and more with many groups.
const MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// Which access tokens are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenConfig {
    /// `KASSA_TOKEN_ISSUER`: the issuer that tokens have to name.
    pub issuer: String,
    /// `KASSA_TOKEN_KEYS_URL`: where the issuer's public keys are, as a JSON Web Key Set.
    pub keys_url: String,
    /// `KASSA_COGNITO_CLIENT_ID`: the app client that tokens have to be for.
    pub client_id: String,
    /// `KASSA_ADMIN_GROUP`: the Cognito group of the administrators.
    pub admin_group: String,
    /// The shortest time between two requests for the keys, so that tokens with made-up key ids cannot hammer the
    /// issuer.
    pub keys_interval: Duration,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It is not valid; whoever sent it does not learn why.
    Invalid,
    /// It cannot be told: the issuer's keys were never fetched.
    NoKeys,
}

/// Checks access tokens. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct AccessTokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Keys,
    validation: Validation,
    client_id: String,
    admin_group: String,
}

/// What is read from a token beside the registered claims. Unlike ID tokens, access tokens name the app client in
/// `client_id` and have no `aud`.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    token_use: String,
    client_id: String,
    #[serde(rename = "cognito:groups", default)]
    groups: Vec<String>,
}

impl AccessTokens {
    /// Checks tokens as configured. No key is fetched yet.
    pub fn new(config: TokenConfig) -> Self {
        let TokenConfig { issuer, keys_url, client_id, admin_group, keys_interval } = config;
        // The algorithm is ours to choose, never the token's.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        Self(Arc::new(Inner { keys: Keys::new(keys_url, keys_interval), validation, client_id, admin_group }))
    }

    /// Who the token belongs to.
    ///
    /// The header of a token chooses among the issuer's keys by `kid` and nothing else: keys that it brings along or
    /// points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
    pub(crate) async fn check(&self, token: &str) -> Result<SignedIn, TokenError> {
        self.check_of(token, None).await
    }

    /// The same for a token that may be of another app client, too.
    pub(crate) async fn check_of(&self, token: &str, other_client: Option<&str>) -> Result<SignedIn, TokenError> {
        let Inner { keys, validation, client_id, admin_group } = &*self.0;
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::Invalid);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        // Extensions that have to be understood (`crit`) are not (RFC 7515, section 4.1.11).
        if header.alg != Algorithm::RS256 || header.crit.is_some() {
            return Err(TokenError::Invalid);
        }
        let key = keys.find(&header.kid.ok_or(TokenError::Invalid)?).await.map_err(|error| match error {
            KeyError::Unknown => TokenError::Invalid,
            KeyError::Unavailable => TokenError::NoKeys,
        })?;
        let claims = decode::<Claims>(token, &key, validation).map_err(|_| TokenError::Invalid)?.claims;
        let is_ours = claims.client_id == *client_id || other_client == Some(claims.client_id.as_str());
        if claims.token_use != "access" || !is_ours {
            return Err(TokenError::Invalid);
        }
        let user = UserId::of_subject(&claims.sub).map_err(|_| TokenError::Invalid)?;
        Ok(SignedIn { user, admin: claims.groups.contains(admin_group) })
    }
}
