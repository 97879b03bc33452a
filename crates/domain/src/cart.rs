//! Carts: what somebody may buy, before anything is held or promised.

mod id;
mod review;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use id::{CartId, InvalidCartId};
pub use review::{CartChange, CartReview, Offer, ReviewedLine};

use crate::{Line, MAX_LINES, MAX_QUANTITY, Money, Product, ProductId, Quantity};

/// Counts the pieces that were ever put into a line, starting from the time at which the line was made (nanoseconds
/// since 1970).
///
/// Between two marks of a line lies what was put in meanwhile. A line that was taken out and put in again starts far
/// beyond the marks of the first one, so that nothing of it is taken for something that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(u64);

impl Mark {
    /// The mark with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    const fn after(self, pieces: u32) -> Self {
        Self(self.0.saturating_add(pieces as u64))
    }

    /// How many pieces of a line that is at this mark now have come since it was at `then`: all, if it is another line.
    fn since(self, then: Self) -> u64 {
        self.0.checked_sub(then.0).unwrap_or(u64::MAX)
    }
}

/// What the customer saw of a product when putting it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
}

impl From<&Product> for Seen {
    fn from(product: &Product) -> Self {
        Self { name: product.name.as_str().to_owned(), price: product.price }
    }
}

/// Some pieces of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    /// The product.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
    /// What the customer saw of it.
    pub seen: Seen,
    /// What was ever put in.
    pub mark: Mark,
}

/// The lines of a cart, each product in one, in the order in which they were put in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cart {
    lines: Vec<CartLine>,
}

/// Why something does not fit into a cart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// The line would have more than [`MAX_QUANTITY`] pieces.
    #[error("the cart holds {in_cart} pieces of {product_id}: at most {} more are allowed, {MAX_QUANTITY} in all", MAX_QUANTITY - in_cart)]
    TooManyPieces {
        /// The product.
        product_id: ProductId,
        /// How many pieces of it the cart holds.
        in_cart: u32,
    },
    /// The cart would have more than [`MAX_LINES`] lines.
    #[error("the cart is full: it holds at most {MAX_LINES} different products")]
    TooManyLines,
}

/// What could not be taken over from another cart, because of the limits of a cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// How many lines came over, whole or in part.
    pub lines: usize,
    /// Products of which not all pieces fitted.
    pub cut: Vec<ProductId>,
    /// Products of which nothing fitted.
    pub left_out: Vec<ProductId>,
}

impl Cart {
    /// A cart of these lines. Of a product that is in two, the first counts.
    pub fn new(mut lines: Vec<CartLine>) -> Self {
        lines.sort_by(|a, b| a.mark.cmp(&b.mark).then_with(|| a.product_id.cmp(&b.product_id)));
        let mut cart = Self::default();
        for line in lines {
            if cart.line(&line.product_id).is_none() {
                cart.lines.push(line);
            }
        }
        cart
    }

