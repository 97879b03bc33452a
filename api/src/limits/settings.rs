//! How much is allowed.

use std::str::FromStr;
use std::time::Duration;

use kassa_config::{ConfigError, Settings};

use super::Action;

/// How many requests are allowed within a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// By one caller, wherever from.
    pub by_caller: u32,
    /// From one address, whoever it is; many people may share one.
    pub by_address: u32,
    /// Whole seconds, at least one.
    pub span: Duration,
}

/// A text that is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a limit is three numbers: by caller, by address, and seconds")]
pub struct InvalidLimit;

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        const DAY: u32 = 24 * 60 * 60;
        let mut numbers = text.split('/').map(|number| number.trim().parse::<u32>().ok().filter(|n| *n > 0));
        match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
            (Some(Some(by_caller)), Some(Some(by_address)), Some(Some(seconds @ ..=DAY)), None) => {
                Ok(Self { by_caller, by_address, span: Duration::from_secs(seconds.into()) })
            }
            _ => Err(InvalidLimit),
        }
    }
}

/// The limits of everything that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// `KASSA_LIMIT_REGISTER`
    pub register: Limit,
    /// `KASSA_LIMIT_LOGIN`
    pub login: Limit,
    /// `KASSA_LIMIT_CODE`
    pub code: Limit,
    /// `KASSA_LIMIT_MAIL`
    pub mail: Limit,
    /// `KASSA_LIMIT_REFRESH`
    pub refresh: Limit,
    /// `KASSA_LIMIT_CHECKOUT`
    pub checkout: Limit,
    /// `KASSA_LIMIT_PAYMENT`
    pub payment: Limit,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let limit =
            |by_caller, by_address, minutes| Limit { by_caller, by_address, span: Duration::from_mins(minutes) };
        Self {
            register: limit(5, 20, 60),
            login: limit(10, 60, 5),
            code: limit(10, 60, 15),
            mail: limit(3, 30, 15),
            refresh: limit(30, 300, 5),
            checkout: limit(20, 120, 10),
            payment: limit(10, 60, 10),
        }
    }
}

impl LimitSettings {
    /// Reads `KASSA_LIMIT_*`.
    pub(crate) fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let allowed = "three numbers such as 10/60/300: requests by one caller, requests by one address, and within how \
                       many seconds (1 to 86400)";
        let read = |name, default| Ok(settings.parsed(name, allowed)?.unwrap_or(default));
        let default = Self::default();
        Ok(Self {
            register: read("KASSA_LIMIT_REGISTER", default.register)?,
            login: read("KASSA_LIMIT_LOGIN", default.login)?,
            code: read("KASSA_LIMIT_CODE", default.code)?,
            mail: read("KASSA_LIMIT_MAIL", default.mail)?,
            refresh: read("KASSA_LIMIT_REFRESH", default.refresh)?,
            checkout: read("KASSA_LIMIT_CHECKOUT", default.checkout)?,
            payment: read("KASSA_LIMIT_PAYMENT", default.payment)?,
        })
    }

    pub(super) const fn of(&self, action: Action) -> Limit {
        match action {
            Action::Register => self.register,
            Action::Login => self.login,
            Action::Code => self.code,
            Action::Mail => self.mail,
            Action::Refresh => self.refresh,
            Action::Checkout => self.checkout,
            Action::Payment => self.payment,
        }
    }

    pub(super) fn longest_span(&self) -> Duration {
        let Self { register, login, code, mail, refresh, checkout, payment } = self;
        let limits = [register, login, code, mail, refresh, checkout, payment];
        limits.into_iter().map(|limit| limit.span).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_three_numbers() {
        let limit = Limit { by_caller: 10, by_address: 60, span: Duration::from_mins(5) };
        assert_eq!("10/60/300".parse(), Ok(limit));
        for text in ["", "10", "10/60", "10/60/0", "0/60/300", "10/60/86401", "10/60/300/1", "a/b/c", "-1/60/300"] {
            assert_eq!(text.parse::<Limit>(), Err(InvalidLimit), "{text}");
        }
    }

    #[test]
    fn each_action_has_a_setting_of_its_own() {
        let read = LimitSettings::read(&Settings::from_pairs([("KASSA_LIMIT_LOGIN", "1/2/3")])).expect("valid");
        let login = Limit { by_caller: 1, by_address: 2, span: Duration::from_secs(3) };
        assert_eq!(read, LimitSettings { login, ..LimitSettings::default() });
    }
}
