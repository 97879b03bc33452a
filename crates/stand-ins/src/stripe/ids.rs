//! Identifiers that look like Stripe's.

use std::fmt::Write as _;

use uuid::Uuid;

/// A new identifier such as `pi_3V5hK0...`.
pub(crate) fn new_id(prefix: &str) -> String {
    format!("{prefix}_3{}", random_text(23))
}

/// The secret that lets a browser see and confirm one payment intent.
pub(crate) fn client_secret(payment_intent: &str) -> String {
    format!("{payment_intent}_secret_{}", random_text(25))
}

/// Random letters and digits.
pub(crate) fn random_text(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let bytes = Uuid::new_v4().into_bytes();
        // Two bytes of a random UUID are partly fixed: its version and its variant.
        let random = bytes.iter().enumerate().filter(|(index, _)| !matches!(index, 6 | 8)).map(|(_, byte)| byte);
        text.extend(random.take(length - text.len()).map(|byte| char::from(ALPHABET[usize::from(*byte) % 62])));
    }
    text
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
