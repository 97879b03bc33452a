//! How often something was tried in a span of time, counted by all API processes together.

use aws_sdk_dynamodb::types::ReturnValue;
use time::OffsetDateTime;

use crate::dynamodb::DynamoDb;
use crate::dynamodb::item;
use crate::error::StoreError;

pub(crate) const ID: &str = "id";
const COUNT: &str = "count";
/// When `DynamoDB` may sweep the row away, in seconds since 1970.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// Access to the counters. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct RateLimits {
    dynamodb: DynamoDb,
}

impl RateLimits {
    /// Uses the tables of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// Counts one more under `id`, and tells how many that makes. The id names the span of time, too: a counter never
    /// starts again, and nobody asks for it once its span is over, so its row may go at `expires_at`.
    ///
    /// A call whose answer was lost is repeated by the SDK and may count twice: a limit is no ledger.
    pub async fn count(&self, id: &str, expires_at: OffsetDateTime) -> Result<u64, StoreError> {
        let answer = self
            .dynamodb
            .client
            .update_item()
            .table_name(self.dynamodb.tables.rate_limits())
            .key(ID, item::text(id))
            .update_expression("ADD #count :one SET #expires_at = :expires_at")
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":one", item::number(1))
            .expression_attribute_values(":expires_at", item::number(expires_at.unix_timestamp()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        item::read_number(answer.attributes().unwrap_or(&item::Item::new()), COUNT)
    }
}
