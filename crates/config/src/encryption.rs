//! What payloads are encrypted with.

use kassa_codec::{Codec, PayloadKeys};

use crate::{ConfigError, Settings};

/// Reads `KASSA_PAYLOAD_KEYS`; without it nothing is encrypted.
pub fn codec(settings: &Settings<'_>) -> Result<Codec, ConfigError> {
    let name = "KASSA_PAYLOAD_KEYS";
    let keys = settings.text(name)?.map(|text| PayloadKeys::parse(&text)).transpose().map_err(|error| {
        ConfigError::invalid(
            name,
            format!(
                "id:key pairs with commas between them, such as 2026-11:<32 bytes in base64, as `openssl rand -base64 32` \
                 makes them>; the first encrypts; {error}"
            ),
        )
    })?;
    Ok(Codec::new(keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_nothing_is_encrypted() {
        assert!(!codec(&Settings::from_pairs([])).unwrap().encrypts());
        let keys = "a:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
        assert!(codec(&Settings::from_pairs([("KASSA_PAYLOAD_KEYS", keys)])).unwrap().encrypts());
    }

    #[test]
    fn a_wrong_key_is_explained_without_being_shown() {
        for keys in ["c2VjcmV0", "a:c2VjcmV0", "secret c2VjcmV0:x"] {
            let message = codec(&Settings::from_pairs([("KASSA_PAYLOAD_KEYS", keys)])).unwrap_err().to_string();
            assert!(message.starts_with("KASSA_PAYLOAD_KEYS") && message.contains("openssl rand"), "{message}");
            assert!(message.contains("key number 1") && !message.contains("c2VjcmV0"), "{message}");
        }
    }
}