    /// The lines, in the order in which they were put in.
    pub fn lines(&self) -> &[CartLine] {
        &self.lines
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line of a product.
    pub fn line(&self, product_id: &ProductId) -> Option<&CartLine> {
        self.lines.iter().find(|line| line.product_id == *product_id)
    }

    fn line_mut(&mut self, product_id: &ProductId) -> Option<&mut CartLine> {
        self.lines.iter_mut().find(|line| line.product_id == *product_id)
    }

    /// Puts in more pieces of a product. `now` is where the mark of a new line starts.
    pub fn add(&mut self, product: &Product, pieces: Quantity, now: Mark) -> Result<(), CartError> {
        let Some(line) = self.line_mut(&product.id) else { return self.put_in(product, pieces, now) };
        let in_cart = line.quantity.get();
        line.quantity =
            sum(in_cart, pieces).ok_or_else(|| CartError::TooManyPieces { product_id: product.id.clone(), in_cart })?;
        line.mark = line.mark.after(pieces.get());
        line.seen = product.into();
        Ok(())
    }

    /// Sees to it that there are this many pieces of a product. `now` is where the mark of a new line starts.
    pub fn set(&mut self, product: &Product, pieces: Quantity, now: Mark) -> Result<(), CartError> {
        let Some(line) = self.line_mut(&product.id) else { return self.put_in(product, pieces, now) };
        line.mark = line.mark.after(pieces.get().saturating_sub(line.quantity.get()));
        line.quantity = pieces;
        line.seen = product.into();
        Ok(())
    }

    fn put_in(&mut self, product: &Product, quantity: Quantity, now: Mark) -> Result<(), CartError> {
        if self.lines.len() >= MAX_LINES {
            return Err(CartError::TooManyLines);
        }
        let (product_id, seen) = (product.id.clone(), product.into());
        self.lines.push(CartLine { product_id, quantity, seen, mark: now.after(quantity.get()) });
        Ok(())
    }

    /// Takes out a product. Says whether it was in.
    pub fn remove(&mut self, product_id: &ProductId) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| line.product_id != *product_id);
        self.lines.len() < before
    }

    /// Takes over what is in another cart, as far as it fits.
    pub fn merge(&mut self, other: Self) -> Merged {
        let mut merged = Merged::default();
        for theirs in other.lines {
            let product_id = theirs.product_id.clone();
            let full = self.lines.len() >= MAX_LINES;
            let wanted = theirs.quantity;
            let moved = match self.line_mut(&product_id) {
                None if full => 0,
                None => {
                    self.lines.push(theirs);
                    wanted.get()
                }
                Some(line) => {
                    let in_cart = line.quantity.get();
                    line.quantity = sum(in_cart, wanted).unwrap_or(Quantity::MAX);
                    let moved = line.quantity.get() - in_cart;
                    line.mark = line.mark.after(moved);
                    moved
                }
            };
            merged.lines += usize::from(moved > 0);
            if moved == 0 {
                merged.left_out.push(product_id);
            } else if moved < wanted.get() {
                merged.cut.push(product_id);
            }
        }
        merged
    }

    /// What is to be bought.
    pub fn to_order(&self) -> Vec<Line> {
        let line = |line: &CartLine| Line { product_id: line.product_id.clone(), quantity: line.quantity };
        self.lines.iter().map(line).collect()
    }

    /// How far each line is: what [`Cart::settle`] needs to know once all of it has been bought.
    pub fn marks(&self) -> BTreeMap<ProductId, Mark> {
        self.lines.iter().map(|line| (line.product_id.clone(), line.mark)).collect()
    }

    /// Takes out what was bought: everything that was in when the cart had these marks. What was put in since stays, as far as it
    /// has not been taken out again.
    ///
    /// Doing it again changes nothing, whatever was done to the cart in between: from then on a line never holds more
    /// than what lies between its mark and the one that was bought.
    pub fn settle(&mut self, bought: &BTreeMap<ProductId, Mark>) {
        self.lines.retain_mut(|line| {
            let Some(then) = bought.get(&line.product_id) else { return true };
            let stays = line.mark.since(*then).min(u64::from(line.quantity.get()));
            match i64::try_from(stays).ok().and_then(|stays| Quantity::new(stays).ok()) {
                Some(stays) => {
                    line.quantity = stays;
                    true
                }
                None => false,
            }
        });
    }
}

