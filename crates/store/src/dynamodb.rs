//! `DynamoDB`: the client with its table names, and what all aggregates need of it.

pub(crate) mod item;
pub(crate) mod pages;
pub(crate) mod transaction;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::config::DynamoDbConfig;
use crate::error::StoreError;
use crate::products;

/// A client that knows how the tables are called. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    pub(crate) client: Client,
    pub(crate) tables: Arc<TableNames>,
}

/// How the tables are called: all names start with a prefix, so that several environments fit into one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// What all names start with.
    pub prefix: String,
}

impl Default for TableNames {
    fn default() -> Self {
        Self { prefix: "kassa-".to_owned() }
    }
}

impl TableNames {
    /// The products with their stock counters; key `id`.
    pub fn products(&self) -> String {
        format!("{}products", self.prefix)
    }

    /// Where the products are listed; key `list` and `place`.
    pub fn catalogue(&self) -> String {
        format!("{}catalogue", self.prefix)
    }

    /// What was received or corrected; key `product_id` and `receipt_id`.
    pub fn stock_movements(&self) -> String {
        format!("{}stock-movements", self.prefix)
    }

    /// The profiles of customers with an account; key `id`.
    pub fn users(&self) -> String {
        format!("{}users", self.prefix)
    }

    /// Every event that was published; key `order_id` and `sequence`.
    pub fn event_log(&self) -> String {
        format!("{}event-log", self.prefix)
    }

    /// What is held for, or was sold to, an order; key `order_id`.
    pub fn reservations(&self) -> String {
        format!("{}reservations", self.prefix)
    }

    /// What was sent to customers; key `message_id` and `channel`.
    pub fn notifications(&self) -> String {
        format!("{}notifications", self.prefix)
    }

    /// Which messages customers want; key `user_id`.
    pub fn notification_settings(&self) -> String {
        format!("{}notification-settings", self.prefix)
    }

    /// How often something was tried in a span of time; key `id`, swept after `expires_at`.
    pub fn rate_limits(&self) -> String {
        format!("{}rate-limits", self.prefix)
    }

    /// Whether orders may go to the payment provider, and the places of those that were held; key `id` and `entry`, swept
    /// after `expires_at`.
    pub fn payment_valve(&self) -> String {
        format!("{}payment-valve", self.prefix)
    }

    /// Carts of accounts and guests; key `id`, swept after `expires_at`.
    pub fn carts(&self) -> String {
        format!("{}carts", self.prefix)
    }
}

impl DynamoDb {
    /// Uses the tables of these names.
    pub fn new(client: Client, tables: TableNames) -> Self {
        Self { client, tables: Arc::new(tables) }
    }

    /// Makes the client, too.
    pub fn connect(shared: &aws_config::SdkConfig, config: &DynamoDbConfig) -> Self {
        Self::new(crate::config::dynamodb_client(shared, config), config.tables.clone())
    }

    /// Whether it answers and has its tables. It reads one row that need not exist: descriptions of tables are rationed
    /// much more tightly than reads, and reading is what the service is allowed to do anyway.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client
            .get_item()
            .table_name(self.tables.products())
            .key(products::ID, AttributeValue::S("ping".to_owned()))
            .projection_expression(products::ID)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(())
    }
}

/// Waits before the `attempt`th repetition (counted from 1): a random part of a span that doubles every time, so that
/// those who collided do not collide again.
pub(crate) async fn back_off(attempt: u32) {
    const FIRST: Duration = Duration::from_millis(10);
    let span = FIRST * 2_u32.pow(attempt.saturating_sub(1).min(6));
    // 16 random bits of a version 4 UUID (RFC 9562, section 5.4); a generator of its own would be one more dependency.
    let random = uuid::Uuid::new_v4();
    let part = u32::from(u16::from_be_bytes([random.as_bytes()[0], random.as_bytes()[1]]));
    tokio::time::sleep(span * part / u32::from(u16::MAX)).await;
}
