//! The valve before the payment provider: whether orders may go there, who decided so, and the places of those that were
//! held back.
//!
//! All of it is one table with a key of two parts. The valve itself is the row `valve`/`now`; each change of it stays as a
//! row `valve`/`change#...`. Every opening begins a drain of its own, `drain#...`, in which each held order has one
//! place at most.

mod places;
mod row;

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use time::OffsetDateTime;

use crate::dynamodb::transaction::{Written, write};
use crate::dynamodb::{DynamoDb, back_off, item};
use crate::error::{Service, StoreError};

pub use places::Place;

pub(crate) const ID: &str = "id";
pub(crate) const ENTRY: &str = "entry";
/// When `DynamoDB` may sweep the row away, in seconds since 1970; only places have one.
pub(crate) const EXPIRES_AT: &str = "expires_at";

const VALVE: &str = "valve";
const NOW: &str = "now";
const CHANGE: &str = "change#";

/// How often a change is tried that meets another one.
const ATTEMPTS: u32 = 5;

/// The fastest that held orders can be let through, in orders per second.
pub const MAX_RATE: u32 = 1_000;

/// Access to the valve. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct PaymentValve {
    dynamodb: DynamoDb,
}

/// Where the valve stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Orders go to the provider. Those that had been held go at a rate.
    Open {
        /// How many held orders go per second, from 1 to [`MAX_RATE`].
        rate: u32,
    },
    /// No order goes to the provider.
    Closed,
}

/// A change of the valve, or how it stands since the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valve {
    /// How it stands.
    pub position: Position,
    /// Counts the changes; 0 is a valve that nobody has ever touched.
    pub revision: u32,
    /// Who changed it.
    pub operator: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub changed_at: OffsetDateTime,
}

/// What an operator wants of the valve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeValve {
    /// How it is to stand.
    pub position: Position,
    /// Who wants it.
    pub operator: String,
    /// Why.
    pub reason: Option<String>,
}

impl Default for Valve {
    /// What nobody has ever touched is open, and holds nobody.
    fn default() -> Self {
        Self {
            position: Position::Open { rate: MAX_RATE },
            revision: 0,
            operator: String::new(),
            reason: None,
            changed_at: OffsetDateTime::UNIX_EPOCH,
        }
    }
}

impl PaymentValve {
    /// Uses the table of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// How the valve stands.
    pub async fn get(&self) -> Result<Valve, StoreError> {
        let answer = self
            .dynamodb
            .client
            .get_item()
            .table_name(self.dynamodb.tables.payment_valve())
            .key(ID, item::text(VALVE))
            .key(ENTRY, item::text(NOW))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        answer.item().map_or_else(|| Ok(Valve::default()), row::read)
    }

    /// Brings the valve into a position, and tells how it stands then. One that stands so already is left alone, and keeps
    /// the name of whoever brought it there.
    pub async fn change(&self, change: &ChangeValve) -> Result<Valve, StoreError> {
        for attempt in 1..=ATTEMPTS {
            let before = self.get().await?;
            if before.position == change.position && before.revision > 0 {
                return Ok(before);
            }
            let after = Valve {
                position: change.position,
                revision: before.revision + 1,
                operator: change.operator.clone(),
                reason: change.reason.clone(),
                changed_at: OffsetDateTime::now_utc(),
            };
            match write(&self.dynamodb, self.writes(&before, &after)).await? {
                Written::Committed => return Ok(after),
                Written::Rejected(_) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended { service: Service::DynamoDb })
    }

    /// What became of the valve, the newest first, and not more than `limit` changes.
    pub async fn changes(&self, limit: u16) -> Result<Vec<Valve>, StoreError> {
        let answer = self
            .dynamodb
            .client
            .query()
            .table_name(self.dynamodb.tables.payment_valve())
            .key_condition_expression("id = :id AND begins_with(#entry, :change)")
            .expression_attribute_names("#entry", ENTRY)
            .expression_attribute_values(":id", item::text(VALVE))
            .expression_attribute_values(":change", item::text(CHANGE))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        answer.items().iter().map(row::read).collect()
    }

    /// The valve and the entry of its history together, if nobody has changed it meanwhile.
    fn writes(&self, before: &Valve, after: &Valve) -> Vec<TransactWriteItem> {
        let put = |entry: String| {
            Put::builder()
                .table_name(self.dynamodb.tables.payment_valve())
                .set_item(Some(row::of(after, VALVE, &entry)))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None)
        };
        let now = put(NOW.to_owned())
            .condition_expression("attribute_not_exists(id) OR #revision = :revision")
            .expression_attribute_names("#revision", row::REVISION)
            .expression_attribute_values(":revision", item::number(before.revision));
        // Ten digits, so that the order of the texts is that of the numbers.
        let entry = put(format!("{CHANGE}{:010}", after.revision)).condition_expression("attribute_not_exists(id)");
        [now, entry]
            .into_iter()
            .map(|put| TransactWriteItem::builder().put(put.build().expect("table and item are set")).build())
            .collect()
    }
}
