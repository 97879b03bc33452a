//! Money as integer minor units of an ISO 4217 currency, with checked arithmetic.

use std::fmt;

use iso_currency::Currency;
use serde::{Deserialize, Serialize};

use crate::Quantity;

/// An amount of money: `amount` counts the smallest unit of `currency` (cents for EUR, yen for JPY).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units; Stripe calls it the same.
    pub amount: i64,
    /// The ISO 4217 code, three capital letters on the wire.
    pub currency: Currency,
}

/// Arithmetic that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two amounts of different currencies met.
    #[error("{} and {} cannot be added", .0.code(), .1.code())]
    MixedCurrencies(Currency, Currency),
    /// The result does not fit into 64 bits.
    #[error("the amount is too large")]
    Overflow,
}

/// A code that ISO 4217 does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a currency: expected an ISO 4217 code such as EUR")]
pub struct UnknownCurrency;

/// Reads an ISO 4217 code in capital letters.
pub fn parse_currency(code: &str) -> Result<Currency, UnknownCurrency> {
    Currency::from_code(code).ok_or(UnknownCurrency)
}

impl Money {
    /// An amount in minor units.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The sum, if both are of one currency and it fits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies(self.currency, other.currency));
        }
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    /// The price of `quantity` pieces.
    pub fn checked_mul(self, quantity: Quantity) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(i64::from(quantity.get())).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    /// `12.34 EUR`: the number with as many decimals as the currency has, then its code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.currency.exponent().unwrap_or(0));
        let sign = if self.amount < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", self.amount.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if decimals == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction} {}", self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_follows_the_currency() {
        assert_eq!(Money::new(1234, Currency::EUR).to_string(), "12.34 EUR");
        assert_eq!(Money::new(5, Currency::USD).to_string(), "0.05 USD");
        assert_eq!(Money::new(-5, Currency::USD).to_string(), "-0.05 USD");
        assert_eq!(Money::new(500, Currency::JPY).to_string(), "500 JPY");
        assert_eq!(Money::new(i64::MIN, Currency::JPY).to_string(), "-9223372036854775808 JPY");
    }

    #[test]
    fn currencies_do_not_mix() {
        let sum = Money::new(1, Currency::EUR).checked_add(Money::new(1, Currency::USD));
        assert_eq!(sum, Err(MoneyError::MixedCurrencies(Currency::EUR, Currency::USD)));
    }

    #[test]
    fn overflow_is_an_error() {
        let most = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(most.checked_add(Money::new(1, Currency::EUR)), Err(MoneyError::Overflow));
        assert_eq!(most.checked_mul(Quantity::new(2).unwrap()), Err(MoneyError::Overflow));
    }

    #[test]
    fn the_wire_form_names_both_parts() {
        let json = serde_json::to_string(&Money::new(1234, Currency::EUR)).unwrap();
        assert_eq!(json, r#"{"amount":1234,"currency":"EUR"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"amount":1.5,"currency":"EUR"}"#).is_err());
    }
}
