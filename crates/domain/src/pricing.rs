//! Prices an order from the catalogue; nothing that a client sends about money is ever used.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Money, MoneyError, Product, ProductId, Quantity};

/// The most lines an order may have: a reservation writes one row per line and one more, and a DynamoDB transaction
/// holds at most 100 writes (Amazon DynamoDB Developer Guide, "Service quotas").
pub const MAX_LINES: usize = 99;

/// What a customer asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The product.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
}

/// A line with the price and the name at the time of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The product.
    pub product_id: ProductId,
    /// Its name when the order was placed.
    pub name: String,
    /// How many pieces.
    pub quantity: Quantity,
    /// The price of one piece when the order was placed.
    pub unit_price: Money,
    /// `unit_price` times `quantity`.
    pub total: Money,
}

/// The price snapshot of an order: what will be charged, whatever happens to the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedOrder {
    /// In the order of the request.
    pub lines: Vec<PricedLine>,
    /// The sum of the lines.
    pub total: Money,
}

/// Why a list of lines has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PricingError {
    /// No lines at all.
    #[error("an order has at least one line")]
    Empty,
    /// More than [`MAX_LINES`].
    #[error("an order has at most {MAX_LINES} lines, this one has {lines}")]
    TooManyLines {
        /// How many there were.
        lines: usize,
    },
    /// One product in two lines: which of them is meant is for the client to say.
    #[error("product {product_id} appears in more than one line")]
    DuplicateLine {
        /// The product.
        product_id: ProductId,
    },
    /// Products that the catalogue does not have.
    #[error("the catalogue has no product {}", .product_ids.iter().map(ProductId::as_str).collect::<Vec<_>>().join(", "))]
    UnknownProducts {
        /// All of them.
        product_ids: Vec<ProductId>,
    },
    /// Products priced in different currencies cannot be paid together.
    #[error("the products of one order are priced in one currency; this one mixes {first} and {second}")]
    MixedCurrencies {
        /// One currency code.
        first: String,
        /// The other.
        second: String,
    },
    /// The sum does not fit.
    #[error("the total is too large")]
    TotalTooLarge,
}

impl From<MoneyError> for PricingError {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::MixedCurrencies(first, second) => {
                Self::MixedCurrencies { first: first.code().to_owned(), second: second.code().to_owned() }
            }
            MoneyError::Overflow => Self::TotalTooLarge,
        }
    }
}

