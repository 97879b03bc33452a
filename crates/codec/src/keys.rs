//! The keys that payloads are sealed with.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The longest id of a key.
pub const MAX_KEY_ID_LENGTH: usize = 64;

/// The length of a key in bytes.
const KEY_LENGTH: usize = 32;

/// The name of a key, which goes with every payload that is sealed with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let valid = (1..=MAX_KEY_ID_LENGTH).contains(&text.len()) && text.bytes().all(allowed);
        if valid { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

/// Why a list of keys cannot be used. Nothing of the list is repeated: it is a secret, and where an id is missing, the key
/// stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// There is none.
    #[error("there is no key")]
    Empty,
    /// An entry has no id, or one that is not allowed.
    #[error("key number {0} has no valid id in front of its colon")]
    Id(usize),
    /// An entry has no key, or one of another length.
    #[error("key number {0} is not 32 bytes in base64")]
    Key(usize),
    /// Two entries have one id, so that it would not say which of them is meant.
    #[error("key number {0} has the id of one before it")]
    Twice(usize),
}

/// One key that seals, and others that still open what was sealed with them. Cloning is cheap.
#[derive(Clone)]
pub struct PayloadKeys(Arc<Vec<(KeyId, RandomizedNonceKey)>>);

impl PayloadKeys {
    /// Reads `id:key` pairs with commas between them, each key 32 bytes in base64. The first one seals.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let mut keys: Vec<(KeyId, RandomizedNonceKey)> = Vec::new();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        for (number, entry) in (1..).zip(entries) {
            let (id, key) = entry.split_once(':').ok_or(InvalidKeys::Id(number))?;
            let id: KeyId = id.parse().map_err(|()| InvalidKeys::Id(number))?;
            if keys.iter().any(|(other, _)| *other == id) {
                return Err(InvalidKeys::Twice(number));
            }
            let key = BASE64_STANDARD.decode(key).map_err(|_| InvalidKeys::Key(number))?;
            if key.len() != KEY_LENGTH {
                return Err(InvalidKeys::Key(number));
            }
            let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| InvalidKeys::Key(number))?;
            keys.push((id, key));
        }
        if keys.is_empty() { Err(InvalidKeys::Empty) } else { Ok(Self(Arc::new(keys))) }
    }

    /// The key that seals.
    pub(crate) fn active(&self) -> (&KeyId, &RandomizedNonceKey) {
        let (id, key) = self.0.first().expect("reading the keys has found one");
        (id, key)
    }

    /// A key by its id.
    pub(crate) fn find(&self, id: &KeyId) -> Option<&RandomizedNonceKey> {
        self.0.iter().find(|(other, _)| other == id).map(|(_, key)| key)
    }

    /// The ids of all keys; the first of them seals.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.0.iter().map(|(id, _)| id)
    }
}

impl fmt::Debug for PayloadKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids().map(KeyId::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

    #[test]
    fn the_first_key_seals() {
        let keys = PayloadKeys::parse(&format!("new:{KEY}, old:{KEY},")).expect("valid");
        assert_eq!(keys.active().0.as_str(), "new");
        assert_eq!(keys.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["new", "old"]);
    }

    #[test]
    fn mistakes_are_named_by_their_place() {
        let short = "QUFBQQ==";
        for (text, error) in [
            (String::new(), InvalidKeys::Empty),
            (" , ".to_owned(), InvalidKeys::Empty),
            (KEY.to_owned(), InvalidKeys::Id(1)),
            (format!(":{KEY}"), InvalidKeys::Id(1)),
            (format!("a b:{KEY}"), InvalidKeys::Id(1)),
            (format!("{}:{KEY}", "a".repeat(65)), InvalidKeys::Id(1)),
            (format!("a:{KEY},b:{short}"), InvalidKeys::Key(2)),
            (format!("a:{KEY},b:"), InvalidKeys::Key(2)),
            ("a:not base64".to_owned(), InvalidKeys::Key(1)),
            (format!("a:{KEY},a:{KEY}"), InvalidKeys::Twice(2)),
        ] {
            assert_eq!(PayloadKeys::parse(&text).expect_err(&text), error);
        }
    }

    #[test]
    fn keys_are_never_shown() {
        let keys = PayloadKeys::parse(&format!("2026-11:{KEY}")).expect("valid");
        assert_eq!(format!("{keys:?}"), r#"["2026-11"]"#);
    }
}
