//! How an order gets to its customer.

use serde::{Deserialize, Serialize};

use crate::OrderStatus;

/// The longest label, in characters.
pub const MAX_LABEL_LENGTH: usize = 64;

/// A short text such as the name of a carrier: trimmed, not empty, one line, at most [`MAX_LABEL_LENGTH`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// A text that is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {MAX_LABEL_LENGTH} characters without line breaks or other control characters")]
pub struct InvalidLabel;

impl Label {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = InvalidLabel;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let label = text.trim();
        let length = label.chars().count();
        if (1..=MAX_LABEL_LENGTH).contains(&length) && !label.chars().any(char::is_control) {
            Ok(Self(label.to_owned()))
        } else {
            Err(InvalidLabel)
        }
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

/// How the parcel is found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parcel {
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Label>,
    /// Under which number the carrier knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<Label>,
}

/// A step on the way of a paid order to its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fulfilment {
    /// The parcel is with the carrier.
    Ship {
        /// How it is found.
        parcel: Parcel,
    },
    /// The parcel is with the customer.
    Deliver,
}

impl Fulfilment {
    /// Where the step brings the order.
    pub const fn status(&self) -> OrderStatus {
        match self {
            Self::Ship { .. } => OrderStatus::Shipped,
            Self::Deliver => OrderStatus::Delivered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_trimmed_short_and_of_one_line() {
        assert_eq!(Label::try_from(" DHL ".to_owned()).unwrap().as_str(), "DHL");
        assert!(Label::try_from("ü".repeat(MAX_LABEL_LENGTH)).is_ok());
        for text in ["", "  ", "a\nb", "a\u{0}b", &"x".repeat(MAX_LABEL_LENGTH + 1)] {
            assert_eq!(Label::try_from(text.to_owned()), Err(InvalidLabel), "{text:?}");
        }
    }
}
