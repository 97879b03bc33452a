//! Records histories anew, from orders of a real shop.

use std::env;

use anyhow::Context as _;
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_tests::paths::Settings;
use kassa_tests::{Path, Shop, Way};
use kassa_workflows::contracts::reconciliation::FindingKind;
use serde_json::Value;

use crate::histories::{RECORD, file};

/// Part of the statement that confirms an order, and of no other.
const CONFIRM: &str = "WITH confirmed AS";

/// Without a key nothing is encrypted: recorded histories are there to be read, also by people.
const PLAIN: [(&str, &str); 2] = [("KASSA_PAYLOAD_KEYS", ""), ("KASSA_CODEC_ENDPOINT", "")];

/// Records all paths, or those whose names the environment asks for.
pub(crate) async fn all() -> anyhow::Result<()> {
    let wanted = env::var(RECORD).unwrap_or_default();
    let is_wanted = |path: Path| wanted == "1" || wanted.split(',').any(|name| name == path.name());
    let mut shop = Shop::own_with(&PLAIN).await?;
    for path in Path::ALL.into_iter().filter(|path| is_wanted(*path)) {
        shop.stack.api.stop().await?;
        shop.stack.api.start_with(&path.settings().environment()).await?;
        let history = record(&shop, path).await.with_context(|| format!("{path:?} cannot be recorded"))?;
        std::fs::write(file(path), history)?;
    }
    shop.stop().await
}

/// Goes a way, and returns what its workflow leaves behind.
async fn record(shop: &Shop, path: Path) -> anyhow::Result<String> {
    match path {
        Path::Compensated => {
            shop.stack.rds_data.faults().inject(Fault::fail_before(CONFIRM).with_error(violation()));
        }
        Path::ParkedRetried | Path::Aborted => {
            let away = Fault::fail_before(CONFIRM).with_error(FaultError::DatabaseResuming);
            shop.stack.rds_data.faults().inject(away.times(u32::MAX));
        }
        Path::Reconciled => {
            shop.charge_by_hand(700, None).await?;
            shop.finds(FindingKind::MoneyWithoutOrder).await?;
        }
        _ => {}
    }
    let way = Way::prepare(shop, path).await?.mended_by(move || shop.stack.rds_data.faults().clear());
    match path.settings() {
        Settings::PausedForLong => {
            shop.pause_payments().await?;
            way.go().await?;
            shop.resume_payments(1).await?;
        }
        Settings::Paused => {
            shop.pause_payments().await?;
            let order = way.order().context("the order that is held")?;
            let resumes = async {
                shop.held(&order).await?;
                shop.resume_payments(1).await
            };
            tokio::try_join!(way.go(), resumes)?;
        }
        Settings::Usual | Settings::ShortHold | Settings::Cards | Settings::Impatient | Settings::Alone => {
            way.go().await?;
        }
    }
    let mut history = serde_json::from_slice(&shop.history_json(way.workflow()).await?)?;
    anonymise(&mut history);
    Ok(format!("{}\n", serde_json::to_string_pretty(&history)?))
}

/// What a database says that will say the same the next time.
fn violation() -> FaultError {
    FaultError::Database { sql_state: "23514".to_owned(), message: "new row violates check constraint".to_owned() }
}

/// Takes out who recorded it: an identity is a process id and perhaps the name of a machine, and the names of some task
/// queues begin with it.
fn anonymise(history: &mut Value) {
    let mut identities = Vec::new();
    collect_identities(history, &mut identities);
    replace(history, &identities);
}

fn collect_identities(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_identities(value, found)),
        Value::Object(members) => {
            let identity = members.get("identity").and_then(Value::as_str).filter(|identity| !identity.is_empty());
            found.extend(identity.map(str::to_owned));
            members.values().for_each(|value| collect_identities(value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn replace(value: &mut Value, identities: &[String]) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, identities)),
        Value::Object(members) => members.values_mut().for_each(|value| replace(value, identities)),
        Value::String(text) => {
            for identity in identities {
                *text = text.replace(identity, "recorded");
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