/// Prices `lines` with the products of the `catalogue` (which may hold others, too).
pub fn price(lines: &[Line], catalogue: &[Product]) -> Result<PricedOrder, PricingError> {
    if lines.len() > MAX_LINES {
        return Err(PricingError::TooManyLines { lines: lines.len() });
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = lines.iter().find(|line| !seen.insert(&line.product_id)) {
        return Err(PricingError::DuplicateLine { product_id: twice.product_id.clone() });
    }
    let catalogue: BTreeMap<_, _> = catalogue.iter().map(|product| (&product.id, product)).collect();
    let unknown: Vec<_> =
        lines.iter().map(|line| &line.product_id).filter(|id| !catalogue.contains_key(id)).cloned().collect();
    if !unknown.is_empty() {
        return Err(PricingError::UnknownProducts { product_ids: unknown });
    }

    let mut priced = Vec::with_capacity(lines.len());
    let mut sum: Option<Money> = None;
    for line in lines {
        let product = catalogue[&line.product_id];
        let total = product.price.checked_mul(line.quantity)?;
        sum = Some(match sum {
            Some(sum) => sum.checked_add(total)?,
            None => total,
        });
        priced.push(PricedLine {
            product_id: product.id.clone(),
            name: product.name.as_str().to_owned(),
            quantity: line.quantity,
            unit_price: product.price,
            total,
        });
    }
    let total = sum.ok_or(PricingError::Empty)?;
    Ok(PricedOrder { lines: priced, total })
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;
    use proptest::prelude::*;

    use super::*;
    use crate::{Attributes, Description, Images, StockLevel};

    fn product(id: &str, amount: i64, currency: Currency) -> Product {
        Product {
            id: id.parse().unwrap(),
            name: "Tea".to_owned().try_into().unwrap(),
            description: Description::default(),
            category: None,
            price: Money::new(amount, currency),
            images: Images::default(),
            attributes: Attributes::default(),
            stock: StockLevel::default(),
            version: 1,
        }
    }

    fn line(id: &str, quantity: i64) -> Line {
        Line { product_id: id.parse().unwrap(), quantity: Quantity::new(quantity).unwrap() }
    }

    #[test]
    fn the_total_is_the_sum_of_the_lines() {
        let catalogue = [product("prod_a", 250, Currency::EUR), product("prod_b", 1, Currency::EUR)];
        let order = price(&[line("prod_a", 3), line("prod_b", 2)], &catalogue).unwrap();
        assert_eq!(order.total, Money::new(752, Currency::EUR));
        assert_eq!(order.lines[0].total, Money::new(750, Currency::EUR));
    }

    #[test]
    fn an_empty_order_has_no_price() {
        assert_eq!(price(&[], &[]), Err(PricingError::Empty));
    }

    #[test]
    fn all_unknown_products_are_named() {
        let lines = [line("prod_a", 1), line("prod_b", 1), line("prod_c", 1)];
        let result = price(&lines, &[product("prod_b", 1, Currency::EUR)]);
        let product_ids = vec!["prod_a".parse().unwrap(), "prod_c".parse().unwrap()];
        assert_eq!(result, Err(PricingError::UnknownProducts { product_ids }));
    }

    #[test]
    fn duplicate_lines_are_refused() {
        let result = price(&[line("prod_a", 1), line("prod_a", 2)], &[product("prod_a", 1, Currency::EUR)]);
        assert_eq!(result, Err(PricingError::DuplicateLine { product_id: "prod_a".parse().unwrap() }));
    }

    #[test]
    fn mixed_currencies_are_refused() {
        let catalogue = [product("prod_a", 1, Currency::EUR), product("prod_b", 1, Currency::USD)];
        let result = price(&[line("prod_a", 1), line("prod_b", 1)], &catalogue);
        assert_eq!(result, Err(PricingError::MixedCurrencies { first: "EUR".into(), second: "USD".into() }));
    }

    #[test]
    fn overflow_is_refused() {
        let catalogue = [product("prod_a", i64::MAX, Currency::EUR), product("prod_b", 1, Currency::EUR)];
        assert_eq!(price(&[line("prod_a", 2)], &catalogue), Err(PricingError::TotalTooLarge));
        assert_eq!(price(&[line("prod_a", 1), line("prod_b", 1)], &catalogue), Err(PricingError::TotalTooLarge));
    }

    #[test]
    fn too_many_lines_are_refused() {
        let lines: Vec<_> = (0..=MAX_LINES).map(|n| line(&format!("prod_{n}"), 1)).collect();
        assert_eq!(price(&lines, &[]), Err(PricingError::TooManyLines { lines: MAX_LINES + 1 }));
    }

    proptest! {
        /// Whatever the prices and quantities: either the exact sum (computed here in 128 bits), or an error
        /// exactly when it does not fit.
        #[test]
        fn totals_are_exact_or_refused(lines in prop::collection::vec((0..=i64::MAX / 4, 1..=999_i64), 1..20)) {
            let catalogue: Vec<_> = lines.iter().enumerate()
                .map(|(n, (amount, _))| product(&format!("prod_{n}"), *amount, Currency::EUR)).collect();
            let order: Vec<_> = lines.iter().enumerate().map(|(n, (_, quantity))| line(&format!("prod_{n}"), *quantity)).collect();
            let expected: i128 = lines.iter().map(|(amount, quantity)| i128::from(*amount) * i128::from(*quantity)).sum();
            match price(&order, &catalogue) {
                Ok(order) => prop_assert_eq!(i128::from(order.total.amount), expected),
                Err(error) => {
                    prop_assert_eq!(error, PricingError::TotalTooLarge);
                    prop_assert!(expected > i128::from(i64::MAX));
                }
            }
        }
    }
}
