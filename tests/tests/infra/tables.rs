//! The planned tables are those that the code creates on local servers.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use aws_sdk_dynamodb::types::{KeySchemaElement, Projection};
use kassa_devstack::stack::sdk_config;
use kassa_store::config::dynamodb_client;
use kassa_tests::on_shared_shop;
use serde_json::Value;

use crate::environment::{Environment, Resource};

/// The parts of a table that the code depends on.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    key: Vec<String>,
    /// The type of every attribute that is part of a key.
    attributes: BTreeSet<(String, String)>,
    local_indexes: BTreeMap<String, Index>,
    global_indexes: BTreeMap<String, Index>,
    /// The attribute with the time after which DynamoDB removes a row.
    expires_at: Option<String>,
    billing_mode: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Index {
    key: Vec<String>,
    projection: String,
}

#[test]
fn tables_of_every_environment_are_those_that_the_code_creates() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let config = shop.stack.store_config();
        let client = dynamodb_client(&sdk_config().await, &config.dynamodb);
        let created = created(&client, &config.dynamodb.tables.prefix).await?;
        assert!(created.len() > 10, "{created:#?}");
        for environment in Environment::ALL {
            let prefix = format!("kassa-{}-", environment.name());
            let planned = environment.applied().await?.of("aws_dynamodb_table")?;
            let planned =
                planned.map(|table| planned_table(table, &prefix)).collect::<anyhow::Result<BTreeMap<_, _>>>()?;
            assert_eq!(planned, created, "the tables of {environment:?} and those of the code");
        }
        Ok(())
    })
}

#[tokio::test]
async fn tables_can_be_restored_and_are_not_deleted_by_accident() -> anyhow::Result<()> {
    for table in Environment::Prod.applied().await?.of("aws_dynamodb_table")? {
        let address = &table.address;
        assert_eq!(table.values["point_in_time_recovery"][0]["enabled"], true, "{address}");
        assert_eq!(table.values["deletion_protection_enabled"], true, "{address}");
    }
    Ok(())
}

fn planned_table(table: &Resource, prefix: &str) -> anyhow::Result<(String, Table)> {
    let values = &table.values;
    let list = |name: &str| values[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let key = |names: [&Value; 2]| names.into_iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let index = |hash: &Value, index: &Value| {
        (
            text(&index["name"]),
            Index { key: key([hash, &index["range_key"]]), projection: text(&index["projection_type"]) },
        )
    };
    let name =
        text(&values["name"]).strip_prefix(prefix).with_context(|| format!("{values} is named otherwise"))?.to_owned();
    let table = Table {
        key: key([&values["hash_key"], &values["range_key"]]),
        attributes: list("attribute").iter().map(|of| (text(&of["name"]), text(&of["type"]))).collect(),
        local_indexes: list("local_secondary_index").iter().map(|of| index(&values["hash_key"], of)).collect(),
        global_indexes: list("global_secondary_index").iter().map(|of| index(&of["hash_key"], of)).collect(),
        expires_at: list("ttl").iter().find(|ttl| ttl["enabled"] == true).map(|ttl| text(&ttl["attribute_name"])),
        billing_mode: text(&values["billing_mode"]),
    };
    Ok((name, table))
}

async fn created(client: &aws_sdk_dynamodb::Client, prefix: &str) -> anyhow::Result<BTreeMap<String, Table>> {
    let mut tables = BTreeMap::new();
    for name in client.list_tables().send().await?.table_names() {
        let Some(short) = name.strip_prefix(prefix) else { continue };
        let described = client.describe_table().table_name(name).send().await?.table.context("it was listed")?;
        let ttl = client.describe_time_to_live().table_name(name).send().await?;
        let attributes = described.attribute_definitions().iter();
        let billing =
            described.billing_mode_summary().and_then(|summary| summary.billing_mode()).context("no billing mode")?;
        let table = Table {
            key: key(described.key_schema()),
            attributes: attributes.map(|of| (of.attribute_name.clone(), of.attribute_type.to_string())).collect(),
            local_indexes: described
                .local_secondary_indexes()
                .iter()
                .map(|of| index(of.index_name(), of.key_schema(), of.projection()))
                .collect(),
            global_indexes: described
                .global_secondary_indexes()
                .iter()
                .map(|of| index(of.index_name(), of.key_schema(), of.projection()))
                .collect(),
            expires_at: ttl.time_to_live_description.and_then(|ttl| ttl.attribute_name),
            billing_mode: billing.to_string(),
        };
        tables.insert(short.to_owned(), table);
    }
    Ok(tables)
}

fn index(name: Option<&str>, schema: &[KeySchemaElement], projection: Option<&Projection>) -> (String, Index) {
    let projection = projection.and_then(Projection::projection_type).map(ToString::to_string).unwrap_or_default();
    (name.unwrap_or_default().to_owned(), Index { key: key(schema), projection })
}

fn key(schema: &[KeySchemaElement]) -> Vec<String> {
    schema.iter().map(|element| element.attribute_name.clone()).collect()
}
