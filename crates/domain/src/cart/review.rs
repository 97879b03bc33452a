//! A cart beside the catalogue as it is now.

use crate::{Cart, CartLine, Money, Product, Quantity};

/// What a cart comes to at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartReview {
    /// The lines, in the order in which they were put in.
    pub lines: Vec<ReviewedLine>,
    /// What it costs to buy all that is available. `None` if that is nothing, or if it cannot be paid together because
    /// the currencies differ or the sum does not fit.
    pub total: Option<Money>,
}

/// A line beside its product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedLine {
    /// What was put in.
    pub line: CartLine,
    /// The product as it is offered now; `None` if it is not any more.
    pub offer: Option<Offer>,
    /// What is different from when it was put in.
    pub changes: Vec<CartChange>,
}

/// A product as it is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
    /// Pieces that can be ordered.
    pub available: u64,
}

/// What is different from when a line was put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartChange {
    /// The product has another price.
    Price {
        /// What the customer saw.
        was: Money,
        /// What it costs.
        is: Money,
    },
    /// The product has another name.
    Name {
        /// What the customer saw.
        was: String,
        /// What it is called.
        is: String,
    },
    /// There are fewer pieces than the line asks for.
    InsufficientStock {
        /// How many there are.
        available: u64,
    },
    /// The product is not sold any more.
    NoLongerAvailable,
}

impl CartReview {
    /// Looks at a cart beside the products of the `catalogue` (which may hold others, too).
    pub fn new(cart: &Cart, catalogue: &[Product]) -> Self {
        let lines: Vec<_> = cart
            .lines()
            .iter()
            .map(|line| {
                let product = catalogue.iter().find(|product| product.id == line.product_id);
                ReviewedLine::new(line.clone(), product)
            })
            .collect();
        let total = total(&lines);
        Self { lines, total }
    }
}

impl ReviewedLine {
    fn new(line: CartLine, product: Option<&Product>) -> Self {
        let Some(product) = product else {
            return Self { line, offer: None, changes: vec![CartChange::NoLongerAvailable] };
        };
        let offer =
            Offer { name: product.name.as_str().to_owned(), price: product.price, available: product.stock.available };
        let mut changes = Vec::new();
        if offer.price != line.seen.price {
            changes.push(CartChange::Price { was: line.seen.price, is: offer.price });
        }
        if offer.name != line.seen.name {
            changes.push(CartChange::Name { was: line.seen.name.clone(), is: offer.name.clone() });
        }
        if offer.available < u64::from(line.quantity.get()) {
            changes.push(CartChange::InsufficientStock { available: offer.available });
        }
        Self { line, offer: Some(offer), changes }
    }

    /// The pieces that are available, and the price of one; `None` if none is.
    fn affordable(&self) -> Option<(Quantity, Money)> {
        let offer = self.offer.as_ref()?;
        let pieces = i64::try_from(offer.available).unwrap_or(i64::MAX).min(i64::from(self.line.quantity.get()));
        Some((Quantity::new(pieces).ok()?, offer.price))
    }
}

/// What all that is available costs; `None` if nothing is, or if it cannot be added up.
fn total(lines: &[ReviewedLine]) -> Option<Money> {
    let mut sum: Option<Money> = None;
    for (pieces, price) in lines.iter().filter_map(ReviewedLine::affordable) {
        let line = price.checked_mul(pieces).ok()?;
        sum = Some(match sum {
            Some(sum) => sum.checked_add(line).ok()?,
            None => line,
        });
    }
    sum
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;

    use super::*;
    use crate::Mark;
    use crate::cart::tests::{pieces, product};

    fn cart(lines: &[(&str, i64)]) -> Cart {
        let mut cart = Cart::default();
        for (id, quantity) in lines {
            cart.add(&product(id, 250, 100), pieces(*quantity), Mark::new(1)).unwrap();
        }
        cart
    }

    #[test]
    fn an_unchanged_cart_costs_what_was_seen() {
        let review = CartReview::new(&cart(&[("prod_a", 3)]), &[product("prod_a", 250, 3), product("prod_z", 1, 1)]);
        assert_eq!(review.total, Some(Money::new(750, Currency::EUR)));
        assert_eq!(review.lines[0].changes, []);
    }

    #[test]
    fn every_change_is_told() {
        let mut renamed = product("prod_a", 300, 1);
        renamed.name = "Green tea".to_owned().try_into().unwrap();
        let review = CartReview::new(&cart(&[("prod_a", 3), ("prod_b", 1)]), &[renamed]);
        let eur = |amount| Money::new(amount, Currency::EUR);
        assert_eq!(
            review.lines[0].changes,
            [
                CartChange::Price { was: eur(250), is: eur(300) },
                CartChange::Name { was: "Tea".to_owned(), is: "Green tea".to_owned() },
                CartChange::InsufficientStock { available: 1 },
            ]
        );
        assert_eq!(review.lines[1].changes, [CartChange::NoLongerAvailable]);
        assert_eq!(review.total, Some(eur(300)), "only what there is counts");
    }

    #[test]
    fn what_cannot_be_paid_together_has_no_total() {
        let mut foreign = product("prod_b", 1, 5);
        foreign.price = Money::new(1, Currency::USD);
        let mut huge = product("prod_c", 1, 5);
        huge.price = Money::new(i64::MAX, Currency::EUR);
        let catalogue = [product("prod_a", 250, 5), foreign, huge, product("prod_d", 250, 0)];
        for lines in [[("prod_a", 1), ("prod_b", 1)], [("prod_a", 1), ("prod_c", 2)], [("prod_d", 1), ("prod_e", 1)]] {
            assert_eq!(CartReview::new(&cart(&lines), &catalogue).total, None, "{lines:?}");
        }
        assert_eq!(CartReview::new(&Cart::default(), &catalogue).total, None);
    }
}
