//! Records histories anew, from orders of a real shop.

use anyhow::ensure;
use kassa_domain::OrderId;
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_tests::Shop;
use serde_json::Value;

use crate::histories::Path;

/// Records all paths.
pub(crate) async fn all() -> anyhow::Result<()> {
    let shop = Shop::own().await?;
    for path in Path::ALL {
        let order = place(&shop, path).await?;
        shop.closed(&order).await?;
        let mut history = serde_json::from_slice(&shop.history_json(&order).await?)?;
        anonymise(&mut history);
        std::fs::write(path.file(), format!("{}\n", serde_json::to_string_pretty(&history)?))?;
    }
    shop.stop().await
}

async fn place(shop: &Shop, path: Path) -> anyhow::Result<OrderId> {
    let product = shop.create_product(1_250, 10).await?;
    let checkout = shop.customer().buys(&product, 2);
    let (checkout, status) = match path {
        Path::Confirmed => (checkout, 201),
        Path::Declined => (checkout.pays_with("pm_card_chargeDeclined"), 402),
        Path::Compensated => {
            let violation = FaultError::Database {
                sql_state: "23514".to_owned(),
                message: "new row violates check constraint".to_owned(),
            };
            shop.stack.rds_data.faults().inject(Fault::fail_before("WITH confirmed AS").with_error(violation));
            (checkout, 503)
        }
    };
    let answer = checkout.send().await?;
    ensure!(answer.status == status, "{path:?}: {answer:?}");
    Ok(checkout.order_id())
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
