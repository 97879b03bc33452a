//! Where the stores are, and clients for them.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;

use crate::dynamodb::TableNames;

/// Both stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Products and reservations.
    pub dynamodb: DynamoDbConfig,
    /// Orders.
    pub rds_data: RdsDataConfig,
}

/// Where products and reservations are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamoDbConfig {
    /// Another server than that of the AWS region.
    pub endpoint: Option<String>,
    /// How the tables are called.
    pub tables: TableNames,
    /// The time limit of one call. Callers try again, so the client gives up early.
    pub call_timeout: Duration,
}

impl Default for DynamoDbConfig {
    fn default() -> Self {
        Self { endpoint: None, tables: TableNames::default(), call_timeout: DYNAMODB_CALL }
    }
}

/// Where orders are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RdsDataConfig {
    /// Another server than that of the AWS region.
    pub endpoint: Option<String>,
    /// The Aurora cluster.
    pub resource_arn: String,
    /// The secret with the database user's name and password.
    pub secret_arn: String,
    /// The database within the cluster.
    pub database: String,
    /// The time limit of one call. A paused database does not make calls hang: it refuses them until it has resumed.
    pub call_timeout: Duration,
}

// Temporal retries an activity for as long as it takes; the SDK only bridges a lost packet or a busy moment.
const ATTEMPTS: u32 = 2;

/// Long enough for a TLS handshake across a region.
const CONNECT: Duration = Duration::from_secs(3);

/// The default time limit of one call to `DynamoDB`.
pub const DYNAMODB_CALL: Duration = Duration::from_secs(5);

/// The default time limit of one call to the RDS Data API.
pub const RDS_DATA_CALL: Duration = Duration::from_secs(10);

/// A client for `DynamoDB`.
pub fn dynamodb_client(shared: &SdkConfig, config: &DynamoDbConfig) -> aws_sdk_dynamodb::Client {
    let DynamoDbConfig { endpoint, call_timeout, .. } = config;
    let mut config = aws_sdk_dynamodb::config::Builder::from(shared)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(*call_timeout));
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A client for the RDS Data API.
pub fn rdsdata_client(shared: &SdkConfig, config: &RdsDataConfig) -> aws_sdk_rdsdata::Client {
    let RdsDataConfig { endpoint, call_timeout, .. } = config;
    let mut config = aws_sdk_rdsdata::config::Builder::from(shared)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(*call_timeout));
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    aws_sdk_rdsdata::Client::from_conf(config.build())
}

fn timeouts(call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(call).build()
}
