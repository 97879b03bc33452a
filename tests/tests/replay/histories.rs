//! Where recorded histories are kept.

use std::env;
use std::path::PathBuf;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kassa_tests::Path;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::record;

/// The environment variable that asks for new histories: all of them (`1`), or some by their names (`refund,finding`).
pub(crate) const RECORD: &str = "KASSA_RECORD_HISTORIES";

/// The file of the history of a path.
pub(crate) fn file(path: Path) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("histories").join(format!("{}.json", path.name()))
}

/// The recorded history; recorded just now if the environment asks for it.
pub(crate) async fn load(path: Path) -> anyhow::Result<Vec<u8>> {
    static RECORDED: OnceCell<()> = OnceCell::const_new();
    if env::var_os(RECORD).is_some() {
        RECORDED.get_or_try_init(record::all).await?;
    }
    let file = file(path);
    std::fs::read(&file).with_context(|| format!("there is no {}: record it with {RECORD}=1", file.display()))
}

/// Every e-mail address in a history. Payloads are JSON in base64.
pub(crate) fn addresses(history: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    collect(&serde_json::from_slice(history)?, &mut found);
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let words = |text: &str| -> Vec<String> {
                let is_part = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
                text.split(|c| !is_part(c)).filter(|word| word.contains('@')).map(str::to_owned).collect()
            };
            found.extend(words(text));
            found.extend(decoded.iter().flat_map(|text| words(text)));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
