//! Refunds and cancellations of sold orders, while the worker dies under them.

use std::collections::BTreeSet;

use anyhow::ensure;
use futures::future::{join_all, try_join_all};
use kassa_domain::{OrderId, ProductId, RefundId};
use kassa_tests::proxy::{Call, Hold, Moment, Proxies, Proxy};
use kassa_tests::refunds::RefundRequest;
use kassa_tests::workflows::activities;
use kassa_tests::{Answer, Shop, eventually, on_exclusive_shop};
use kassa_workflows::contracts::{events, inventory, notifications, orders, payments, refunds};
use kassa_workflows::{cancellation, refund};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::effects::{sql, transaction};
use crate::rig::{PRICE, Rig, STOCK, on_sale};

/// What is done to a sold order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// A part of its payment is given back.
    Refund,
    /// It is cancelled.
    Cancel,
}

impl Deed {
    /// Everything that it does to the world: the activity, and what tells its call from others of the kind.
    const fn effects(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Refund => &[
                (refunds::CLAIM, ""),
                (payments::CREATE_REFUND, ""),
                (refunds::SETTLE, ""),
                (notifications::SEND, ""),
                (events::PUBLISH, "order.refunded"),
            ],
            Self::Cancel => &[
                (orders::CANCEL_SALE, ""),
                (payments::CREATE_REFUND, ""),
                (refunds::SETTLE, ""),
                (inventory::RESTOCK, ""),
                (notifications::SEND, ""),
                (events::PUBLISH, "order.cancelled"),
                (events::PUBLISH, "order.refunded"),
            ],
        }
    }
}

/// A sold order under which the worker dies.
struct Case<'shop> {
    shop: &'shop Shop,
    deed: Deed,
    activity: &'static str,
    detail: &'static str,
    moment: Moment,
    product: ProductId,
    order: OrderId,
    refund: RefundRequest<'shop>,
}

impl<'shop> Case<'shop> {
    async fn sell(
        shop: &'shop Shop,
        deed: Deed,
        (activity, detail): (&'static str, &'static str),
        moment: Moment,
    ) -> anyhow::Result<Self> {
        let product = on_sale(shop).await?;
        let order = shop.customer().buys(&product, 1).send_until_decided().await?.assert_confirmed();
        // Its own mail and event are not those that are held.
        shop.closed(&order).await?;
        let refund = shop.refund(&order).of(PRICE / 5);
        Ok(Self { shop, deed, activity, detail, moment, product, order, refund })
    }

    fn refund_id(&self) -> RefundId {
        match self.deed {
            Deed::Refund => self.refund.refund_id(),
            Deed::Cancel => RefundId::of_cancellation(&self.order),
        }
    }

    fn workflow_id(&self) -> String {
        match self.deed {
            Deed::Refund => refund::workflow_id(&self.refund_id()),
            Deed::Cancel => cancellation::workflow_id(&self.order),
        }
    }

