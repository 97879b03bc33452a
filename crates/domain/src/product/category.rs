//! Categories of products.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest category.
const MAX_LENGTH: usize = 50;

/// A category, in the form it has in addresses: words of `a-z` and `0-9`, joined by `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Category(String);

/// A text that is no category.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a category: expected words of a-z and 0-9 joined by single `-`, such as `green-tea`, at most {MAX_LENGTH} characters"
)]
pub struct InvalidCategory;

impl Category {
    /// The category as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Category {
    type Error = InvalidCategory;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if text.len() <= MAX_LENGTH && text.split('-').all(is_word) { Ok(Self(text)) } else { Err(InvalidCategory) }
    }
}

impl FromStr for Category {
    type Err = InvalidCategory;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<Category> for String {
    fn from(category: Category) -> Self {
        category.0
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_joined_by_hyphens_are_categories() {
        for text in ["tea", "green-tea", "4k", &"x".repeat(MAX_LENGTH)] {
            assert_eq!(text.parse::<Category>().map(String::from), Ok(text.to_owned()));
        }
        for text in
            ["", "-", "tea-", "-tea", "green--tea", "Tea", "green tea", "thé", "a#b", &"x".repeat(MAX_LENGTH + 1)]
        {
            assert_eq!(text.parse::<Category>(), Err(InvalidCategory), "{text}");
        }
    }
}
