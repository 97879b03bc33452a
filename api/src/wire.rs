//! Values that several requests and responses share, in the form they have on the wire.

use std::fmt;
use std::marker::PhantomData;

use kassa_domain::{Currency, Money, OrderStatus, parse_currency};
use kassa_workflows::contracts::inventory::Shortage;
use kassa_workflows::contracts::payments::Decline;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A whole number from `MIN` to `MAX`. Every other number or type is refused with a message that names the range,
/// which the error of a plain integer does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    pub(crate) const fn get(self) -> i64 {
        self.0
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InRange<const MIN: i64, const MAX: i64>;

        impl<const MIN: i64, const MAX: i64> InRange<MIN, MAX> {
            fn refuse<E: de::Error>(number: impl fmt::Display) -> E {
                E::custom(format!("{number} is not allowed: expected a whole number from {MIN} to {MAX}"))
            }
        }

        impl<const MIN: i64, const MAX: i64> Visitor<'_> for InRange<MIN, MAX> {
            type Value = Whole<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                if (MIN..=MAX).contains(&number) { Ok(Whole(number)) } else { Err(Self::refuse(number)) }
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                match i64::try_from(number) {
                    Ok(number) => self.visit_i64(number),
                    Err(_) => Err(Self::refuse(number)),
                }
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
                Err(Self::refuse(number))
            }
        }

        deserializer.deserialize_any(InRange)
    }
}

/// A JSON object, and nothing else: the derived `Deserialize` of a struct takes an array of its fields as well.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Money, example = json!({"amount": 1250, "currency": "EUR"}))]
pub(crate) struct MoneyBody {
    /// Minor units of the currency: cents for EUR, yen for JPY.
    amount: i64,
    /// The ISO 4217 code in capital letters.
    #[schema(min_length = 3, max_length = 3)]
    currency: &'static str,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: money.currency.code() }
    }
}

/// A price or a total that a client sends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MoneyInput, example = json!({"amount": 1250, "currency": "EUR"}))]
pub(crate) struct MoneyInput {
    /// Minor units of the currency: cents for EUR, yen for JPY.
    #[schema(value_type = i64, minimum = 0)]
    amount: Whole<0, { i64::MAX }>,
    /// The ISO 4217 code in capital letters.
    #[serde(deserialize_with = "currency")]
    #[schema(value_type = String, min_length = 3, max_length = 3)]
    currency: Currency,
}

impl From<MoneyInput> for Money {
    fn from(input: MoneyInput) -> Self {
        Self::new(input.amount.get(), input.currency)
    }
}

fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    parse_currency(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = OrderStatus)]
pub(crate) enum OrderStatusBody {
    /// Written, not decided yet.
    Pending,
    /// The customer has to authenticate the payment.
    AwaitingPayment,
    /// A card was declined; another one may be tried.
    PaymentFailed,
    /// Paid.
    Confirmed,
    /// Ended without a sale; nothing is owed.
    Cancelled,
    /// On its way to the customer.
    Shipped,
    /// With the customer.
    Delivered,
}

impl From<OrderStatus> for OrderStatusBody {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Pending => Self::Pending,
            OrderStatus::AwaitingPayment => Self::AwaitingPayment,
            OrderStatus::PaymentFailed => Self::PaymentFailed,
            OrderStatus::Confirmed => Self::Confirmed,
            OrderStatus::Cancelled => Self::Cancelled,
            OrderStatus::Shipped => Self::Shipped,
            OrderStatus::Delivered => Self::Delivered,
        }
    }
}

/// Why a card was declined, in Stripe's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Decline, example = json!({
    "code": "card_declined", "decline_code": "insufficient_funds", "message": "Your card has insufficient funds."
}))]
pub(crate) struct DeclineBody {
    /// Stripe's error code.
    code: String,
    /// The issuer's reason, where it gave one.
    decline_code: Option<String>,
    /// A sentence that may be shown to the customer.
    message: String,
}

impl From<Decline> for DeclineBody {
    fn from(decline: Decline) -> Self {
        let Decline { code, decline_code, message } = decline;
        Self { code, decline_code, message }
    }
}

/// A line that asked for more than there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Shortage, example = json!({"product_id": "prod_tea", "requested": 3, "available": 1}))]
pub(crate) struct ShortageBody {
    /// The product.
    product_id: String,
    /// Pieces asked for.
    requested: u32,
    /// Pieces there are.
    available: u64,
}

impl From<Shortage> for ShortageBody {
    fn from(shortage: Shortage) -> Self {
        let Shortage { product_id, requested, available } = shortage;
        Self { product_id: product_id.into(), requested, available }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_range_are_refused_with_the_range() {
        for text in ["0", "-1", "1000", "1.5", "1e2", "9223372036854775808", "18446744073709551616", "1e300"] {
            let error = serde_json::from_str::<Whole<1, 999>>(text).expect_err(text).to_string();
            assert!(error.contains("expected a whole number from 1 to 999"), "{text}: {error}");
        }
        for text in ["\"1\"", "null", "true", "[]", "{}"] {
            let error = serde_json::from_str::<Whole<1, 999>>(text).expect_err(text).to_string();
            assert!(error.contains("expected a whole number from 1 to 999"), "{text}: {error}");
        }
        assert_eq!(serde_json::from_str::<Whole<1, 999>>("999").expect("in range").get(), 999);
    }

    #[test]
    fn statuses_are_written_as_the_domain_writes_them() {
        for status in OrderStatus::ALL {
            assert_eq!(serde_json::to_value(OrderStatusBody::from(status)).expect("serializes"), status.as_str());
        }
    }

    #[test]
    fn an_array_is_no_object() {
        assert!(serde_json::from_str::<MoneyInput>(r#"[1,"EUR"]"#).is_ok(), "what serde derives takes it");
        let error = serde_json::from_str::<Object<MoneyInput>>(r#"[1,"EUR"]"#).expect_err("an array");
        assert!(error.to_string().contains("expected a JSON object"), "{error}");
    }

    #[test]
    fn currencies_have_three_capital_letters() {
        for code in ["eur", "EURO", "", "XXQ"] {
            let text = format!(r#"{{"amount":1,"currency":"{code}"}}"#);
            assert!(serde_json::from_str::<MoneyInput>(&text).is_err(), "{code}");
        }
        let input: MoneyInput = serde_json::from_str(r#"{"amount":1,"currency":"EUR"}"#).expect("valid");
        assert_eq!(Money::from(input), Money::new(1, Currency::EUR));
    }
}
