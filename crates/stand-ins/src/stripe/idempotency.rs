//! Idempotency keys, as Stripe documents them.
//!
//! The first answer to a key is saved once the operation has begun, whatever it is, and repeated for 24 hours. Requests that
//! fail before that, by their parameters or because another one with the same key is under way, leave nothing behind.

use serde::{Deserialize, Serialize};

use super::errors::ApiError;
use super::state::{Record, State};

const KEPT_SECONDS: i64 = 24 * 60 * 60;
const MAX_KEY_LENGTH: usize = 255;

/// The key of a request, and what it must always be used with.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The key within the account that sent it.
    pub(crate) scoped: String,
    text: String,
    path: String,
    fingerprint: String,
}

impl Key {
    pub(crate) fn new(text: &str, account: &str, path: &str, fingerprint: String) -> Result<Self, ApiError> {
        if text.is_empty() {
            return Err(ApiError::invalid("You passed an empty string as the Idempotency-Key."));
        }
        if text.chars().count() > MAX_KEY_LENGTH {
            let message = format!("Idempotency keys are limited to {MAX_KEY_LENGTH} characters.");
            return Err(ApiError::invalid(message));
        }
        Ok(Self { scoped: format!("{account}|{text}"), text: text.to_owned(), path: path.to_owned(), fingerprint })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The saved answer, if there is one and it is for the same request.
    pub(crate) fn replay(&self, state: &State, now: i64) -> Result<Option<SavedAnswer>, ApiError> {
        let Some(saved) = state.saved_answers.get(&self.scoped) else { return Ok(None) };
        if now - saved.created >= KEPT_SECONDS {
            return Ok(None);
        }
        if saved.path != self.path {
            return Err(ApiError::idempotency_mismatch(format!(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{}' vs \
                 '{}'). Try using a key other than '{}' if you meant to execute a different request.",
                self.path, saved.path, self.text
            )));
        }
        if saved.fingerprint != self.fingerprint {
            return Err(ApiError::idempotency_mismatch(format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using \
                 a key other than '{}' if you meant to execute a different request.",
                self.text
            )));
        }
        Ok(Some(saved.clone()))
    }

    /// Keeps the answer for the next requests with the key.
    pub(crate) fn save(&self, state: &mut State, now: i64, request_id: &str, status: u16, body: &str) {
        state.saved_answers.insert(SavedAnswer {
            key: self.scoped.clone(),
            path: self.path.clone(),
            fingerprint: self.fingerprint.clone(),
            created: now,
            request_id: request_id.to_owned(),
            status,
            body: body.to_owned(),
        });
    }
}

/// The first answer to a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SavedAnswer {
    key: String,
    path: String,
    fingerprint: String,
    created: i64,
    /// The request that was answered first.
    pub(crate) request_id: String,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Record for SavedAnswer {
    const KIND: &'static str = "saved_answer";

    fn id(&self) -> &str {
        &self.key
    }
}
