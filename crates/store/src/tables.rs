//! The `DynamoDB` tables, for local servers and tests; in AWS they are made by Terraform.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, LocalSecondaryIndex, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveDescription, TimeToLiveSpecification, TimeToLiveStatus,
};

use crate::dynamodb::TableNames;
use crate::error::{Cause, Service, StoreError};
use crate::{carts, event_log, notifications, payment_valve, products, rate_limits, reservations, settings, users};

/// How long a new table may take until it can be used.
const ACTIVE_WITHIN: Duration = Duration::from_mins(1);

/// Creates the tables that are not there yet, and waits until all of them can be used.
pub async fn create_missing(client: &Client, tables: &TableNames) -> Result<(), StoreError> {
    let definitions = [
        table(client, tables.products(), &[(products::ID, KeyType::Hash)]),
        table(client, tables.catalogue(), &[(products::LIST, KeyType::Hash), (products::PLACE, KeyType::Range)])
            .attribute_definitions(text_attribute(products::PRICE_PLACE))
            .local_secondary_indexes(index(products::BY_PRICE, products::LIST, products::PRICE_PLACE)),
        table(
            client,
            tables.stock_movements(),
            &[(products::PRODUCT_ID, KeyType::Hash), (products::RECEIPT_ID, KeyType::Range)],
        )
        .attribute_definitions(text_attribute(products::BOOKED_AS))
        .local_secondary_indexes(index(products::BY_TIME, products::PRODUCT_ID, products::BOOKED_AS)),
        table(client, tables.event_log(), &[(event_log::ORDER_ID, KeyType::Hash)])
            .attribute_definitions(attribute(event_log::SEQUENCE, ScalarAttributeType::N))
            .key_schema(key(event_log::SEQUENCE, KeyType::Range)),
        table(client, tables.reservations(), &[(reservations::ORDER_ID, KeyType::Hash)]),
        notifications_table(client, tables),
        table(client, tables.notification_settings(), &[(settings::USER_ID, KeyType::Hash)]),
        table(client, tables.rate_limits(), &[(rate_limits::ID, KeyType::Hash)]),
        table(client, tables.users(), &[(users::ID, KeyType::Hash)]),
        table(client, tables.carts(), &[(carts::ID, KeyType::Hash)]),
        table(
            client,
            tables.payment_valve(),
            &[(payment_valve::ID, KeyType::Hash), (payment_valve::ENTRY, KeyType::Range)],
        ),
    ];
    let names = [
        tables.products(),
        tables.catalogue(),
        tables.stock_movements(),
        tables.event_log(),
        tables.reservations(),
        tables.notifications(),
        tables.notification_settings(),
        tables.rate_limits(),
        tables.users(),
        tables.carts(),
        tables.payment_valve(),
    ];
    for definition in definitions {
        if let Err(error) = definition.send().await {
            match error.as_service_error() {
                Some(CreateTableError::ResourceInUseException(_)) => {}
                _ => return Err(StoreError::dynamodb(error)),
            }
        }
    }
    for name in names {
        client.wait_until_table_exists().table_name(name).wait(ACTIVE_WITHIN).await.map_err(|error| {
            StoreError::NoAnswer { service: Service::DynamoDb, source: Cause::new(error.to_string()) }
        })?;
    }
    for (name, attribute) in [
        (tables.notifications(), notifications::EXPIRES_AT),
        (tables.rate_limits(), rate_limits::EXPIRES_AT),
        (tables.carts(), carts::EXPIRES_AT),
        (tables.payment_valve(), payment_valve::EXPIRES_AT),
    ] {
        sweep(client, name, attribute).await?;
    }
    Ok(())
}

/// Its rows are small, so every index holds all of them.
fn notifications_table(client: &Client, tables: &TableNames) -> CreateTableFluentBuilder {
    let keys = [(notifications::MESSAGE_ID, KeyType::Hash), (notifications::CHANNEL, KeyType::Range)];
    let table =
        table(client, tables.notifications(), &keys).attribute_definitions(text_attribute(notifications::LISTED_AS));
    notifications::INDEXES.into_iter().fold(table, |table, partition| {
        let index = GlobalSecondaryIndex::builder()
            .index_name(partition)
            .key_schema(key(partition, KeyType::Hash))
            .key_schema(key(notifications::LISTED_AS, KeyType::Range))
            .projection(Projection::builder().projection_type(ProjectionType::All).build())
            .build()
            .expect("name, keys and projection are set");
        table.attribute_definitions(text_attribute(partition)).global_secondary_indexes(index)
    })
}

/// Has rows swept away once the time in `attribute` has passed.
async fn sweep(client: &Client, table: String, attribute: &str) -> Result<(), StoreError> {
    let answer = client.describe_time_to_live().table_name(&table).send().await.map_err(StoreError::dynamodb)?;
    let status = answer.time_to_live_description().and_then(TimeToLiveDescription::time_to_live_status);
    // Asking for it again is an error.
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true)
        .build()
        .expect("attribute and switch are set");
    let sent = client.update_time_to_live().table_name(&table).time_to_live_specification(specification).send().await;
    match sent {
        // Another process was faster.
        Err(error) if error.code() == Some("ValidationException") => Ok(()),
        sent => sent.map(drop).map_err(StoreError::dynamodb),
    }
}

fn table(client: &Client, name: String, keys: &[(&str, KeyType)]) -> CreateTableFluentBuilder {
    let table = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    keys.iter().fold(table, |table, (name, kind)| {
        table.attribute_definitions(text_attribute(name)).key_schema(key(name, kind.clone()))
    })
}

/// The same partitions in another order. Local, because such an index can be read consistently.
fn index(name: &str, partition: &str, sort: &str) -> LocalSecondaryIndex {
    LocalSecondaryIndex::builder()
        .index_name(name)
        .key_schema(key(partition, KeyType::Hash))
        .key_schema(key(sort, KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .expect("name, keys and projection are set")
}

fn text_attribute(name: &str) -> AttributeDefinition {
    attribute(name, ScalarAttributeType::S)
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("name and type are set")
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("name and type are set")
}
