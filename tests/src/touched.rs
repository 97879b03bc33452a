//! What a test has touched, so that the oracle judges all of it when the test ends, unless the test has had that done itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use kassa_domain::{OrderId, ProductId};

use crate::{Oracle, Shop};

tokio::task_local! {
    /// Of the test that runs on this task. What is built here and sent by a task of its own counts, too.
    static TOUCHED: RefCell<Touched>;
}

#[derive(Debug, Clone, Default)]
struct Touched {
    /// What each product has received, by the names of the receipts: the same one counts once.
    received: BTreeMap<ProductId, BTreeMap<String, i64>>,
    orders: BTreeSet<OrderId>,
    unjudged_products: BTreeSet<ProductId>,
    unjudged_orders: BTreeSet<OrderId>,
    mail_may_repeat: bool,
    ended_from_outside: bool,
}

/// Runs a test whose shop is judged when it ends.
pub(crate) async fn noted<T>(test: impl Future<Output = T>) -> T {
    TOUCHED.scope(RefCell::default(), test).await
}

fn note(note: impl FnOnce(&mut Touched)) {
    // Whoever runs a shop outside of `noted` has it judged without help.
    let _ = TOUCHED.try_with(|touched| note(&mut touched.borrow_mut()));
}

/// A product was made.
pub(crate) fn made(product: &ProductId) {
    note(|touched| {
        touched.received.entry(product.clone()).or_default();
        touched.unjudged_products.insert(product.clone());
    });
}

/// Stock was received, or corrected.
pub(crate) fn received(product: &ProductId, delta: i64, receipt: &str) {
    note(|touched| {
        // One that was made in another way is not known from its beginning.
        if let Some(receipts) = touched.received.get_mut(product) {
            receipts.insert(receipt.to_owned(), delta);
            touched.unjudged_products.insert(product.clone());
        }
    });
}

/// An order is asked for.
pub(crate) fn ordered(order: &OrderId) {
    note(|touched| {
        touched.orders.insert(order.clone());
        touched.unjudged_orders.insert(order.clone());
    });
}

pub(crate) fn mail_may_repeat() {
    note(|touched| touched.mail_may_repeat = true);
}

pub(crate) fn ended_from_outside() {
    note(|touched| touched.ended_from_outside = true);
}

/// These were judged, and nothing was wrong.
pub(crate) fn judged<'a>(
    products: impl IntoIterator<Item = &'a ProductId>,
    orders: impl IntoIterator<Item = &'a OrderId>,
) {
    note(|touched| {
        for product in products {
            touched.unjudged_products.remove(product);
        }
        for order in orders {
            touched.unjudged_orders.remove(order);
        }
    });
}

/// Judges what nobody has judged.
pub(crate) async fn judge(shop: &Shop) -> anyhow::Result<()> {
    // The oracle notes what it allows.
    let touched = TOUCHED.with(|touched| touched.borrow().clone());
    match touched.oracle(shop)? {
        Some(oracle) => oracle.check().await.context("what the test has left"),
        None => Ok(()),
    }
}

impl Touched {
    fn oracle<'shop>(&self, shop: &'shop Shop) -> anyhow::Result<Option<Oracle<'shop>>> {
        if self.unjudged_products.is_empty() && self.unjudged_orders.is_empty() {
            return Ok(None);
        }
        let mut oracle =
            shop.oracle().orders(if self.unjudged_products.is_empty() { &self.unjudged_orders } else { &self.orders });
        for product in &self.unjudged_products {
            let received: i64 = self.received.get(product).into_iter().flat_map(BTreeMap::values).sum();
            oracle = oracle.product(product, u64::try_from(received)?);
        }
        if self.mail_may_repeat {
            oracle = oracle.mail_may_repeat();
        }
        if self.ended_from_outside {
            oracle = oracle.ended_from_outside();
        }
        Ok(Some(oracle))
    }
}
