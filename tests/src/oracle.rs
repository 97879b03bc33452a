//! Judges orders and products from outside the application: by what Stripe, both databases, the mailbox and the event
//! queue say, once all workflows have ended.

mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};

use anyhow::{bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_domain::{OrderId, ProductId, StockLevel};

use crate::{Shop, touched};
use facts::{Facts, Outside};

/// How every objection begins.
const OBJECTS: &str = "the oracle objects";

/// How many orders are looked at at the same time.
const AT_ONCE: usize = 16;

/// The orders and products of one test.
#[derive(Debug, Clone)]
pub struct Oracle<'shop> {
    shop: &'shop Shop,
    received: BTreeMap<ProductId, u64>,
    orders: Vec<OrderId>,
    /// Those of the orders whose customers were told that they are confirmed.
    told_confirmed: BTreeSet<OrderId>,
    mails: MailRule,
    /// Whether no workflow is waited for.
    ended: bool,
}

/// How often the same mail may have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MailRule {
    Once,
    AtLeastOnce,
}

impl Shop {
    /// An oracle that knows nothing yet.
    pub fn oracle(&self) -> Oracle<'_> {
        Oracle {
            shop: self,
            received: BTreeMap::new(),
            orders: Vec::new(),
            told_confirmed: BTreeSet::new(),
            mails: MailRule::Once,
            ended: false,
        }
    }
}

impl Oracle<'_> {
    /// A product that was made by the test, and how many pieces it has received. All orders of it have to be given.
    #[must_use]
    pub fn product(mut self, product: &ProductId, received: u64) -> Self {
        self.received.insert(product.clone(), received);
        self
    }

    /// An order, whatever became of it.
    #[must_use]
    pub fn order(mut self, order: &OrderId) -> Self {
        self.orders.push(order.clone());
        self
    }

    /// Orders, whatever became of them.
    #[must_use]
    pub fn orders<'a>(self, orders: impl IntoIterator<Item = &'a OrderId>) -> Self {
        orders.into_iter().fold(self, Self::order)
    }

    /// Which of the given orders their customers were told to be confirmed: each of them has to have been, whatever has
    /// become of it since.
    #[must_use]
    pub fn told_confirmed<'a>(mut self, orders: impl IntoIterator<Item = &'a OrderId>) -> Self {
        self.told_confirmed.extend(orders.into_iter().cloned());
        self
    }

    /// Allows more than one mail per order, because something was killed while one was sent.
    #[must_use]
    pub fn mail_may_repeat(self) -> Self {
        touched::mail_may_repeat();
        Self { mails: MailRule::AtLeastOnce, ..self }
    }

    /// Allows workflows that were ended from outside, after a reconciliation has mended what they left behind.
    #[must_use]
    pub fn ended_from_outside(self) -> Self {
        touched::ended_from_outside();
        Self { ended: true, ..self }
    }

    /// Does not wait: all workflows are known to have ended.
    #[must_use]
    pub fn at_rest(self) -> Self {
        Self { ended: true, ..self }
    }

    /// Waits until every workflow has ended, and checks that money, stock, books, mail and events agree. The error lists
    /// everything that does not.
    pub async fn check(&self) -> anyhow::Result<()> {
        let ends = self.orders.iter().map(|order| self.end_of(order));
        let has_workflow: Vec<bool> = stream::iter(ends).buffered(AT_ONCE).try_collect().await?;

        let outside = Outside::read(self.shop).await?;
        let facts = self
            .orders
            .iter()
            .zip(has_workflow)
            .map(|(order, has_workflow)| Facts::read(self.shop, &outside, order, has_workflow));
        let facts: Vec<Facts> = stream::iter(facts).buffered(AT_ONCE).try_collect().await?;
        let mut findings = Findings::default();
        let mut expected: BTreeMap<ProductId, StockLevel> =
            self.received.keys().map(|product| (product.clone(), StockLevel::default())).collect();
        for (order, facts) in self.orders.iter().zip(&facts) {
            facts.judge(self.mails, &mut findings);
            let kept = facts.was_confirmed() || !self.told_confirmed.contains(order);
            findings.expect(order, "a confirmation, as its customer was told", kept);
            facts.count_stock(&mut expected);
        }
        for (product, received) in &self.received {
            let level = self.shop.stock(product).await?;
            let StockLevel { reserved, sold, .. } = expected[product];
            findings.expect_eq(product, "pieces that are available, reserved or sold", level.received(), *received);
            findings.expect_eq(product, "reserved pieces, by its open reservations", level.reserved, reserved);
            findings.expect_eq(product, "sold pieces, by its confirmed orders", level.sold, sold);
        }
        findings.into_result()?;
        touched::judged(self.received.keys(), &self.orders);
        Ok(())
    }

    /// What the oracle objects to, where an operator has answered for something that is not as it should be.
    pub async fn objection(&self) -> anyhow::Result<String> {
        let Err(objection) = self.check().await else { bail!("the oracle objects to nothing") };
        let objection = objection.to_string();
        // Whatever else went wrong is no objection.
        ensure!(objection.starts_with(OBJECTS), "{objection}");
        touched::judged(self.received.keys(), &self.orders);
        Ok(objection)
    }

    /// Waits until the workflow of an order has ended, and tells whether there was one: an order that is refused at
    /// once has none.
    async fn end_of(&self, order: &OrderId) -> anyhow::Result<bool> {
        let has_workflow = self.shop.describe(order).await?.is_some();
        if has_workflow && !self.ended {
            self.shop.closed(order).await?;
            self.shop.settled(order).await?;
        }
        Ok(has_workflow)
    }
}

/// What does not agree.
#[derive(Debug, Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, about: &dyn Display, finding: &str) {
        self.0.push(format!("{about}: {finding}"));
    }

    fn expect(&mut self, about: &dyn Display, what: &str, holds: bool) {
        if !holds {
            self.add(about, &format!("expected {what}"));
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is called like `assert_eq!`, mostly with numbers")]
    fn expect_eq<T: PartialEq + Debug>(&mut self, about: &dyn Display, what: &str, found: T, expected: T) {
        if found != expected {
            self.add(about, &format!("{what}: found {found:?}, expected {expected:?}"));
        }
    }

    fn into_result(self) -> anyhow::Result<()> {
        if self.0.is_empty() { Ok(()) } else { bail!("{OBJECTS}:\n  {}", self.0.join("\n  ")) }
    }
}
