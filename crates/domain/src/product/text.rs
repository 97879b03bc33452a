//! Longer texts about products.

use serde::{Deserialize, Serialize};

/// The longest description, in characters.
pub const MAX_DESCRIPTION_LENGTH: usize = 10_000;

/// Longer text about a product for customers; may be empty, at most [`MAX_DESCRIPTION_LENGTH`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

/// A text that is no description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a description: allowed are at most {MAX_DESCRIPTION_LENGTH} characters without the NUL character")]
pub struct InvalidDescription;

impl Description {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = InvalidDescription;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() <= MAX_DESCRIPTION_LENGTH && !text.contains('\0') {
            Ok(Self(text))
        } else {
            Err(InvalidDescription)
        }
    }
}

impl From<Description> for String {
    fn from(text: Description) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_bounded() {
        for text in [String::new(), "two\nlines".to_owned(), "ü".repeat(MAX_DESCRIPTION_LENGTH)] {
            assert_eq!(Description::try_from(text.clone()).map(String::from), Ok(text));
        }
        for text in ["a\0b".to_owned(), "ü".repeat(MAX_DESCRIPTION_LENGTH + 1)] {
            assert_eq!(Description::try_from(text), Err(InvalidDescription));
        }
    }
}
