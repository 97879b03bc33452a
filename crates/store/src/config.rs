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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DynamoDbConfig {
    /// Another server than that of the AWS region.
    pub endpoint: Option<String>,
    /// How the tables are called.
    pub tables: TableNames,
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
}

// Temporal retries an activity for as long as it takes; the SDK only bridges a lost packet or a busy moment.
const ATTEMPTS: u32 = 2;

/// Long enough for a TLS handshake across a region.
const CONNECT: Duration = Duration::from_secs(3);

/// `DynamoDB` answers within milliseconds; a transaction over a hundred rows takes a few hundred.
const DYNAMODB_ATTEMPT: Duration = Duration::from_secs(5);

/// A statement of an order takes milliseconds, but a connection behind the Data API may have to be opened first. A
/// paused database does not make calls hang: they are refused until it has resumed.
const RDS_DATA_ATTEMPT: Duration = Duration::from_secs(10);

/// A client for `DynamoDB` that gives up early, because its callers try again.
pub fn dynamodb_client(shared: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_dynamodb::Client {
    let mut config = aws_sdk_dynamodb::config::Builder::from(shared)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(DYNAMODB_ATTEMPT));
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A client for the RDS Data API that gives up early, because its callers try again.
pub fn rdsdata_client(shared: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_rdsdata::Client {
    let mut config = aws_sdk_rdsdata::config::Builder::from(shared)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(RDS_DATA_ATTEMPT));
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    aws_sdk_rdsdata::Client::from_conf(config.build())
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(attempt).build()
}
