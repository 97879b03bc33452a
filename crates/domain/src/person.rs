//! The names of people, kept out of logs by their `Debug`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name of a person, in characters.
pub const MAX_PERSON_NAME_LENGTH: usize = 100;

/// How somebody wants to be called: trimmed, not empty, one line, at most [`MAX_PERSON_NAME_LENGTH`] characters. `Debug`
/// shows no part of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

/// A text that is no name of a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a name: allowed are 1 to {MAX_PERSON_NAME_LENGTH} characters without line breaks or other control characters"
)]
pub struct InvalidPersonName;

impl PersonName {
    /// The name itself, for the one who shows or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(..)")
    }
}

impl TryFrom<String> for PersonName {
    type Error = InvalidPersonName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.trim();
        let length = name.chars().count();
        if (1..=MAX_PERSON_NAME_LENGTH).contains(&length) && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidPersonName)
        }
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(PersonName::try_from(" Ada Lovelace ".to_owned()).unwrap().expose(), "Ada Lovelace");
        for text in ["", "  ", "a\nb", "a\u{0}b"] {
            assert_eq!(PersonName::try_from(text.to_owned()), Err(InvalidPersonName));
        }
        assert!(PersonName::try_from("é".repeat(MAX_PERSON_NAME_LENGTH)).is_ok());
        assert!(PersonName::try_from("é".repeat(MAX_PERSON_NAME_LENGTH + 1)).is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        let name = PersonName::try_from("Ada".to_owned()).unwrap();
        assert_eq!(format!("{name:?}"), "PersonName(..)");
    }
}
