//! E-mail addresses, kept out of logs by their `Debug`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where mail to a customer goes. `Debug` shows no part of it; there is no `Display`, so that it cannot slip into a
/// log or an error message: ask for [`EmailAddress::expose`] where it is really needed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that is no deliverable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: expected something like name@example.com, at most 254 ASCII characters")]
pub struct InvalidEmail;

impl EmailAddress {
    /// The address itself, for the one who sends the mail or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The form in which two spellings of one mailbox are the same.
    pub(crate) fn normalized(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

/// The characters of an atom (RFC 5322, section 3.2.3) and the dot between atoms.
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // Lengths are those of RFC 5321, section 4.5.3.1. Quoted local parts are legal and never meant.
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let local_ok = (1..=64).contains(&local.len())
            && local.bytes().all(is_local)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let domain_ok = domain.contains('.') && domain.split('.').all(is_label);
        if text.len() <= 254 && local_ok && domain_ok { Ok(Self(text)) } else { Err(InvalidEmail) }
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_accepted() {
        for text in ["a@b.co", "first.last+tag@mail.example.com", "O'Neil@example.org"] {
            assert!(text.parse::<EmailAddress>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_delivered_is_refused() {
        for text in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.de",
            "a@b..c",
            "a@-b.de",
            ".a@b.de",
            "a\n@b.de",
            "a@b.de\r\nBcc: x@y.z",
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let email: EmailAddress = "secret@example.com".parse().unwrap();
        assert_eq!(format!("{email:?}"), "EmailAddress(..)");
    }
}
