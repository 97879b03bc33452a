//! What else customers want to know of a product.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most attributes of one product.
pub const MAX_ATTRIBUTES: usize = 20;

const MAX_NAME_LENGTH: usize = 50;
const MAX_VALUE_LENGTH: usize = 200;

/// Named texts about a product, such as `weight: 100 g`; at most [`MAX_ATTRIBUTES`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Attributes(BTreeMap<String, String>);

/// Texts that are no attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributes {
    /// There are too many.
    #[error("{0} attributes are too many: the most is {MAX_ATTRIBUTES}")]
    TooMany(usize),
    /// A name is too long, empty or not one line.
    #[error("not the name of an attribute: allowed are 1 to {MAX_NAME_LENGTH} characters without control characters")]
    Name,
    /// A value is too long, empty or not one line.
    #[error("not the value of an attribute: allowed are 1 to {MAX_VALUE_LENGTH} characters without control characters")]
    Value,
}

impl Attributes {
    /// The attributes in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl TryFrom<BTreeMap<String, String>> for Attributes {
    type Error = InvalidAttributes;

    fn try_from(attributes: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(InvalidAttributes::TooMany(attributes.len()));
        }
        if !attributes.keys().all(|name| is_line(name, MAX_NAME_LENGTH)) {
            return Err(InvalidAttributes::Name);
        }
        if !attributes.values().all(|value| is_line(value, MAX_VALUE_LENGTH)) {
            return Err(InvalidAttributes::Value);
        }
        Ok(Self(attributes))
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        attributes.0
    }
}

fn is_line(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, &str)]) -> Result<Attributes, InvalidAttributes> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
            .try_into()
    }

    #[test]
    fn attributes_are_bounded() {
        assert!(attributes(&[("weight", "100 g"), ("origin", "Darjeeling")]).is_ok());
        for pair in [("", "x"), ("a\nb", "x"), (&*"x".repeat(MAX_NAME_LENGTH + 1), "x")] {
            assert_eq!(attributes(&[pair]), Err(InvalidAttributes::Name));
        }
        for pair in [("x", ""), ("x", "a\0b"), ("x", &*"x".repeat(MAX_VALUE_LENGTH + 1))] {
            assert_eq!(attributes(&[pair]), Err(InvalidAttributes::Value));
        }
        let many: BTreeMap<_, _> = (0..=MAX_ATTRIBUTES).map(|n| (n.to_string(), "x".to_owned())).collect();
        assert_eq!(Attributes::try_from(many), Err(InvalidAttributes::TooMany(MAX_ATTRIBUTES + 1)));
    }
}
