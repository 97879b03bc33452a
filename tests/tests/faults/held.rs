//! Orders that are held at everything that a checkout does to the world, so that something can happen under them.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::join_all;
use kassa_domain::{OrderId, ProductId};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::proxy::{Hold, Moment, Proxies, Refusal};
use kassa_tests::wait::eventually_within;
use kassa_tests::{Answer, Shop};
use kassa_workflows::checkout::{Step, Undo};
use reqwest::{RequestBuilder, StatusCode};

use crate::effects::{Deed, confirmation};
use crate::rig::{DECLINED_CARD, STOCK, on_sale};

/// How long it may take until an order is decided that several time-outs have to pass for.
const PATIENCE: Duration = Duration::from_mins(4);

/// What the customer of a case runs into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All goes well.
    Sold,
    /// The database refuses to confirm the paid order.
    Unconfirmable,
    /// The card is declined.
    Declined,
    /// There are fewer pieces than asked for.
    OutOfStock,
}

impl Fate {
    /// One in which the deed is done.
    fn with(deed: Deed) -> Self {
        match deed {
            Deed::Step(_) => Self::Sold,
            Deed::Undo(Undo::Refund | Undo::Restock | Undo::Cancel) => Self::Unconfirmable,
            // Only stock that was held and not yet sold is released.
            Deed::Undo(Undo::Release) => Self::Declined,
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Sold => StatusCode::CREATED,
            Self::Unconfirmable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Declined => StatusCode::PAYMENT_REQUIRED,
            Self::OutOfStock => StatusCode::CONFLICT,
        }
    }
}

/// Where an order is held, and why it comes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) fate: Fate,
    pub(crate) deed: Deed,
    pub(crate) moment: Moment,
}

impl Place {
    /// Both moments of everything that a checkout does.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Deed::all().flat_map(|deed| Self::both(Fate::with(deed), deed))
    }

    /// Both moments of a deed.
    pub(crate) fn both(fate: Fate, deed: Deed) -> [Self; 2] {
        [Moment::BeforeEffect, Moment::AfterEffect].map(|moment| Self { fate, deed, moment })
    }

    /// Whether a mail can be under way while the order is held here, which nobody knows again.
    pub(crate) fn is_at_a_mail(self) -> bool {
        matches!(self.deed, Deed::Step(Step::Notify | Step::Publish))
    }
}

/// An order that is held.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) place: Place,
    pub(crate) order: OrderId,
    product: ProductId,
    request: RequestBuilder,
}

impl Case {
    /// An order that will be held at that place, once it is asked for.
    pub(crate) async fn prepare(shop: &Shop, proxies: &Proxies, place: Place) -> anyhow::Result<(Self, Hold)> {
        let product = on_sale(shop).await?;
        let pieces = if place.fate == Fate::OutOfStock { 11 } else { 1 };
        let card = if place.fate == Fate::Declined { DECLINED_CARD } else { GOOD_CARD };
        let checkout = shop.customer().buys(&product, pieces).pays_with(card);
        let case = Self { place, order: checkout.order_id(), product, request: checkout.request() };
        case.meets_its_fate(proxies);
        let (proxy, call) = place.deed.effect(&case.order, proxies);
        let hold = proxy.hold(call, place.moment);
        Ok((case, hold))
    }

    /// Has the database refuse what it shall refuse.
    pub(crate) fn meets_its_fate(&self, proxies: &Proxies) {
        if self.place.fate == Fate::Unconfirmable {
            proxies.rds_data.refuse(confirmation().and(self.order.as_str()), Refusal::constraint_violation());
        }
    }

    /// Asks for the order once.
    pub(crate) fn send(&self) -> anyhow::Result<impl Future<Output = anyhow::Result<Answer>> + Send + use<>> {
        Ok(Answer::of(self.request.try_clone().context("it can be repeated")?))
    }

    /// Asks for the order until it is decided, whatever becomes of single requests.
    pub(crate) async fn decided(&self) -> anyhow::Result<Answer> {
        eventually_within(PATIENCE, &format!("{:?} is decided", self.place), async || {
            let answer = self.send()?.await?;
            let is_decided = match answer.status {
                StatusCode::ACCEPTED => false,
                StatusCode::SERVICE_UNAVAILABLE => answer.code() == Some("checkout_failed"),
                _ => true,
            };
            ensure!(is_decided, "still undecided: {answer:?}");
            Ok(answer)
        })
        .await
    }

    /// Judges the order and what its customer was told.
    pub(crate) async fn judge(&self, shop: &Shop, answer: &Answer, mail_may_repeat: bool) -> anyhow::Result<()> {
        let Place { fate, deed, moment } = self.place;
        let expected = match (fate, deed, moment) {
            // The reservation is closed by now, and does not remember why.
            (Fate::OutOfStock, Deed::Undo(Undo::Release), Moment::AfterEffect)
            | (Fate::OutOfStock, Deed::Undo(Undo::Cancel), Moment::BeforeEffect) => Fate::Unconfirmable.status(),
            _ => fate.status(),
        };
        ensure!(answer.status == expected, "expected {expected}: {answer:?}");
        let oracle = shop.oracle().product(&self.product, STOCK).order(&self.order);
        if mail_may_repeat { oracle.mail_may_repeat() } else { oracle }.check().await
    }
}

/// Judges all of them, and tells everything that is wrong.
pub(crate) async fn judge_all(
    shop: &Shop,
    judged: impl IntoIterator<Item = (&Case, &Answer)>,
    mail_may_repeat: impl Fn(Place) -> bool,
) -> anyhow::Result<()> {
    let judged = judged.into_iter().map(|(case, answer)| (case, answer, mail_may_repeat(case.place)));
    let judged = join_all(judged.map(async |(case, answer, mail_may_repeat)| {
        let judged = case.judge(shop, answer, mail_may_repeat).await;
        judged.map_err(|error| format!("{:?}: {error:#}", case.place))
    }));
    let wrong: Vec<String> = judged.await.into_iter().filter_map(Result::err).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
