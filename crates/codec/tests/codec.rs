//! What is sealed can be opened with its key, and with nothing else.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kassa_codec::{Codec, ENCRYPTED, ENCRYPTION_KEY_ID, PayloadKeys, Unreadable};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use temporalio_common::protos::temporal::api::common::v1::Payload;

fn codec(keys: &[(&str, u8)]) -> Codec {
    let entries: Vec<_> =
        keys.iter().map(|(id, byte)| format!("{id}:{}", BASE64_STANDARD.encode([*byte; 32]))).collect();
    Codec::new(Some(PayloadKeys::parse(&entries.join(",")).expect("valid keys")))
}

fn payload(data: &str) -> Payload {
    let metadata = HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]);
    Payload { metadata, data: data.as_bytes().to_vec(), ..Payload::default() }
}

fn contains(sealed: &Payload, text: &str) -> bool {
    sealed.data.windows(text.len()).any(|window| window == text.as_bytes())
}

fn any_payload() -> impl Strategy<Value = Payload> {
    (hash_map("[a-z-]{0,12}", vec(any::<u8>(), 0..40), 0..5), vec(any::<u8>(), 0..2_000)).prop_map(
        |(mut metadata, data)| {
            // An encoding that says "sealed" is the one thing that is read before the payload is opened.
            metadata.remove("encoding");
            Payload { metadata, data, ..Payload::default() }
        },
    )
}

proptest! {
    #[test]
    fn what_was_sealed_comes_back_as_it_was(payload in any_payload()) {
        let codec = codec(&[("a", 1)]);
        let sealed = codec.seal(payload.clone());
        prop_assert_eq!(&sealed.metadata["encoding"], ENCRYPTED.as_bytes());
        prop_assert_eq!(&sealed.metadata[ENCRYPTION_KEY_ID], b"a");
        prop_assert_eq!(sealed.metadata.len(), 2);
        prop_assert_eq!(codec.open(sealed).expect("opens"), payload);
    }

    #[test]
    fn a_changed_bit_anywhere_is_noticed(payload in any_payload(), place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let codec = codec(&[("a", 1)]);
        let mut sealed = codec.seal(payload);
        let place = place.index(sealed.data.len());
        sealed.data[place] ^= 1 << bit;
        prop_assert!(matches!(codec.open(sealed), Err(Unreadable::Changed(id)) if id.as_str() == "a"));
    }

    #[test]
    fn a_part_of_it_is_noticed(payload in any_payload(), length in any::<prop::sample::Index>()) {
        let codec = codec(&[("a", 1)]);
        let mut sealed = codec.seal(payload);
        sealed.data.truncate(length.index(sealed.data.len()));
        prop_assert!(matches!(codec.open(sealed), Err(Unreadable::Changed(_))));
    }

    #[test]
    fn made_up_bytes_are_refused(data in vec(any::<u8>(), 0..200)) {
        let codec = codec(&[("a", 1)]);
        let mut sealed = codec.seal(payload("{}"));
        sealed.data = data;
        prop_assert!(codec.open(sealed).is_err());
    }
}

#[test]
fn nothing_of_it_is_readable_and_no_two_are_alike() {
    let codec = codec(&[("a", 1)]);
    let text = r#"{"email":"anna@example.com"}"#;
    let (one, other) = (codec.seal(payload(text)), codec.seal(payload(text)));
    for part in ["anna", "email", "json/plain"] {
        assert!(!contains(&one, part), "{part} is readable");
    }
    assert_ne!(one.data, other.data, "the same payload twice has two nonces");
    assert_ne!(one.data[..12], other.data[..12]);
}

#[test]
fn the_newest_key_seals_and_older_ones_still_open() {
    let before = codec(&[("2026-10", 1)]);
    let prepared = codec(&[("2026-10", 1), ("2026-11", 2)]);
    let after = codec(&[("2026-11", 2), ("2026-10", 1)]);
    let retired = codec(&[("2026-11", 2)]);

    let old = before.seal(payload("old"));
    let new = after.seal(payload("new"));
    assert_eq!(new.metadata[ENCRYPTION_KEY_ID], b"2026-11");
    for codec in [&prepared, &after] {
        assert_eq!(codec.open(old.clone()).expect("opens").data, b"old");
        assert_eq!(codec.open(new.clone()).expect("opens").data, b"new");
    }
    let error = retired.open(old).expect_err("the key is gone");
    assert!(error.to_string().contains("the key 2026-10, which is not among the configured"), "{error}");
}

#[test]
fn another_key_of_the_same_name_opens_nothing() {
    let sealed = codec(&[("a", 1)]).seal(payload("{}"));
    let error = codec(&[("a", 2)]).open(sealed).expect_err("it is another key");
    assert!(error.to_string().contains("with the key a"), "{error}");
}

#[test]
fn the_name_of_the_key_cannot_be_exchanged() {
    // Both names stand for the same key, so that only the binding of the name is left to notice it.
    let codec = codec(&[("a", 1), ("b", 1)]);
    let mut sealed = codec.seal(payload("{}"));
    sealed.metadata.insert(ENCRYPTION_KEY_ID.to_owned(), b"b".to_vec());
    assert!(matches!(codec.open(sealed), Err(Unreadable::Changed(id)) if id.as_str() == "b"));
}

#[test]
fn names_that_cannot_be_are_not_repeated() {
    let codec = codec(&[("a", 1)]);
    for name in [&b""[..], b"\xff", b"a\nforged line", &[b'a'; 65]] {
        let mut sealed = codec.seal(payload("{}"));
        sealed.metadata.insert(ENCRYPTION_KEY_ID.to_owned(), name.to_vec());
        assert_eq!(codec.open(sealed).expect_err("no such name"), Unreadable::NoKey);
    }
    let mut sealed = codec.seal(payload("{}"));
    sealed.metadata.remove(ENCRYPTION_KEY_ID);
    assert_eq!(codec.open(sealed).expect_err("no name"), Unreadable::NoKey);
}

#[test]
fn what_was_never_sealed_is_let_through() {
    for codec in [Codec::default(), codec(&[("a", 1)])] {
        assert_eq!(codec.open(payload("old")).expect("is not sealed"), payload("old"));
        assert_eq!(codec.open(Payload::default()).expect("is not sealed"), Payload::default());
    }
}

#[test]
fn without_keys_nothing_is_sealed_and_nothing_sealed_is_opened() {
    let codec = Codec::default();
    assert!(!codec.encrypts());
    assert_eq!(codec.seal(payload("{}")), payload("{}"));
    let sealed = self::codec(&[("2026-11", 1)]).seal(payload("{}"));
    let error = codec.open(sealed).expect_err("there is no key").to_string();
    assert!(error.contains("2026-11"), "{error}");
}

#[test]
fn debug_forms_show_no_key() {
    let shown = format!("{:?}", codec(&[("a", b'k')]));
    assert_eq!(shown, r#"Codec { keys: Some(["a"]) }"#);
}