fn sum(in_cart: u32, more: Quantity) -> Option<Quantity> {
    Quantity::new(i64::from(in_cart) + i64::from(more.get())).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use iso_currency::Currency;
    use proptest::prelude::*;

    use super::*;
    use crate::{Attributes, Description, Images, StockLevel};

    pub(crate) fn product(id: &str, amount: i64, available: u64) -> Product {
        Product {
            id: id.parse().unwrap(),
            name: "Tea".to_owned().try_into().unwrap(),
            description: Description::default(),
            category: None,
            price: Money::new(amount, Currency::EUR),
            images: Images::default(),
            attributes: Attributes::default(),
            stock: StockLevel { available, reserved: 0, sold: 0 },
            version: 1,
        }
    }

    pub(crate) fn pieces(pieces: i64) -> Quantity {
        Quantity::new(pieces).unwrap()
    }

    /// The time of the `n`th request: a second lies between two.
    fn at(n: u64) -> Mark {
        Mark(n * 1_000_000_000)
    }

    fn quantity(cart: &Cart, id: &str) -> u32 {
        cart.line(&id.parse().unwrap()).map_or(0, |line| line.quantity.get())
    }

    fn full() -> Cart {
        let mut cart = Cart::default();
        for n in 0..MAX_LINES {
            cart.add(&product(&format!("prod_{n}"), 1, 1), pieces(1), at(1)).unwrap();
        }
        cart
    }

    #[test]
    fn pieces_of_one_product_add_up_to_the_limit() {
        let mut cart = Cart::default();
        cart.add(&product("prod_a", 1, 9), pieces(2), at(1)).unwrap();
        cart.add(&product("prod_a", 1, 9), pieces(996), at(2)).unwrap();
        let error = cart.add(&product("prod_a", 1, 9), pieces(2), at(3)).unwrap_err();
        assert_eq!(error.to_string(), "the cart holds 998 pieces of prod_a: at most 1 more are allowed, 999 in all");
        assert_eq!(quantity(&cart, "prod_a"), 998);
    }

    #[test]
    fn a_full_cart_takes_more_of_what_it_has_and_nothing_new() {
        let mut cart = full();
        assert_eq!(cart.add(&product("prod_new", 1, 1), pieces(1), at(2)), Err(CartError::TooManyLines));
        assert_eq!(cart.set(&product("prod_new", 1, 1), pieces(1), at(2)), Err(CartError::TooManyLines));
        cart.add(&product("prod_7", 1, 1), pieces(1), at(2)).unwrap();
        assert_eq!((cart.lines().len(), quantity(&cart, "prod_7")), (MAX_LINES, 2));
    }

    #[test]
    fn merging_adds_up_and_says_what_did_not_fit() {
        let mut cart = full();
        cart.set(&product("prod_0", 1, 1), pieces(998), at(2)).unwrap();
        cart.set(&product("prod_1", 1, 1), pieces(999), at(2)).unwrap();
        let mut guest = Cart::default();
        for (id, quantity) in [("prod_0", 2), ("prod_1", 1), ("prod_2", 3), ("prod_new", 1)] {
            guest.add(&product(id, 1, 1), pieces(quantity), at(3)).unwrap();
        }

        let merged = cart.merge(guest);

        let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<ProductId>>();
        let expected = Merged { lines: 2, cut: ids(&["prod_0"]), left_out: ids(&["prod_1", "prod_new"]) };
        assert_eq!(merged, expected);
        assert_eq!((quantity(&cart, "prod_0"), quantity(&cart, "prod_2")), (999, 4));
    }

    #[test]
    fn what_was_put_in_after_the_checkout_stays() {
        let mut cart = Cart::default();
        for id in ["prod_a", "prod_b", "prod_c", "prod_d", "prod_e"] {
            cart.add(&product(id, 1, 9), pieces(2), at(1)).unwrap();
        }
        let bought = cart.marks();
        cart.add(&product("prod_b", 1, 9), pieces(3), at(2)).unwrap();
        cart.set(&product("prod_c", 1, 9), pieces(1), at(3)).unwrap();
        assert!(cart.remove(&"prod_d".parse().unwrap()));
        cart.add(&product("prod_d", 1, 9), pieces(1), at(4)).unwrap();
        cart.set(&product("prod_e", 1, 9), pieces(6), at(5)).unwrap();
        cart.add(&product("prod_f", 1, 9), pieces(1), at(6)).unwrap();

        cart.settle(&bought);

        let left = ["prod_a", "prod_b", "prod_c", "prod_d", "prod_e", "prod_f"].map(|id| quantity(&cart, id));
        assert_eq!(left, [0, 3, 0, 1, 4, 1]);
    }

    #[derive(Debug, Clone, Copy)]
    enum Request {
        Add(i64),
        Set(i64),
        Remove,
        Merge(i64),
    }

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            (1..50_i64).prop_map(Request::Add),
            (1..50_i64).prop_map(Request::Set),
            Just(Request::Remove),
            (1..50_i64).prop_map(Request::Merge),
        ]
    }

    /// Does what customers do, and says how many pieces were put in and not taken out again.
    fn do_all(cart: &mut Cart, requests: &[Request], clock: &mut u64) -> u32 {
        let tea = product("prod_a", 1, 9);
        let mut put_in = 0;
        for request in requests {
            *clock += 1;
            let before = quantity(cart, "prod_a");
            match *request {
                // A full line refuses, and that is all right.
                Request::Add(n) => drop(cart.add(&tea, pieces(n), at(*clock))),
                Request::Set(n) => cart.set(&tea, pieces(n), at(*clock)).unwrap(),
                Request::Remove => drop(cart.remove(&tea.id)),
                Request::Merge(n) => {
                    let mut guest = Cart::default();
                    guest.add(&tea, pieces(n), at(*clock)).unwrap();
                    cart.merge(guest);
                }
            }
            let after = quantity(cart, "prod_a");
            put_in = (put_in + after.saturating_sub(before)).min(after);
        }
        put_in
    }

    proptest! {
        /// Whatever happens between checkout and confirmation: what stays is what was put in meanwhile and is still
        /// in. And it stays, however often and late the order is settled again.
        #[test]
        fn settling_takes_what_was_bought_and_once(
            before in prop::collection::vec(request(), 0..6),
            meanwhile in prop::collection::vec(request(), 0..6),
            later in prop::collection::vec(request(), 0..6),
        ) {
            let (mut cart, mut clock) = (Cart::default(), 0);
            do_all(&mut cart, &before, &mut clock);
            let bought = cart.marks();
            let new = do_all(&mut cart, &meanwhile, &mut clock);
            let expected = if bought.is_empty() { quantity(&cart, "prod_a") } else { new };

            cart.settle(&bought);
            prop_assert_eq!(quantity(&cart, "prod_a"), expected);

            do_all(&mut cart, &later, &mut clock);
            let settled_once = cart.clone();
            cart.settle(&bought);
            prop_assert_eq!(cart, settled_once);
        }
    }
}
