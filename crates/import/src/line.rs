//! What a line says.

use kassa_domain::{
    Attributes, Category, Currency, Description, Images, MAX_PRICE, Money, ProductDetails, ProductId, ProductName,
    parse_currency,
};
use kassa_json::{Object, Refusal, Whole};
use serde::{Deserialize, Deserializer, de};

use crate::LineError;

/// A product as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: ProductId,
    pub(crate) details: ProductDetails,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    id: ProductId,
    name: ProductName,
    #[serde(default)]
    description: Description,
    #[serde(default)]
    category: Option<Category>,
    price: Object<Price>,
    #[serde(default)]
    images: Images,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    amount: Whole<0, MAX_PRICE>,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
}

fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    parse_currency(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// As much of a line as tells which product it is about.
#[derive(Deserialize)]
struct Named {
    id: ProductId,
}

impl Line {
    /// Reads a line. The error comes with the product that the line is about, if that can be read.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, (Option<ProductId>, LineError)> {
        let Wire { id, name, description, category, price: Object(price), images, attributes } =
            kassa_json::parse(text).map_err(|refusal| {
                let id = kassa_json::parse::<Named>(text).ok().map(|named| named.id);
                let error = match refusal {
                    Refusal::NoJson(detail) => LineError::new("", format!("the line is not JSON: {detail}")),
                    Refusal::Field { field, detail } => LineError::new(field, detail),
                };
                (id, error)
            })?;
        let price = Money::new(price.amount.get(), price.currency);
        Ok(Self { id, details: ProductDetails { name, description, category, price, images, attributes } })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tea() -> Value {
        json!({ "id": "prod_tea", "name": "Green tea", "price": { "amount": 1250, "currency": "EUR" } })
    }

    #[test]
    fn only_id_name_and_price_are_needed() {
        let line = Line::parse(tea().to_string().as_bytes()).expect("a line");
        assert_eq!((line.id.as_str(), line.details.name.as_str()), ("prod_tea", "Green tea"));
        assert_eq!(line.details.price, Money::new(1250, Currency::EUR));
        for field in ["id", "name", "price"] {
            let mut line = tea();
            line.as_object_mut().expect("an object").remove(field);
            let (_, error) = Line::parse(line.to_string().as_bytes()).expect_err(field);
            assert_eq!(error.field, field);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (member, value, field) in [
            ("id", json!("tea"), "id"),
            ("name", json!(""), "name"),
            ("description", json!("\0"), "description"),
            ("category", json!("Green Tea"), "category"),
            ("price", json!([1, "EUR"]), "price"),
            ("price", json!({ "amount": -1, "currency": "EUR" }), "price.amount"),
            ("price", json!({ "amount": 100_000_000, "currency": "EUR" }), "price.amount"),
            ("price", json!({ "amount": 1, "currency": "euro" }), "price.currency"),
            ("images", json!(["https://example.com", "http://example.com"]), "images[1]"),
            ("attributes", json!({ "": "x" }), "attributes"),
            ("stock", json!(5), "stock"),
        ] {
            let mut line = tea();
            line[member] = value;
            let (id, error) = Line::parse(line.to_string().as_bytes()).expect_err(field);
            assert_eq!(error.field, field, "{error:?}");
            assert_eq!(id.is_some(), member != "id");
        }
        for text in ["", "tea", "[]", "{"] {
            assert_eq!(Line::parse(text.as_bytes()).expect_err(text).1.field, "");
        }
    }
}
