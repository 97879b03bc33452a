//! Phone numbers, kept out of logs by their `Debug`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where short messages to a customer go, in the form of E.164. `Debug` shows no part of it; there is no `Display`, so that
/// it cannot slip into a log or an error message: ask for [`PhoneNumber::expose`] where it is really needed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// A text that is no phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number: expected `+`, the country code and the number, 7 to 15 digits without spaces (E.164)")]
pub struct InvalidPhoneNumber;

impl PhoneNumber {
    /// The number itself, for the one who sends to it or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(..)")
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = InvalidPhoneNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // At most 15 digits (E.164, section 6.1); no country code starts with 0, and no number worth sending to is
        // shorter than 7 digits.
        let valid = text.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|digit| digit.is_ascii_digit())
        });
        if valid { Ok(Self(text)) } else { Err(InvalidPhoneNumber) }
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidPhoneNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn international_numbers_are_accepted() {
        for text in ["+4915112345678", "+15005550006", "+2901234"] {
            assert!(text.parse::<PhoneNumber>().is_ok(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "+", "4915112345678", "+0151123456", "+49 151 123456", "+123456", "+1234567890123456", "+49a51123"]
        {
            assert_eq!(text.parse::<PhoneNumber>(), Err(InvalidPhoneNumber), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let number: PhoneNumber = "+4915112345678".parse().unwrap();
        assert_eq!(format!("{number:?}"), "PhoneNumber(..)");
    }
}
