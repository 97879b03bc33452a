//! Signatures under what Stripe sends (<https://docs.stripe.com/webhooks#verify-manually>).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How far the time of a signature may be from ours, in seconds: an older delivery may have been recorded and sent again.
const TOLERANCE: i64 = 5 * 60;

/// The secrets of the webhook endpoint; several while one takes the place of another. Cloning is cheap.
#[derive(Clone, Default)]
pub struct WebhookSecrets(Vec<Hmac<Sha256>>);

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsigned {
    /// The header does not have the form of a signature.
    #[error("the header Stripe-Signature is missing, or does not look like `t=1700000000,v1=5257a8...`")]
    Malformed,
    /// It was signed too long ago, or will be.
    #[error("the signature is not of the last five minutes")]
    Stale,
    /// It was not signed with a secret of this endpoint, or changed on the way.
    #[error("the signature does not belong to this body and endpoint")]
    Forged,
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({} hidden)", self.0.len())
    }
}

impl WebhookSecrets {
    /// Secrets such as `whsec_...`, with commas between them. Nothing if one of them is empty.
    pub fn parse(text: &str) -> Option<Self> {
        let secrets = text.split(',').map(str::trim);
        let key = |secret: &str| {
            let hmac = || Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
            (!secret.is_empty()).then(hmac)
        };
        secrets.map(key).collect::<Option<_>>().map(Self)
    }

    /// Checks the header over the bytes as they came, at a time in seconds since 1970.
    pub(crate) fn verify(&self, header: &str, body: &[u8], now: i64) -> Result<(), Unsigned> {
        let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
        let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(Unsigned::Malformed)?;
        let signatures: Vec<_> =
            parts().filter(|(name, _)| *name == "v1").filter_map(|(_, text)| bytes(text)).collect();
        if signatures.is_empty() {
            return Err(Unsigned::Malformed);
        }
        let signed_at: i64 = time.parse().map_err(|_| Unsigned::Malformed)?;
        if now.abs_diff(signed_at) > TOLERANCE.unsigned_abs() {
            return Err(Unsigned::Stale);
        }
        let is_signed = self.0.iter().any(|secret| {
            signatures.iter().any(|signature| {
                let mac = secret.clone().chain_update(time).chain_update(b".").chain_update(body);
                mac.verify_slice(signature).is_ok()
            })
        });
        if is_signed { Ok(()) } else { Err(Unsigned::Forged) }
    }
}

/// The bytes of a hexadecimal text.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const BODY: &[u8] = br#"{"type":"checkout.session.completed"}"#;
    const NOW: i64 = 1_790_000_000;

    fn signature(secret: &str, at: i64, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
        let mac = mac.chain_update(at.to_string()).chain_update(b".").chain_update(body);
        mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing into a String does not fail");
            text
        })
    }

    fn header(secret: &str, at: i64) -> String {
        format!("t={at},v1={},v0=ab", signature(secret, at, BODY))
    }

    fn secrets() -> WebhookSecrets {
        WebhookSecrets::parse("whsec_old, whsec_new").expect("two secrets")
    }

    #[test]
    fn every_secret_of_the_endpoint_signs() {
        for secret in ["whsec_old", "whsec_new"] {
            assert_eq!(secrets().verify(&header(secret, NOW), BODY, NOW), Ok(()));
        }
        let both = format!("t={NOW},v1={},v1={}", "00".repeat(32), signature("whsec_new", NOW, BODY));
        assert_eq!(secrets().verify(&both, BODY, NOW), Ok(()));
    }

    #[test]
    fn what_was_signed_with_another_secret_or_changed_is_forged() {
        assert_eq!(secrets().verify(&header("whsec_other", NOW), BODY, NOW), Err(Unsigned::Forged));
        assert_eq!(secrets().verify(&header("whsec_new", NOW), b"{}", NOW), Err(Unsigned::Forged));
        let later = header("whsec_new", NOW).replace(&NOW.to_string(), &(NOW + 1).to_string());
        assert_eq!(secrets().verify(&later, BODY, NOW), Err(Unsigned::Forged));
        assert_eq!(WebhookSecrets::default().verify(&header("", NOW), BODY, NOW), Err(Unsigned::Forged));
    }

    #[test]
    fn an_old_or_future_signature_is_stale() {
        for at in [NOW - 301, NOW + 301, i64::MIN, i64::MAX] {
            assert_eq!(secrets().verify(&header("whsec_new", at), BODY, NOW), Err(Unsigned::Stale), "{at}");
        }
        assert_eq!(secrets().verify(&header("whsec_new", NOW - 300), BODY, NOW), Ok(()));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for header in ["", "t=1", "v1=00", "t=1,v0=00", "t=x,v1=00", "t=1,v1=0g", "t=1,v1=000", "v1", ",,,"] {
            assert_eq!(secrets().verify(header, BODY, NOW), Err(Unsigned::Malformed), "{header}");
        }
        assert!(WebhookSecrets::parse("whsec_a,,whsec_b").is_none());
    }
}
