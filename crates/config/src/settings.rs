//! Single settings.

use std::env::{self, VarError};
use std::str::FromStr;

/// A setting that is missing or not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A setting without a default is not there.
    #[error("{name} is not set: set it to {allowed}")]
    Missing {
        /// The environment variable.
        name: &'static str,
        /// What it may be.
        allowed: String,
    },
    /// A setting is not what it should be.
    #[error("{name} is not valid: set it to {allowed}")]
    Invalid {
        /// The environment variable.
        name: &'static str,
        /// What it may be.
        allowed: String,
    },
    /// What the Temporal client made of its own variables and files.
    #[error("the connection to Temporal is not configured properly (TEMPORAL_* variables or temporal.toml): {0}")]
    Temporal(String),
}

impl ConfigError {
    /// A setting that is not `allowed`.
    pub fn invalid(name: &'static str, allowed: impl Into<String>) -> Self {
        Self::Invalid { name, allowed: allowed.into() }
    }
}

/// Reads single settings. An empty one counts as not set: that is how most ways to start a process leave it out.
pub struct Settings<'a>(Lookup<'a>);

type Lookup<'a> = Box<dyn Fn(&str) -> Result<String, VarError> + 'a>;

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settings(..)")
    }
}

impl Settings<'static> {
    /// The environment of the process.
    pub fn from_env() -> Self {
        Self(Box::new(|name| env::var(name)))
    }
}

impl<'a> Settings<'a> {
    /// Pairs of names and values; the first of a name counts.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let pairs: Vec<_> = pairs.into_iter().collect();
        Self(Box::new(move |name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        }))
    }

    /// A text, without the white space around it.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        match (self.0)(name) {
            Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(ConfigError::invalid(name, "text in UTF-8")),
        }
    }

    /// A text without which nothing goes.
    pub fn required(&self, name: &'static str, allowed: &str) -> Result<String, ConfigError> {
        self.text(name)?.ok_or_else(|| ConfigError::Missing { name, allowed: allowed.to_owned() })
    }

    /// A value with a text form.
    pub fn parsed<T: FromStr>(&self, name: &'static str, allowed: &str) -> Result<Option<T>, ConfigError> {
        let invalid = |_| ConfigError::invalid(name, allowed);
        self.text(name)?.map(|text| text.parse().map_err(invalid)).transpose()
    }

    /// A whole number within bounds.
    pub fn number(&self, name: &'static str, what: &str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
        let allowed = format!("a number {what} from {min} to {max}");
        match self.parsed(name, &allowed)? {
            Some(value) if !(min..=max).contains(&value) => Err(ConfigError::Invalid { name, allowed }),
            value => Ok(value),
        }
    }

    /// A duration in milliseconds within bounds.
    pub fn milliseconds(&self, name: &'static str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
        self.number(name, "of milliseconds", min, max)
    }

    /// The address of another server than the usual one.
    pub fn url(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        match self.text(name)? {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(ConfigError::invalid(name, "a URL that starts with http:// or https://"))
            }
            url => Ok(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_setting_counts_as_not_set() {
        let settings = Settings::from_pairs([("A", " "), ("B", " b ")]);
        assert_eq!(settings.text("A"), Ok(None));
        assert_eq!(settings.text("B"), Ok(Some("b".to_owned())));
        let error = settings.required("A", "something").unwrap_err();
        assert_eq!(error.to_string(), "A is not set: set it to something");
    }

    #[test]
    fn what_is_not_allowed_is_said_without_repeating_the_value() {
        let settings = Settings::from_pairs([("N", "31337"), ("U", "ftp://secret")]);
        let error = settings.milliseconds("N", 1, 10).unwrap_err();
        assert_eq!(error.to_string(), "N is not valid: set it to a number of milliseconds from 1 to 10");
        assert!(!settings.url("U").unwrap_err().to_string().contains("secret"));
    }
}
