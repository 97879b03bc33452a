//! Events are published whatever happens to those who publish them.

use anyhow::ensure;
use kassa_store::notifications::{Filter, Status};
use kassa_tests::proxy::{Call, Moment};
use kassa_tests::{Shop, eventually, on_exclusive_shop};

use kassa_workflows::contracts::reconciliation::FindingKind;
use kassa_workflows::{recovery, workflow_id};

use crate::rig::{Rig, STOCK, on_sale};

#[test]
fn an_event_that_was_only_about_to_be_published_is_found_and_published() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let mut rig = Rig::set_up(shop).await?;
        let shop: &Shop = shop;
        let product = on_sale(shop).await?;
        let checkout = shop.customer().buys(&product, 1);
        let order = checkout.order_id();
        let put = Call::with("AWSEvents.PutEvents").and(order.as_str());
        let mut hold = rig.proxies.aws.hold(put, Moment::BeforeEffect);
        checkout.send_until_decided().await?.assert_confirmed();
        hold.caught().await?;
        let logged = shop.event_log.of_order(&order).await?;
        assert_eq!(logged.iter().map(|event| event.published).collect::<Vec<_>>(), [false]);

        eventually("the mail is sent", async || {
            let mails = shop.notifications.list(&Filter::Order(order.clone()), 1, None).await?.notifications;
            ensure!(mails.iter().any(|mail| mail.status == Status::Sent), "{mails:?}");
            Ok(())
        })
        .await?;

        // Nobody is left who would publish it.
        shop.terminate(&workflow_id(&order)).await?;
        rig.worker.kill().await?;
        hold.discard();
        rig.start_worker().await?;

        let found = shop.finds(FindingKind::EventsMissing).await?;
        assert_eq!(found.finding.order_id.as_ref(), Some(&order));
        shop.completed(&recovery::workflow_id(&order)).await?;
        shop.oracle().product(&product, STOCK).order(&order).ended_from_outside().check().await
    })
}
