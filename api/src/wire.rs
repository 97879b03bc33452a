//! Values that several requests and responses share, in the form they have on the wire.

use kassa_domain::{Currency, Money, OrderStatus, parse_currency};
pub(crate) use kassa_json::{Choice, Object, Whole};
use kassa_workflows::contracts::inventory::Shortage;
use kassa_workflows::contracts::payments::Decline;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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

/// An amount that a client wants moved, so there has to be one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PositiveMoneyInput, example = json!({"amount": 500, "currency": "EUR"}))]
pub(crate) struct PositiveMoneyInput {
    /// Minor units of the currency: cents for EUR, yen for JPY.
    #[schema(value_type = i64, minimum = 1)]
    amount: Whole<1, { i64::MAX }>,
    /// The ISO 4217 code in capital letters.
    #[serde(deserialize_with = "currency")]
    #[schema(value_type = String, min_length = 3, max_length = 3)]
    currency: Currency,
}

impl From<PositiveMoneyInput> for Money {
    fn from(input: PositiveMoneyInput) -> Self {
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
    fn statuses_are_written_as_the_domain_writes_them() {
        for status in OrderStatus::ALL {
            assert_eq!(serde_json::to_value(OrderStatusBody::from(status)).expect("serializes"), status.as_str());
        }
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
