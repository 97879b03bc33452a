//! Whose cart it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{GuestCartId, UserId};

/// A cart, named by its owner: an account has one, and a guest the one that was handed out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CartId {
    /// The cart of an account.
    User(UserId),
    /// The cart of a guest.
    Guest(GuestCartId),
}

/// A text that names neither an account nor the cart of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a cart: it starts with `{}` or `{}`", UserId::PREFIX, GuestCartId::PREFIX)]
pub struct InvalidCartId;

impl CartId {
    /// The id as it is stored: what it starts with tells the two kinds apart.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(user) => user.as_str(),
            Self::Guest(cart) => cart.as_str(),
        }
    }
}

impl fmt::Display for CartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CartId {
    type Err = InvalidCartId;

    fn from_str(text: &str) -> Result<Self, InvalidCartId> {
        text.parse().map(Self::User).or_else(|_| text.parse().map(Self::Guest)).map_err(|_| InvalidCartId)
    }
}

impl TryFrom<String> for CartId {
    type Error = InvalidCartId;

    fn try_from(text: String) -> Result<Self, InvalidCartId> {
        text.parse()
    }
}

impl From<CartId> for String {
    fn from(id: CartId) -> Self {
        match id {
            CartId::User(user) => user.into(),
            CartId::Guest(cart) => cart.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_leads_back() {
        for text in ["usr_7c1f", "cart_7c1f"] {
            assert_eq!(text.parse::<CartId>().unwrap().as_str(), text);
        }
        for text in ["", "7c1f", "ord_7c1f", "cart_"] {
            assert_eq!(text.parse::<CartId>(), Err(InvalidCartId), "{text}");
        }
    }
}
