//! Workers are replaced by newer ones while orders run: each order is finished by the version that began it.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use kassa_devstack::progress::Silent;
use kassa_devstack::stack::Application;
use kassa_devstack::temporal::NAMESPACE;
use kassa_devstack::{tools, workspace};
use kassa_domain::{OrderId, ProductId};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::{Page, Shop, eventually, on_own_shop};
use kassa_workflows::workflow_id;
use temporalio_common::protos::temporal::api::enums::v1::VersioningBehavior;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use tokio::process::Command;

const DEPLOYMENT: &str = "kassa";

/// Starts a worker beside those that run, as a version of the deployment.
async fn start_version(shop: &Shop, build_id: &str) -> anyhow::Result<Application> {
    let mut worker = shop.stack.another_worker(&format!("worker-{build_id}"))?;
    worker.start_with(&[("KASSA_DEPLOYMENT", DEPLOYMENT), ("KASSA_BUILD_ID", build_id)]).await?;
    Ok(worker)
}

/// What operators type, as `docs/upgrading.md` has it.
async fn temporal(shop: &Shop, arguments: &[&str]) -> anyhow::Result<String> {
    let program = tools::prepare(&workspace::tools_folder(), &Silent).await?.temporal;
    let output = Command::new(program)
        .args(arguments)
        .args(["--address", &shop.stack.temporal.address().to_string(), "--namespace", NAMESPACE])
        .output()
        .await?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "temporal {}: {complaints}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

/// Has new orders go to a version. Temporal learns of a worker a moment after the worker is ready.
async fn make_current(shop: &Shop, build_id: &str) -> anyhow::Result<()> {
    let set = ["worker", "deployment", "set-current-version", "--deployment-name", DEPLOYMENT, "--build-id", build_id];
    eventually(&format!("{build_id} becomes the current version"), async || {
        temporal(shop, &[&set[..], &["--yes"]].concat()).await.map(drop)
    })
    .await
}

/// The builds that have worked on an order, by its history.
async fn builds(shop: &Shop, order: &OrderId) -> anyhow::Result<BTreeSet<String>> {
    let history = shop.history(order).await?.into_iter();
    let builds = history.filter_map(|event| match event.attributes? {
        Attributes::WorkflowTaskCompletedEventAttributes(done) => {
            Some(done.deployment_version.map(|version| version.build_id).unwrap_or_default())
        }
        _ => None,
    });
    Ok(builds.collect())
}

/// An order that waits for its customer to pay.
async fn begin(shop: &Shop, product: &ProductId) -> anyhow::Result<(OrderId, Page)> {
    let checkout = shop.customer().buys(product, 1).on_page();
    Ok((checkout.order_id(), Page::of(&checkout.send().await?)?))
}

fn only(build_id: &str) -> BTreeSet<String> {
    BTreeSet::from([build_id.to_owned()])
}

#[test]
fn orders_stay_with_the_version_that_began_them_and_none_is_left_behind() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        let tea = shop.create_product(1250, 10).await?;
        let (unversioned, unversioned_page) = begin(shop, &tea).await?;

        // From a worker that took what came to the first one that is a version.
        let mut first = start_version(shop, "2026.11.1").await?;
        make_current(shop, "2026.11.1").await?;
        shop.stack.worker.stop().await?;
        let (old, old_page) = begin(shop, &tea).await?;
        let info = shop.describe(&old).await?.context("a workflow")?.raw().workflow_execution_info.clone();
        let versioning = info.and_then(|info| info.versioning_info).context("the order has a version")?;
        assert_eq!(versioning.behavior(), VersioningBehavior::Pinned);

        let mut second = start_version(shop, "2026.11.2").await?;
        make_current(shop, "2026.11.2").await?;
        let (new, new_page) = begin(shop, &tea).await?;
        let at_once = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();

        // Paid in another order than they were begun, while both versions are there.
        new_page.pay(GOOD_CARD).await?;
        old_page.pay(GOOD_CARD).await?;
        unversioned_page.pay(GOOD_CARD).await?;
        for order in [&unversioned, &old, &new, &at_once] {
            shop.closed(order).await?;
        }
        assert_eq!(builds(shop, &old).await?, only("2026.11.1"));
        assert_eq!(builds(shop, &new).await?, only("2026.11.2"));
        assert_eq!(builds(shop, &at_once).await?, only("2026.11.2"));
        assert!(builds(shop, &unversioned).await?.contains("2026.11.2"), "it goes on with whoever is current");

        // Nothing is left for the old version, which is what operators ask before they stop it.
        let left = "TemporalWorkerDeploymentVersion = 'kassa:2026.11.1' AND ExecutionStatus = 'Running'";
        eventually("nothing is left for the old version", async || {
            let count = shop.count_workflows(left).await?;
            ensure!(count == 0, "{count} workflows are left");
            Ok(())
        })
        .await?;
        let done = "TemporalWorkerDeploymentVersion = 'kassa:2026.11.1' AND ExecutionStatus = 'Completed'";
        assert!(shop.count_workflows(done).await? > 0, "the question is the right one");
        first.stop().await?;
        let after = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();
        shop.closed(&after).await?;

        let orders = [&unversioned, &old, &new, &at_once, &after];
        shop.oracle().product(&tea, 10).orders(orders).check().await?;
        Ok(second.stop().await?)
    })
}

#[test]
fn an_order_whose_version_is_gone_waits_and_is_moved_by_an_operator() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        let tea = shop.create_product(1250, 10).await?;
        let mut first = start_version(shop, "1").await?;
        make_current(shop, "1").await?;
        shop.stack.worker.stop().await?;
        let (order, page) = begin(shop, &tea).await?;
        let mut second = start_version(shop, "2").await?;
        make_current(shop, "2").await?;
        first.stop().await?;

        page.pay(GOOD_CARD).await?;
        let before = shop.history(&order).await?.len();
        eventually("the payment arrives", async || {
            ensure!(shop.history(&order).await?.len() > before, "the order has not heard of it");
            Ok(())
        })
        .await?;
        assert_eq!(builds(shop, &order).await?, only("1"), "no other version touches it");

        let id = workflow_id(&order);
        let pin = ["workflow", "update-options", "--workflow-id", &id, "--versioning-override-behavior", "pinned"];
        let to = ["--versioning-override-deployment-name", DEPLOYMENT, "--versioning-override-build-id", "2"];
        temporal(shop, &[&pin[..], &to[..]].concat()).await?;

        shop.closed(&order).await?;
        assert!(builds(shop, &order).await?.contains("2"));
        shop.oracle().product(&tea, 10).order(&order).check().await?;
        Ok(second.stop().await?)
    })
}
