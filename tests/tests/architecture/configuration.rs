//! The page about the configuration and the code that reads it name the same variables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where production code reads settings.
const READERS: [&str; 6] =
    ["api/src", "worker/src", "crates/config/src", "crates/cli/src", "crates/store/src", "crates/stripe-client/src"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of variables of ours that stand between two of these characters.
fn names(text: &str, quote: char) -> BTreeSet<String> {
    let is_name = |word: &&str| {
        word.starts_with("KASSA_") && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    text.split(quote).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_variable_is_on_the_page_about_the_configuration() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for reader in READERS {
        sources(&root.join(reader), &mut files);
    }
    let read: BTreeSet<_> = files.iter().flat_map(|file| names(&fs::read_to_string(file).unwrap(), '"')).collect();
    let page = names(&fs::read_to_string(root.join("docs/configuration.md")).unwrap(), '`');
    assert!(read.len() > 30, "only {read:?} are read, so this looks in the wrong place");
    assert_eq!(read, page, "what the code reads, and what docs/configuration.md names");
}
