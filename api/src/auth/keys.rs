//! The public keys of the issuer of access tokens.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::problem::Chain;

/// How long a request for the keys may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How old keys get before they are fetched anew, so that those which the issuer has withdrawn end.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyError {
    /// The issuer has no key with this id.
    Unknown,
    /// The issuer's keys have never been fetched, and cannot be now.
    Unavailable,
}

/// Why the keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the keys of access tokens could not be fetched")]
    Request(#[from] reqwest::Error),
    #[error("the issuer of access tokens has no RSA key for signatures")]
    Empty,
}

/// The issuer's keys, kept until they are replaced: while the issuer is down, tokens go on being checked.
#[derive(Debug)]
pub(super) struct Keys {
    url: String,
    client: reqwest::Client,
    /// The shortest time between two requests to the issuer.
    interval: Duration,
    known: RwLock<Option<Known>>,
    /// When the issuer was asked last. Held while it is asked, so that requests wait for one answer.
    asked: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone)]
struct Known {
    by_id: Arc<HashMap<String, Arc<DecodingKey>>>,
    fetched: Instant,
}

impl Keys {
    pub(super) fn new(url: String, interval: Duration) -> Self {
        // A redirect could lead to keys of somebody else.
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("the client is configured with constants only");
        Self { url, client, interval, known: RwLock::new(None), asked: Mutex::new(None) }
    }

    /// The key with this id. One that is not known may be new, so the issuer is asked, but not too often.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<DecodingKey>, KeyError> {
        if let Some(key) = self.fresh(id) {
            return Ok(key);
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have asked in the meantime.
        if let Some(key) = self.fresh(id) {
            return Ok(key);
        }
        if asked.is_none_or(|at| at.elapsed() >= self.interval) {
            let result = self.fetch().await;
            *asked = Some(Instant::now());
            match result {
                Ok(known) => *self.known.write().expect("nothing panics with the lock") = Some(known),
                Err(error) => tracing::warn!(error = %Chain(&error), "keeping the keys of access tokens as they are"),
            }
        }
        drop(asked);
        let known = self.known().ok_or(KeyError::Unavailable)?;
        known.by_id.get(id).cloned().ok_or(KeyError::Unknown)
    }

    fn fresh(&self, id: &str) -> Option<Arc<DecodingKey>> {
        let known = self.known()?;
        if known.fetched.elapsed() < MAX_AGE { known.by_id.get(id).cloned() } else { None }
    }

    fn known(&self) -> Option<Known> {
        self.known.read().expect("nothing panics with the lock").clone()
    }

    async fn fetch(&self) -> Result<Known, FetchError> {
        #[derive(Deserialize)]
        struct Set {
            /// Read one by one: a key of a kind that is not known here is no reason to do without the others.
            keys: Vec<serde_json::Value>,
        }

        let set: Set = self.client.get(&self.url).send().await?.error_for_status()?.json().await?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let by_id: HashMap<_, _> = keys.filter_map(signature_key).collect();
        if by_id.is_empty() {
            return Err(FetchError::Empty);
        }
        Ok(Known { by_id: Arc::new(by_id), fetched: Instant::now() })
    }
}

/// The id and the key, if it is one that RS256 signatures are checked with.
fn signature_key(jwk: Jwk) -> Option<(String, Arc<DecodingKey>)> {
    let is_for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let is_for_rs256 = matches!(jwk.common.key_algorithm, None | Some(KeyAlgorithm::RS256));
    let is_rsa = matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
    if !(is_for_signatures && is_for_rs256 && is_rsa) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some((jwk.common.key_id?, Arc::new(key)))
}
