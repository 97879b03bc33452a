//! The page about the configuration and the code that reads it name the same variables.

use std::collections::BTreeSet;
use std::fs;

use kassa_devstack::workspace;

use crate::sources::sources;

/// Where production code reads settings.
const READERS: [&str; 6] =
    ["api/src", "worker/src", "crates/config/src", "crates/cli/src", "crates/store/src", "crates/stripe-client/src"];

/// The names of variables of ours that stand between two of these characters.
fn names(text: &str, quote: char) -> BTreeSet<String> {
    let is_name = |word: &&str| {
        word.starts_with("KASSA_") && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    text.split(quote).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_variable_is_on_the_page_about_the_configuration() {
    let files = READERS.into_iter().flat_map(sources);
    let read: BTreeSet<_> = files.flat_map(|file| names(&fs::read_to_string(file).unwrap(), '"')).collect();
    let page = names(&fs::read_to_string(workspace::root().join("docs/configuration.md")).unwrap(), '`');
    assert!(read.len() > 30, "only {read:?} are read, so this looks in the wrong place");
    assert_eq!(read, page, "what the code reads, and what docs/configuration.md names");
}
