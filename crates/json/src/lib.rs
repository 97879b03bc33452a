//! JSON from outside, refused with the name of the field that is wrong and what is allowed there.

mod values;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;

pub use values::{Choice, Object, Whole};

/// Why a text was refused; what is no JSON and what is JSON of another shape are different mistakes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is no JSON.
    #[error("{0}")]
    NoJson(String),
    /// A field is missing, unknown or not what it should be.
    #[error("{detail}")]
    Field {
        /// Where it is, such as `items[3].quantity`; empty for the whole.
        field: String,
        /// What is wrong, and what is allowed.
        detail: String,
    },
}

/// Reads a JSON object.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| describe(&error))?;
    json.end().map_err(|error| Refusal::NoJson(error.to_string()))?;
    Ok(value)
}

fn describe(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let json = error.inner();
    match json.classify() {
        Category::Io | Category::Syntax | Category::Eof => Refusal::NoJson(json.to_string()),
        Category::Data => {
            let text = json.to_string();
            let position = format!(" at line {} column {}", json.line(), json.column());
            let detail = text.strip_suffix(&position).unwrap_or(&text);
            Refusal::Field { field: field(error.path(), detail), detail: detail.to_owned() }
        }
    }
}

/// Where the error is, as `items[3].quantity`. A field that is missing or there twice has no place in the path, but
/// serde names it in its message.
fn field(path: &serde_path_to_error::Path, detail: &str) -> String {
    let named = |prefix: &str| detail.strip_prefix(prefix)?.split('`').next().map(|name| format!(".{name}"));
    let mut segments: Vec<String> = Vec::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => segments.push(format!("[{index}]")),
            Segment::Map { key } => segments.push(format!(".{key}")),
            Segment::Enum { variant } => segments.push(format!(".{variant}")),
            Segment::Unknown => {}
        }
    }
    segments.extend(named("missing field `").or_else(|| named("duplicate field `")));
    let path = segments.concat();
    // A name may begin with a dot of its own.
    path.strip_prefix('.').unwrap_or(&path).to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn a_field_is_told_from_the_one_around_it_with_the_same_name() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only whether it can be read is of interest")]
        struct Price {
            amount: Amount,
        }

        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only whether it can be read is of interest")]
        struct Amount {
            #[serde(rename = "amount")]
            number: i64,
            currency: String,
        }

        for (text, expected) in [
            (r#"{"amount":{"currency":"EUR"}}"#, "amount.amount"),
            (r#"{"amount":{"amount":1,"amount":1}}"#, "amount.amount"),
            (r#"{"amount":{"amount":1}}"#, "amount.currency"),
            (r#"{"amount":{"amount":{"amount":1}}}"#, "amount.amount"),
            (r#"{"amount":{"currency":{"currency":1}}}"#, "amount.currency"),
            (r#"{"price":{"price":1}}"#, "price"),
            (r#"{"amount":{"price":{"price":1}}}"#, "amount.price"),
            (r#"{"amount":{"price":1}}"#, "amount.price"),
            ("{}", "amount"),
            (r#"{".amount":{}}"#, ".amount"),
        ] {
            match parse::<Price>(text.as_bytes()).expect_err(text) {
                Refusal::Field { field, .. } => assert_eq!(field, expected, "{text}"),
                Refusal::NoJson(detail) => panic!("{text}: {detail}"),
            }
        }
    }
}
