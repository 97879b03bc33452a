//! How a customer pays: with a card, or on a page of Stripe's.

use kassa_workflows::checkout::Payment;
use kassa_workflows::contracts::awaited::ReturnUrls;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::CreateCheckout;
use crate::problem::Problem;
use crate::return_urls::ReturnOrigins;
use crate::wire::Choice;

/// How to pay without a payment method at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentWay {
    /// On a page of Stripe's, to which the customer is led.
    Hosted,
}

/// Reads a payment method. The text is not repeated in an error: it may be a card number.
pub(in crate::routes) fn payment_method<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        _ => String::new(),
    };
    let is_name =
        |rest: &str| (1..=64).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if text.strip_prefix("pm_").is_some_and(is_name) {
        Ok(Some(text))
    } else {
        Err(de::Error::custom("expected the id of a Stripe payment method: pm_ and 1 to 64 letters, digits or _"))
    }
}

impl CreateCheckout {
    /// How the customer pays; every address leads back to the shop.
    pub(super) fn payment(&self, shop: &ReturnOrigins) -> Result<Payment, Problem> {
        let check = |field: &str, url: &Option<String>| match url {
            Some(url) => shop.check(url).map(Some).map_err(|detail| Problem::field(field, detail)),
            None => Ok(None),
        };
        let (success_url, cancel_url) =
            (check("success_url", &self.success_url)?, check("cancel_url", &self.cancel_url)?);
        let return_url = check("return_url", &self.return_url)?;
        let out_of_place = |field: &str| {
            Problem::field(
                field,
                "send either `payment_method`, perhaps with `return_url`, or `payment` with `success_url` and `cancel_url`",
            )
        };
        match (&self.payment_method, self.payment) {
            (Some(payment_method), None) => match (success_url, cancel_url) {
                (None, None) => Ok(Payment::Card { payment_method: payment_method.clone(), return_url }),
                (Some(_), _) => Err(out_of_place("success_url")),
                (None, Some(_)) => Err(out_of_place("cancel_url")),
            },
            (None, Some(Choice(PaymentWay::Hosted))) => {
                if return_url.is_some() {
                    return Err(out_of_place("return_url"));
                }
                let missing = |field: &str| Problem::field(field, format!("missing field `{field}`"));
                let success_url = success_url.ok_or_else(|| missing("success_url"))?;
                let cancel_url = cancel_url.ok_or_else(|| missing("cancel_url"))?;
                Ok(Payment::Page { page: ReturnUrls { success_url, cancel_url } })
            }
            (Some(_), Some(_)) => Err(out_of_place("payment")),
            (None, None) => Err(Problem::field("payment_method", "missing field `payment_method`")),
        }
    }
}