    /// Where the effect happens, and by which call.
    fn effect<'proxies>(&self, proxies: &'proxies Proxies) -> (&'proxies Proxy, Call) {
        let (order, refund) = (self.order.as_str(), self.refund_id());
        let (proxy, call) = match self.activity {
            orders::CANCEL_SALE => (&proxies.rds_data, sql("AS refund_amount").and(order)),
            refunds::CLAIM => (&proxies.rds_data, sql("AS known_fingerprint").and(refund.as_str())),
            refunds::SETTLE => (&proxies.rds_data, sql("settled_at = changed.updated_at").and(refund.as_str())),
            payments::CREATE_REFUND => (&proxies.stripe, Call::with("POST /v1/refunds").and(refund.as_str())),
            inventory::RESTOCK => (&proxies.dynamodb, transaction("RESTOCKED").and(order)),
            notifications::SEND => (&proxies.aws, Call::with("POST /v2/email/outbound-emails").and(order)),
            events::PUBLISH => (&proxies.aws, Call::with("AWSEvents.PutEvents").and(order)),
            other => panic!("nobody knows by which call {other} takes effect"),
        };
        (proxy, call.and(self.detail))
    }

    fn hold(&self, proxies: &Proxies) -> Hold {
        let (proxy, call) = self.effect(proxies);
        proxy.hold(call, self.moment)
    }

    /// Asks until it is decided: a call that died with the worker is made again only after its time-out.
    async fn ask(&self) -> anyhow::Result<Answer> {
        eventually("it is decided", async || {
            let answer = match self.deed {
                Deed::Refund => self.refund.send().await?,
                Deed::Cancel => {
                    let request = self.shop.as_admin(Method::POST, &format!("/api/orders/{}/cancel", self.order));
                    Answer::of(request.json(&json!({}))).await?
                }
            };
            ensure!(answer.status != StatusCode::ACCEPTED, "still undecided");
            Ok(answer)
        })
        .await
    }

    /// The only effect that nobody knows again: a mail that was on its way when the worker died comes twice. It may be while
    /// anything else is done that does not come before it.
    fn mail_may_repeat(&self) -> bool {
        match (self.deed, self.activity, self.moment) {
            (_, notifications::SEND, Moment::BeforeEffect)
            | (Deed::Refund, refunds::CLAIM | payments::CREATE_REFUND | refunds::SETTLE, _)
            | (Deed::Cancel, orders::CANCEL_SALE, _) => false,
            (Deed::Refund | Deed::Cancel, _, _) => true,
        }
    }

    async fn judge(&self, answer: &Answer) -> anyhow::Result<()> {
        let shop = self.shop;
        let expected = match self.deed {
            Deed::Refund => 201,
            Deed::Cancel => 200,
        };
        ensure!(answer.status == expected, "expected {expected}: {answer:#?}");
        let oracle = shop.oracle().product(&self.product, STOCK).order(&self.order);
        if self.mail_may_repeat() { oracle.mail_may_repeat() } else { oracle }.check().await?;
        let done = activities(&shop.history_of(&self.workflow_id()).await?);
        let done: BTreeSet<_> = done.iter().map(|name| name.trim_end_matches('!')).collect();
        let covered: BTreeSet<_> = self.deed.effects().iter().map(|(activity, _)| *activity).collect();
        ensure!(done == covered, "it does {done:?}, and is killed at {covered:?}");
        Ok(())
    }
}

fn killed_at_every_effect_of(deed: Deed) -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let both = |effect| [(effect, Moment::BeforeEffect), (effect, Moment::AfterEffect)];
        let cases = deed.effects().iter().flat_map(|effect| both(*effect));
        let cases = try_join_all(cases.map(|(effect, moment)| Case::sell(shop, deed, effect, moment))).await?;
        let mut holds: Vec<_> = cases.iter().map(|case| case.hold(&rig.proxies)).collect();
        let dies = async {
            for hold in &mut holds {
                hold.caught().await?;
            }
            rig.worker.kill().await?;
            holds.into_iter().for_each(Hold::discard);
            rig.start_worker().await
        };

        let (answers, ()) = tokio::try_join!(try_join_all(cases.iter().map(Case::ask)), dies)?;

        let judged = join_all(cases.iter().zip(&answers).map(async |(case, answer)| {
            let at = (case.activity, case.detail, case.moment);
            case.judge(answer).await.map_err(|error| format!("{deed:?} {at:?}: {error:#}"))
        }));
        let wrong: Vec<String> = judged.await.into_iter().filter_map(Result::err).collect();
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    })
}

#[test]
fn a_worker_killed_anywhere_in_a_refund_gives_the_money_back_once() -> anyhow::Result<()> {
    killed_at_every_effect_of(Deed::Refund)
}

#[test]
fn a_worker_killed_anywhere_in_a_cancellation_puts_everything_back_once() -> anyhow::Result<()> {
    killed_at_every_effect_of(Deed::Cancel)
}
