//! Names of products.

use serde::{Deserialize, Serialize};

/// The longest product name, in characters.
pub const MAX_NAME_LENGTH: usize = 200;

/// The name of a product as customers read it: trimmed, not empty, one line, at most [`MAX_NAME_LENGTH`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProductName(String);

/// A text that is no product name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a product name: allowed are 1 to {MAX_NAME_LENGTH} characters without line breaks or other control characters"
)]
pub struct InvalidProductName;

impl ProductName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProductName {
    type Error = InvalidProductName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.trim();
        let length = name.chars().count();
        if (1..=MAX_NAME_LENGTH).contains(&length) && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidProductName)
        }
    }
}

impl From<ProductName> for String {
    fn from(name: ProductName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(ProductName::try_from("  Tea ".to_owned()).unwrap().as_str(), "Tea");
        for text in ["", "   ", "a\nb", "a\u{0}b"] {
            assert_eq!(ProductName::try_from(text.to_owned()), Err(InvalidProductName));
        }
        assert!(ProductName::try_from("ü".repeat(MAX_NAME_LENGTH)).is_ok());
        assert!(ProductName::try_from("ü".repeat(MAX_NAME_LENGTH + 1)).is_err());
    }
}
