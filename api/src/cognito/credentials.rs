//! What people prove themselves with. None of it can be printed, and no error repeats it.

use std::fmt;

use kassa_domain::EmailAddress;
use serde::de::{self, Deserialize, Deserializer};

/// The longest user name of Cognito.
pub(crate) const MAX_EMAIL_LENGTH: usize = 128;

/// The shortest password.
pub(crate) const MIN_PASSWORD_LENGTH: usize = 8;

/// The longest password of Cognito.
pub(crate) const MAX_PASSWORD_LENGTH: usize = 256;

/// How many digits a mailed code has.
pub(crate) const CODE_LENGTH: usize = 6;

/// The longest refresh token that is looked at.
pub(crate) const MAX_TOKEN_LENGTH: usize = 4096;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl $name {
            /// The text itself, for Cognito and for counting who asks how often.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map(|()| Self(text))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
            }
        }
    };
}

secret!(
    /// A password as it is shown to sign in.
    Password,
    visible
);
secret!(
    /// A password to be: at least 8 characters, one of them a special one. The pool may ask for more, and says so itself;
    /// what is checked here is refused before an account is looked for.
    NewPassword,
    |text| {
        visible(text)?;
        if text.chars().count() < MIN_PASSWORD_LENGTH {
            return Err(format!("the password is too short: it needs at least {MIN_PASSWORD_LENGTH} characters"));
        }
        if !text.chars().any(|c| c.is_ascii_punctuation()) {
            return Err("the password needs at least one special character such as ! or #".to_owned());
        }
        Ok(())
    }
);
secret!(
    /// A mailed code.
    Code,
    |text| {
        if text.len() == CODE_LENGTH && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(());
        }
        Err(format!("a code has {CODE_LENGTH} digits"))
    }
);
secret!(
    /// What new access tokens are got with.
    RefreshToken,
    |text| {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=.".contains(&byte);
        if (1..=MAX_TOKEN_LENGTH).contains(&text.len()) && text.bytes().all(is_token) {
            return Ok(());
        }
        Err(format!("a refresh token has 1 to {MAX_TOKEN_LENGTH} characters of A-Z, a-z, 0-9, `-`, `_`, `=` and `.`"))
    }
);

/// Cognito takes neither white space nor more characters in a password.
fn visible(text: &str) -> Result<(), String> {
    let is_visible = |c: char| !c.is_whitespace() && !c.is_control();
    if (1..=MAX_PASSWORD_LENGTH).contains(&text.chars().count()) && text.chars().all(is_visible) {
        return Ok(());
    }
    Err(format!("a password has 1 to {MAX_PASSWORD_LENGTH} characters without white space"))
}

/// The e-mail address of an account, in small letters: two spellings of one mailbox are one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountEmail(EmailAddress);

impl AccountEmail {
    /// The address itself, for Cognito and for counting who asks how often.
    pub(crate) fn as_str(&self) -> &str {
        self.0.expose()
    }
}

impl<'de> Deserialize<'de> for AccountEmail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > MAX_EMAIL_LENGTH {
            return Err(de::Error::custom(format!(
                "the address of an account has at most {MAX_EMAIL_LENGTH} characters"
            )));
        }
        text.to_ascii_lowercase().parse().map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_passwords_are_long_and_special_enough() {
        for text in ["secret-1", "12345678!", "пароль-123", &"x!".repeat(128)] {
            assert!(NewPassword::try_from(text.to_owned()).is_ok(), "{text}");
        }
        let too_long = "x!".repeat(129);
        for text in [
            "",
            "short-1",
            "no special one".trim(),
            "nospecial1",
            "white space!",
            "tab\tulator!",
            "nul\0nul!",
            &too_long,
        ] {
            let error = NewPassword::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains("password") && (text.is_empty() || !error.contains(text)), "{error}");
        }
    }

    #[test]
    fn codes_are_digits() {
        assert!(Code::try_from("012345".to_owned()).is_ok());
        for text in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert!(Code::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn two_spellings_of_a_mailbox_are_one_account() {
        let email = |text: &str| serde_json::from_value::<AccountEmail>(text.into());
        assert_eq!(email("Ada@Example.com").expect("valid"), email("ada@example.COM").expect("valid"));
        assert!(email(&format!("{}@example.com", "a".repeat(64))).is_ok());
        let long = format!("a@{}.example.com", ["b".repeat(60), "c".repeat(60)].join("."));
        assert!(email(&long).is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        let password = NewPassword::try_from("secret-1".to_owned()).expect("a password");
        assert_eq!(format!("{password:?}"), "NewPassword(..)");
    }
}
