//! The form of a sealed payload, which is that of Temporal's own samples: the whole payload, its metadata included, as bytes
//! of its protobuf form, encrypted; in front of it the nonce, behind it the tag.
//!
//! Encoding and key id stay readable. They are bound to what is sealed as associated data, so that nobody can change them.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use prost::Message as _;
use temporalio_common::protos::temporal::api::common::v1::Payload;

use crate::keys::{KeyId, PayloadKeys};

/// The metadata of a payload that names its encoding.
const ENCODING: &str = "encoding";

/// The encoding of a sealed payload.
pub const ENCRYPTED: &str = "binary/encrypted";

/// The metadata of a sealed payload that names its key.
pub const ENCRYPTION_KEY_ID: &str = "encryption-key-id";

/// Why a sealed payload cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It names a key that is not configured.
    #[error("the payload is encrypted with the key {0}, which is not among the configured payload keys")]
    UnknownKey(KeyId),
    /// It names no key, or something that cannot be the name of one.
    #[error("the payload is encrypted and does not name its key")]
    NoKey,
    /// It is not what was sealed with the key that it names.
    #[error("the payload is not what was encrypted with the key {0}: it was changed, or that key was another one then")]
    Changed(KeyId),
}

/// Whether a payload is sealed.
pub(crate) fn is_sealed(payload: &Payload) -> bool {
    payload.metadata.get(ENCODING).is_some_and(|encoding| encoding == ENCRYPTED.as_bytes())
}

/// Seals a payload with the active key.
pub(crate) fn seal(keys: &PayloadKeys, payload: &Payload) -> Payload {
    let (id, key) = keys.active();
    let mut sealed = payload.encode_to_vec();
    let nonce = key
        .seal_in_place_append_tag(associated(id), &mut sealed)
        .expect("encryption fails only for more bytes than a message can have");
    let mut data = Vec::with_capacity(NONCE_LEN + sealed.len());
    data.extend_from_slice(nonce.as_ref());
    data.append(&mut sealed);
    let metadata = [(ENCODING, ENCRYPTED), (ENCRYPTION_KEY_ID, id.as_str())];
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    Payload { metadata: metadata.into(), data, ..Payload::default() }
}

/// Opens a sealed payload.
pub(crate) fn open(keys: Option<&PayloadKeys>, payload: &Payload) -> Result<Payload, Unreadable> {
    let id = payload.metadata.get(ENCRYPTION_KEY_ID).and_then(|id| std::str::from_utf8(id).ok());
    let id: KeyId = id.and_then(|id| id.parse().ok()).ok_or(Unreadable::NoKey)?;
    let Some(key) = keys.and_then(|keys| keys.find(&id)) else { return Err(Unreadable::UnknownKey(id)) };
    let opened = payload.data.split_at_checked(NONCE_LEN).and_then(|(nonce, sealed)| {
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let clear = key.open_in_place(nonce, associated(&id), &mut sealed).ok()?;
        Payload::decode(&*clear).ok()
    });
    opened.ok_or(Unreadable::Changed(id))
}

/// What is bound to a sealed payload without being hidden. A zero byte, which no key id holds, keeps the parts apart.
fn associated(id: &KeyId) -> Aad<Vec<u8>> {
    Aad::from([ENCRYPTED.as_bytes(), id.as_str().as_bytes()].join(&0))
}
