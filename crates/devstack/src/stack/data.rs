//! The tables of both databases.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use kassa_store::config::RDS_DATA_CALL;
use kassa_store::{Database, DynamoDbConfig, RdsDataConfig, StoreConfig, TableNames, migrations, tables};

use super::environment::{DATABASE, RESOURCE_ARN, SECRET_ARN, TABLE_PREFIX};
use crate::error::{Error, Result, chain};
use crate::http::loopback;
use crate::ministack::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY};
use crate::ports::Ports;

/// The configuration that AWS clients of the local services share. Nothing of the developer's own is read.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .empty_test_environment()
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "local stack"))
        .load()
        .await
}

/// Where the stores are.
pub(super) fn store_config(ports: &Ports) -> StoreConfig {
    StoreConfig {
        dynamodb: DynamoDbConfig {
            endpoint: Some(loopback(ports.dynamodb.number())),
            tables: TableNames { prefix: TABLE_PREFIX.to_owned() },
            ..DynamoDbConfig::default()
        },
        rds_data: RdsDataConfig {
            endpoint: Some(loopback(ports.rds_data.number())),
            resource_arn: RESOURCE_ARN.to_owned(),
            secret_arn: SECRET_ARN.to_owned(),
            database: DATABASE.to_owned(),
            call_timeout: RDS_DATA_CALL,
        },
    }
}

/// Makes the tables that are missing, and applies the migrations that are.
pub(super) async fn prepare(config: &StoreConfig) -> Result<()> {
    let shared = sdk_config().await;
    let client = kassa_store::config::dynamodb_client(&shared, &config.dynamodb);
    tables::create_missing(&client, &config.dynamodb.tables)
        .await
        .map_err(|error| Error::setup("Creating the DynamoDB tables", chain(&error)))?;
    migrations::run(&Database::connect(&shared, &config.rds_data))
        .await
        .map_err(|error| Error::setup("Migrating the database", chain(&error)))?;
    Ok(())
}
