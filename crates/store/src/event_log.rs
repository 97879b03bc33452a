//! Every event that was published, or is about to be.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use kassa_domain::{EventId, OrderId};
use time::OffsetDateTime;

use crate::dynamodb::DynamoDb;
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

pub(crate) const ORDER_ID: &str = "order_id";
pub(crate) const SEQUENCE: &str = "sequence";

const EVENT_ID: &str = "event_id";
const KIND: &str = "type";
const AT: &str = "at";
/// Only there until the bus has taken the event, so rows that were written before the attribute was known count as published.
const PUBLISHING: &str = "publishing";

/// Access to the log. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct EventLog {
    dynamodb: DynamoDb,
}

/// An event of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// The order.
    pub order_id: OrderId,
    /// Counts the events of the order from 1, without gaps.
    pub sequence: u32,
    /// Its identifier on the bus.
    pub event_id: EventId,
    /// What happened, such as `order.confirmed`.
    pub kind: String,
    /// When it was first about to be published.
    pub at: OffsetDateTime,
    /// Whether the bus has taken it. If not, nobody knows: whoever was about to publish it may have gone.
    pub published: bool,
}

/// Why an event was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordEventError {
    /// The order has another event under this number.
    #[error("event {sequence} of {order_id} is `{recorded}` and not `{kind}`")]
    OtherEvent {
        /// The order.
        order_id: OrderId,
        /// The number.
        sequence: u32,
        /// What is to be recorded.
        kind: String,
        /// What is recorded.
        recorded: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RecordEventError {
    /// Whether the same call may well succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::OtherEvent { .. } => false,
            Self::Store(error) => error.is_retryable(),
        }
    }
}

impl EventLog {
    /// Uses the table of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// Records an event once; recorded again it stays as it was.
    ///
    /// # Errors
    /// If the order has another event under this number, or the store failed.
    pub async fn record(&self, event: &LoggedEvent) -> Result<(), RecordEventError> {
        let sent = self
            .dynamodb
            .client
            .put_item()
            .table_name(self.dynamodb.tables.event_log())
            .set_item(Some(to_item(event)))
            .condition_expression("attribute_not_exists(order_id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(StoreError::dynamodb(error).into());
        };
        let recorded = failed.item().ok_or_else(|| StoreError::corrupt("a refused put came without the row"))?;
        let recorded = item::read_text(recorded, KIND)?;
        if recorded == event.kind {
            return Ok(());
        }
        Err(RecordEventError::OtherEvent {
            order_id: event.order_id.clone(),
            sequence: event.sequence,
            kind: event.kind.clone(),
            recorded: recorded.to_owned(),
        })
    }

    /// Records that the bus has taken an event. Does nothing if that is known.
    ///
    /// # Errors
    /// If the store failed.
    pub async fn published(&self, order_id: &OrderId, sequence: u32) -> Result<(), StoreError> {
        self.dynamodb
            .client
            .update_item()
            .table_name(self.dynamodb.tables.event_log())
            .key(ORDER_ID, item::text(order_id.as_str()))
            .key(SEQUENCE, item::number(sequence))
            .update_expression("REMOVE publishing")
            .condition_expression("attribute_exists(order_id)")
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(())
    }

    /// The events of an order, in their order.
    pub async fn of_order(&self, order_id: &OrderId) -> Result<Vec<LoggedEvent>, StoreError> {
        let mut rows = self
            .dynamodb
            .client
            .query()
            .table_name(self.dynamodb.tables.event_log())
            .key_condition_expression("order_id = :order_id")
            .expression_attribute_values(":order_id", item::text(order_id.as_str()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut events = Vec::new();
        while let Some(row) = rows.next().await {
            events.push(from_item(&row.map_err(StoreError::dynamodb)?)?);
        }
        Ok(events)
    }
}

fn to_item(event: &LoggedEvent) -> Item {
    let publishing = (!event.published).then(|| (PUBLISHING, AttributeValue::Bool(true)));
    let attributes = [
        (ORDER_ID, item::text(event.order_id.as_str())),
        (SEQUENCE, item::number(event.sequence)),
        (EVENT_ID, item::text(event.event_id.as_str())),
        (KIND, item::text(event.kind.as_str())),
        (AT, item::timestamp(event.at)),
    ];
    attributes.into_iter().chain(publishing).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn from_item(row: &Item) -> Result<LoggedEvent, StoreError> {
    Ok(LoggedEvent {
        order_id: item::read(row, ORDER_ID)?,
        sequence: item::read_number(row, SEQUENCE)?,
        event_id: item::read(row, EVENT_ID)?,
        kind: item::read_text(row, KIND)?.to_owned(),
        at: item::read_timestamp(row, AT)?,
        published: !row.contains_key(PUBLISHING),
    })
}
