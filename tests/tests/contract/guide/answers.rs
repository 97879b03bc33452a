//! What the guide says that an example prints. `…` stands for what is different every time, and for more of the same.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::Value;

/// What stands for anything.
const ANYTHING: &str = "…";

/// What an example prints.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    /// Nothing that the guide is silent about.
    Nothing,
    /// This JSON, however it is laid out.
    Json(Value),
    /// These lines.
    Lines(Vec<&'a str>),
}

impl<'a> Answer<'a> {
    /// Reads a block, if blocks of its language show answers.
    pub(super) fn parse(language: &str, content: &'a str) -> Option<anyhow::Result<Self>> {
        match language {
            "json" => {
                let value = serde_json::from_str(content).with_context(|| format!("no JSON: {content}"));
                Some(value.map(Self::Json))
            }
            "http" | "text" => Some(Ok(Self::Lines(content.lines().collect()))),
            _ => None,
        }
    }

    /// Whether this is what was printed; else where it differs.
    pub(super) fn check(&self, printed: &str) -> Result<(), String> {
        match self {
            Self::Nothing if printed.trim().is_empty() => Ok(()),
            Self::Nothing => Err("prints something that the guide does not show".to_owned()),
            Self::Json(expected) => {
                let actual = serde_json::from_str(printed).map_err(|error| format!("prints no JSON: {error}"))?;
                same(expected, &actual, "the answer")
            }
            Self::Lines(expected) => {
                let actual: Vec<_> = printed.trim_end().lines().map(str::trim_end).collect();
                if lines(expected, &actual) { Ok(()) } else { Err("prints other lines".to_owned()) }
            }
        }
    }
}

/// Whether a value is the expected one: the same members, unless `"…"` is one of them; the same items, but for those that
/// `"…"` stands for; the same text, but for what `…` in it stands for.
fn same(expected: &Value, actual: &Value, place: &str) -> Result<(), String> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let more = expected.contains_key(ANYTHING);
            let names: BTreeSet<_> = expected.keys().filter(|name| *name != ANYTHING).collect();
            if let Some(name) = actual.keys().find(|name| !more && !names.contains(name)) {
                return Err(format!("{place} has `{name}`, too"));
            }
            names.into_iter().try_for_each(|name| {
                let found = actual.get(name).ok_or_else(|| format!("{place} has no `{name}`"))?;
                same(&expected[name], found, &format!("{place}.{name}"))
            })
        }
        (Value::Array(expected), Value::Array(actual)) if expected.iter().any(|item| item == ANYTHING) => {
            if items(expected, actual) { Ok(()) } else { Err(format!("{place} has other items")) }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let mut pairs = expected.iter().zip(actual).enumerate();
            pairs.try_for_each(|(index, (expected, actual))| same(expected, actual, &format!("{place}[{index}]")))
        }
        (Value::String(expected), Value::String(actual)) if line(expected, actual) => Ok(()),
        (expected, actual) if expected == actual => Ok(()),
        (expected, actual) => Err(format!("{place} is {actual} instead of {expected}")),
    }
}

/// Whether these are the expected items; a `"…"` stands for any number of them.
fn items(expected: &[Value], actual: &[Value]) -> bool {
    match (expected.split_first(), actual.split_first()) {
        (None, _) => actual.is_empty(),
        (Some((first, rest)), _) if first == ANYTHING => {
            (0..=actual.len()).any(|skipped| items(rest, &actual[skipped..]))
        }
        (Some((first, expected)), Some((found, actual))) => same(first, found, "").is_ok() && items(expected, actual),
        (Some(_), None) => false,
    }
}

/// Whether these are the expected lines; a line that is nothing but `…` stands for any number of them.
fn lines(expected: &[&str], actual: &[&str]) -> bool {
    match (expected.split_first(), actual.split_first()) {
        (None, _) => actual.is_empty(),
        (Some((&ANYTHING, rest)), _) => (0..=actual.len()).any(|skipped| lines(rest, &actual[skipped..])),
        (Some((first, expected)), Some((found, actual))) => line(first, found) && lines(expected, actual),
        (Some(_), None) => false,
    }
}

/// Whether this is the expected text; every `…` in it stands for any text.
fn line(expected: &str, actual: &str) -> bool {
    match expected.split_once(ANYTHING) {
        None => expected == actual,
        Some((before, rest)) => actual.strip_prefix(before).is_some_and(|actual| {
            actual.char_indices().map(|(at, _)| at).chain([actual.len()]).any(|at| line(rest, &actual[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_same(expected: &Value, actual: &Value) -> bool {
        same(expected, actual, "it").is_ok()
    }

    #[test]
    fn values_differ_in_nothing_that_is_written_down() {
        let expected = json!({ "id": "ord_…", "items": [{ "quantity": 2 }] });
        assert!(is_same(&expected, &json!({ "id": "ord_1", "items": [{ "quantity": 2 }] })));
        for other in [
            json!({ "id": "pay_1", "items": [{ "quantity": 2 }] }),
            json!({ "id": 1, "items": [{ "quantity": 2 }] }),
            json!({ "id": "ord_1", "items": [{ "quantity": 3 }] }),
            json!({ "id": "ord_1", "items": [] }),
            json!({ "id": "ord_1", "items": [{ "quantity": 2 }, { "quantity": 2 }] }),
            json!({ "id": "ord_1", "items": [{ "quantity": 2 }], "more": 1 }),
            json!({ "id": "ord_1" }),
            json!([]),
        ] {
            assert!(!is_same(&expected, &other), "{other}");
        }
    }

    #[test]
    fn more_is_allowed_where_the_guide_says_so() {
        assert!(is_same(&json!({ "a": 1, "…": "…" }), &json!({ "a": 1, "b": 2 })));
        for expected in [json!([1, "…"]), json!(["…", 1, "…"]), json!([1, "…", 3])] {
            assert!(is_same(&expected, &json!([1, 2, 3])), "{expected}");
        }
        assert!(!is_same(&json!({ "a": 1, "…": "…" }), &json!({ "b": 2 })));
        for other in [json!([]), json!([2]), json!([2, 1])] {
            assert!(!is_same(&json!([1, "…"]), &other), "{other}");
        }
        assert!(!is_same(&json!(["…", 4]), &json!([1, 2, 3])));
    }

    #[test]
    fn lines_stand_for_themselves_and_dots_for_anything() {
        let expected = ["HTTP/1.1 200 OK", "…", "etag: \"1-…\"", "…"];
        assert!(lines(&expected, &["HTTP/1.1 200 OK", "date: now", "etag: \"1-7f\"", "", "{}"]));
        assert!(lines(&expected, &["HTTP/1.1 200 OK", "etag: \"1-7f\""]));
        assert!(!lines(&expected, &["HTTP/1.1 200 OK", "etag: \"2-7f\""]));
        assert!(!lines(&expected, &["HTTP/1.1 404 Not Found", "etag: \"1-7f\""]));
        assert!(!lines(&["a"], &["a", "b"]) && !lines(&["a", "b"], &["a"]));
    }

    #[test]
    fn silence_is_an_answer() {
        assert!(Answer::Nothing.check("\n").is_ok());
        assert!(Answer::Nothing.check("{}\n").is_err());
    }
}
