//! The roles in AWS allow each process the actions that it really needs, and no other.
//!
//! `infra/terraform/modules/processes/permissions.json` lists the actions of each process; Terraform makes the roles from it. Here every
//! example of the guide and every recorded path through a workflow runs with a proxy between the processes and AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_devstack::stack::sdk_config;
use kassa_devstack::workspace;
use kassa_domain::Caller;
use kassa_store::payment_valve::MAX_RATE;
use kassa_store::settings::NotificationSettings;
use kassa_store::{Database, migrations};
use kassa_tests::messages::Addressee;
use kassa_tests::paths::Settings;
use kassa_tests::proxy::{Call, Proxies, Refusal};
use kassa_tests::{Path, Shop, Way, on_own_shop};
use kassa_workflows::contracts::notifications::Notice;
use uuid::Uuid;

use crate::guide;

/// The actions by the process that needs them, as in `dynamodb:GetItem on products`.
type Permissions = BTreeMap<String, BTreeSet<String>>;

/// Paths that are prepared at the same time.
const AT_ONCE: usize = 8;

#[test]
fn processes_are_permitted_the_actions_that_they_need_and_no_other() -> anyhow::Result<()> {
    let file = workspace::root().join("infra/terraform/modules/processes/permissions.json");
    let permitted: Permissions = serde_json::from_str(&fs::read_to_string(file)?)?;
    on_own_shop(&[], async |shop| {
        let mut needed = Permissions::from([("migrate".to_owned(), migrate(shop).await?)]);
        needed.extend(serve(shop).await?);
        assert_eq!(needed, permitted, "the actions that were needed, and those of permissions.json");
        Ok(())
    })
}

/// Migrates an empty database, and one that is up to date.
async fn migrate(shop: &Shop) -> anyhow::Result<BTreeSet<String>> {
    let proxies = Proxies::start(&shop.stack).await?;
    let mut config = shop.stack.store_config().rds_data;
    config.endpoint = Some(proxies.rds_data.url());
    "empty".clone_into(&mut config.database);
    shop.stack.postgres.create_database(&config.database).await?;
    let database = Database::connect(&sdk_config().await, &config);
    for _ in 0..2 {
        migrations::run(&database).await?;
    }
    Ok(proxies.actions())
}

/// Serves everything that customers and staff do, and takes the paths of the workflows. The settings that are left out
/// lead to no other actions: their orders take other decisions about the same tables.
async fn serve(shop: &mut Shop) -> anyhow::Result<Permissions> {
    let (of_api, of_worker) = (Proxies::start(&shop.stack).await?, Proxies::start(&shop.stack).await?);
    shop.stack.worker.stop().await?;
    shop.stack.worker.start_with(&of_worker.environment()).await?;
    restart_api(shop, &of_api, Settings::Usual).await?;

    guide::run_examples(shop).await?;
    send_short_message(shop).await?;
    for settings in [Settings::Usual, Settings::ShortHold, Settings::Paused] {
        restart_api(shop, &of_api, settings).await?;
        take(shop, &of_worker, settings).await.with_context(|| format!("{settings:?}"))?;
    }

    let prefix = shop.stack.store_config().dynamodb.tables.prefix;
    let needed = [("api", of_api), ("worker", of_worker)].map(|(process, proxies)| {
        let actions = proxies.actions().into_iter().map(|action| action.replace(&format!(" on {prefix}"), " on "));
        (process.to_owned(), actions.collect())
    });
    Ok(needed.into())
}

async fn restart_api(shop: &mut Shop, proxies: &Proxies, settings: Settings) -> anyhow::Result<()> {
    let further = settings.environment().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment: Vec<_> = proxies.environment().into_iter().chain(further).collect();
    shop.stack.api.stop().await?;
    Ok(shop.stack.api.start_with(&environment).await?)
}

/// Takes all paths with these settings.
async fn take(shop: &Shop, worker: &Proxies, settings: Settings) -> anyhow::Result<()> {
    if settings == Settings::Paused {
        shop.pause_payments().await?;
    }
    let ways: Vec<_> =
        stream::iter(settings.paths()).map(|path| Way::prepare(shop, path)).buffered(AT_ONCE).try_collect().await?;
    ensure!(!ways.is_empty(), "there are no paths");
    for way in ways.iter().filter(|way| way.path() == Path::Compensated) {
        let order = way.order().context("an order that is compensated")?;
        worker.rds_data.refuse(Call::with("WITH confirmed AS").and(order.as_str()), Refusal::constraint_violation());
    }
    let resumed = async {
        if settings == Settings::Paused {
            for way in &ways {
                shop.held(&way.order().context("an order that is held")?).await?;
            }
            shop.resume_payments(MAX_RATE).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(try_join_all(ways.iter().map(Way::go)), resumed)?;
    try_join_all(ways.iter().map(Way::judge)).await.map(drop)
}

/// Sends a message to a customer who wants short messages as well.
async fn send_short_message(shop: &Shop) -> anyhow::Result<()> {
    let to = Addressee::new();
    let settings = NotificationSettings { phone_number: Some(to.phone.clone()), ..NotificationSettings::default() };
    shop.settings.put(&to.user, &settings).await?;
    let order = format!("ord_{}", Uuid::new_v4().simple()).parse()?;
    shop.deliver(Notice::shipped(order, Caller::user(&to.user), to.email.clone(), None, None)).await?;
    ensure!(shop.sms_to(&to.phone).await?.len() == 1, "there is no short message");
    Ok(())
}
