//! Webhooks: what is signed passes, nothing else does, and what an event says does not depend on how it is spelt.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::routes::webhooks::{awaiting_order, succeeded};
use crate::stripe_signature::{Unsigned, WebhookSecrets};

const SECRETS: [&str; 2] = ["whsec_old", "whsec_new"];
const NOW: i64 = 1_790_000_000;
/// How old a signature may be, or how far in the future, in seconds.
const TOLERANCE: i64 = 300;

/// Checks what becomes of a delivery: the first line is its signature, the rest its body.
pub fn webhook(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let Ok(header) = std::str::from_utf8(header) else { return };
    let secrets = WebhookSecrets::parse(&SECRETS.join(",")).expect("two secrets");
    for now in around(header) {
        let accepted = secrets.verify(header, body, now).is_ok();
        assert_eq!(accepted, is_signed(header, body, now), "{header:?} at {now}");
    }
    // Another signature of the header could be a valid one.
    let noise = header.replace("v1", "v2");
    for secret in SECRETS {
        passes_unless_changed(&secrets, secret, &noise, body);
    }
    means_the_same_otherwise_spelt(body);
}

/// Times at which the age of a signature matters.
fn around(header: &str) -> Vec<i64> {
    let time = header.split(',').find_map(|part| part.trim().strip_prefix("t=")?.parse::<i64>().ok());
    let time = time.unwrap_or(NOW);
    [0, TOLERANCE, TOLERANCE + 1, -TOLERANCE, -TOLERANCE - 1].map(|age| time.saturating_add(age)).to_vec()
}

/// Whether one of our secrets has signed it lately, read step by step as Stripe's documentation says.
fn is_signed(header: &str, body: &[u8], now: i64) -> bool {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) if time.is_none() => time = Some(value),
            Some(("v1", value)) => signatures.push(value.to_ascii_lowercase()),
            _ => {}
        }
    }
    let Some(time) = time else { return false };
    let Ok(signed_at) = time.parse::<i64>() else { return false };
    let age = i128::from(now) - i128::from(signed_at);
    let is_of_ours = |signature: &String| SECRETS.iter().any(|secret| *signature == hex(&hmac(secret, time, body)));
    age.abs() <= i128::from(TOLERANCE) && signatures.iter().any(is_of_ours)
}

/// A delivery that is signed passes while it is young, whatever else its header says; with any bit changed it does not.
fn passes_unless_changed(secrets: &WebhookSecrets, secret: &str, noise: &str, body: &[u8]) {
    let mac = hmac(secret, &NOW.to_string(), body);
    let header = |time: i64, mac: &[u8; 32]| format!("t={time},v1={},{noise}", hex(mac));
    for (age, expected) in [
        (0, Ok(())),
        (TOLERANCE, Ok(())),
        (-TOLERANCE, Ok(())),
        (TOLERANCE + 1, Err(Unsigned::Stale)),
        (-TOLERANCE - 1, Err(Unsigned::Stale)),
    ] {
        assert_eq!(secrets.verify(&header(NOW, &mac), body, NOW + age), expected, "{noise:?}, {age} s old");
    }

    // Which bit is changed follows from the input, so that each is changed some time.
    let chosen = noise.bytes().fold(body.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let mut changed_mac = mac;
    changed_mac[chosen % 32] ^= 1 << (chosen / 32 % 8);
    assert_eq!(secrets.verify(&header(NOW, &changed_mac), body, NOW), Err(Unsigned::Forged), "{noise:?}");
    assert_eq!(secrets.verify(&header(NOW + 1, &mac), body, NOW), Err(Unsigned::Forged), "{noise:?}");
    let mut changed_body = body.to_vec();
    match changed_body.len() {
        0 => changed_body.push(b' '),
        length => changed_body[chosen % length] ^= 1 << (chosen / length % 8),
    }
    assert_eq!(secrets.verify(&header(NOW, &mac), &changed_body, NOW), Err(Unsigned::Forged), "{noise:?}");
}

/// What an event says follows from its members, and from nothing else; orders are named by ids that are some.
fn means_the_same_otherwise_spelt(body: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(body) else { return };
    let again: Value = serde_json::from_str(&format!("{event:#}")).expect("JSON");
    let (woken, paid) = (awaiting_order(&event), succeeded(&event));
    assert_eq!((&woken, &paid), (&awaiting_order(&again), &succeeded(&again)), "{event}");
    let order = woken.iter().chain(paid.as_ref().map(|paid| &paid.order_id));
    for order in order {
        assert_eq!(event["data"]["object"]["metadata"]["order_id"], order.as_str(), "{event}");
        assert_eq!(order.as_str().parse().as_ref(), Ok(order), "{event}");
    }
    let about_something_else = event["type"]
        .as_str()
        .is_none_or(|kind| !kind.starts_with("checkout.session.") && !kind.starts_with("payment_intent."));
    assert!(!about_something_else || (woken.is_none() && paid.is_none()), "{event}");
}

/// HMAC-SHA-256 over time and body, written down from RFC 2104.
fn hmac(secret: &str, time: &str, body: &[u8]) -> [u8; 32] {
    let mut key = [0_u8; 64];
    key[..secret.len()].copy_from_slice(secret.as_bytes());
    let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36));
    let inner = inner.chain_update(time).chain_update(".").chain_update(body).finalize();
    Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("four bits");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delivery_that_was_ever_of_interest_is_believed_only_if_it_is_signed() {
        super::super::replay("webhook", webhook);
    }
}
