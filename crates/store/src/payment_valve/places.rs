//! The places of held orders in a drain.
//!
//! A place is a moment: the place number `n` of a drain comes `n / rate` seconds after the valve was opened. No two
//! orders have the same place, so no more than `rate` of them go within a second, however many ask at once. Nobody
//! gets a place that has passed: those who come late do not make up for it in a burst.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use kassa_domain::OrderId;
use time::{Duration, OffsetDateTime};

use super::{ENTRY, EXPIRES_AT, ID, PaymentValve, Position, Valve};
use crate::dynamodb::item::{self, Item};
use crate::error::{Service, StoreError};

/// The row that counts the places which are taken.
const COUNTER: &str = "counter";
/// The first place that nobody has taken yet.
const NEXT: &str = "next";
const PLACE: &str = "place";

/// How long the places of a drain are kept: much longer than any order is held.
const KEPT: Duration = Duration::days(7);

/// How often the counter is asked while the clock overtakes it.
const ATTEMPTS: usize = 8;

/// An order's place in a drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The order.
    pub order_id: OrderId,
    /// Counted from 0.
    pub number: u64,
    /// When its turn comes.
    pub at: OffsetDateTime,
}

impl PaymentValve {
    /// When the turn of a held order comes: nothing while the valve is closed. However often an order asks in one drain, it
    /// has one place.
    ///
    /// An attempt that was lost between counting and writing leaves a place empty: that makes the drain slower by one
    /// place, never faster.
    pub async fn admit(&self, order_id: &OrderId, now: OffsetDateTime) -> Result<(Valve, Option<Place>), StoreError> {
        let valve = self.get().await?;
        let Position::Open { rate } = valve.position else { return Ok((valve, None)) };
        let drain = drain(valve.revision);
        let number = if let Some(number) = self.taken(&drain, order_id).await? {
            number
        } else {
            let number = self.take(&drain, first_after(&valve, rate, now)).await?;
            self.keep(&drain, order_id, number, now).await?
        };
        let at = moment(&valve, rate, number);
        Ok((valve, Some(Place { order_id: order_id.clone(), number, at })))
    }

    /// All places that were taken in the drain that the valve's last opening began, in their order.
    pub async fn places(&self, valve: &Valve) -> Result<Vec<Place>, StoreError> {
        let Position::Open { rate } = valve.position else { return Ok(Vec::new()) };
        let mut rows = self
            .dynamodb
            .client
            .query()
            .table_name(self.dynamodb.tables.payment_valve())
            .key_condition_expression("id = :id AND begins_with(#entry, :order)")
            .expression_attribute_names("#entry", ENTRY)
            .expression_attribute_values(":id", item::text(drain(valve.revision)))
            .expression_attribute_values(":order", item::text("ord_"))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut places = Vec::new();
        while let Some(row) = rows.next().await {
            let row = row.map_err(StoreError::dynamodb)?;
            let number = item::read_number(&row, PLACE)?;
            places.push(Place { order_id: item::read(&row, ENTRY)?, number, at: moment(valve, rate, number) });
        }
        places.sort_by_key(|place| place.number);
        Ok(places)
    }

    /// When the last place that was taken comes, or came; nothing if there is none.
    pub async fn last_turn(&self, valve: &Valve) -> Result<Option<OffsetDateTime>, StoreError> {
        let Position::Open { rate } = valve.position else { return Ok(None) };
        let row = self.row(&drain(valve.revision), COUNTER).await?;
        let next: Option<u64> = row.map(|row| item::read_number(&row, NEXT)).transpose()?;
        Ok(next.and_then(|next| next.checked_sub(1)).map(|last| moment(valve, rate, last)))
    }

    async fn taken(&self, drain: &str, order_id: &OrderId) -> Result<Option<u64>, StoreError> {
        let row = self.row(drain, order_id.as_str()).await?;
        row.map(|row| item::read_number(&row, PLACE)).transpose()
    }

    async fn row(&self, id: &str, entry: &str) -> Result<Option<Item>, StoreError> {
        let answer = self
            .dynamodb
            .client
            .get_item()
            .table_name(self.dynamodb.tables.payment_valve())
            .key(ID, item::text(id))
            .key(ENTRY, item::text(entry))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(answer.item)
    }

    /// Counts one more place, and not one before `first`.
    async fn take(&self, drain: &str, first: u64) -> Result<u64, StoreError> {
        for _ in 0..ATTEMPTS {
            // Whoever comes while places are still to come gets the next one.
            if let Some(before) = self.count(drain, "SET #next = #next + :one", "#next >= :first", first).await? {
                return item::read_number(&before, NEXT);
            }
            // The clock has overtaken the counter: one of those who find that out brings it up.
            let behind = "attribute_not_exists(#next) OR #next < :first";
            if self.count(drain, "SET #next = :first + :one", behind, first).await?.is_some() {
                return Ok(first);
            }
        }
        Err(StoreError::Contended { service: Service::DynamoDb })
    }

    /// Changes the counter and tells what it was before; nothing if the condition did not hold.
    async fn count(&self, drain: &str, change: &str, condition: &str, first: u64) -> Result<Option<Item>, StoreError> {
        let sent = self
            .dynamodb
            .client
            .update_item()
            .table_name(self.dynamodb.tables.payment_valve())
            .key(ID, item::text(drain))
            .key(ENTRY, item::text(COUNTER))
            .update_expression(format!("{change}, #expires_at = :expires_at"))
            .condition_expression(condition)
            .expression_attribute_names("#next", NEXT)
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":first", item::number(first))
            .expression_attribute_values(":one", item::number(1))
            .expression_attribute_values(":expires_at", expires_at(OffsetDateTime::now_utc()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }

    /// Writes an order's place, and tells which one it has: the one before, if it had one.
    async fn keep(&self, drain: &str, order_id: &OrderId, number: u64, now: OffsetDateTime) -> Result<u64, StoreError> {
        let sent = self
            .dynamodb
            .client
            .put_item()
            .table_name(self.dynamodb.tables.payment_valve())
            .item(ID, item::text(drain))
            .item(ENTRY, item::text(order_id.as_str()))
            .item(PLACE, item::number(number))
            .item(EXPIRES_AT, expires_at(now))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(number) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(StoreError::dynamodb(error));
        };
        let row = failed.item().ok_or_else(|| StoreError::corrupt("a refused put came without the row"))?;
        item::read_number(row, PLACE)
    }
}

fn drain(revision: u32) -> String {
    format!("drain#{revision:010}")
}

fn expires_at(now: OffsetDateTime) -> aws_sdk_dynamodb::types::AttributeValue {
    item::number((now + KEPT).unix_timestamp())
}

/// When a place of the drain comes.
fn moment(valve: &Valve, rate: u32, number: u64) -> OffsetDateTime {
    let micros = i64::try_from(number).ok().and_then(|number| number.checked_mul(1_000_000)).unwrap_or(i64::MAX);
    valve.changed_at.checked_add(Duration::microseconds(micros / i64::from(rate))).unwrap_or(valve.changed_at)
}

/// The first place that has not passed.
fn first_after(valve: &Valve, rate: u32, now: OffsetDateTime) -> u64 {
    let passed = (now - valve.changed_at).whole_microseconds().max(0);
    let places = (passed * i128::from(rate) + 999_999) / 1_000_000;
    u64::try_from(places).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(rate: u32) -> Valve {
        Valve { position: Position::Open { rate }, revision: 1, ..Valve::default() }
    }

    #[test]
    fn places_are_as_far_apart_as_the_rate_says() {
        let valve = opened(4);
        assert_eq!(moment(&valve, 4, 0), valve.changed_at);
        assert_eq!(moment(&valve, 4, 1) - moment(&valve, 4, 0), Duration::milliseconds(250));
        assert_eq!(moment(&valve, 4, 8) - valve.changed_at, Duration::seconds(2));
    }

    #[test]
    fn a_place_that_has_passed_is_given_to_nobody() {
        let valve = opened(4);
        let after = |millis| first_after(&valve, 4, valve.changed_at + Duration::milliseconds(millis));
        assert_eq!((after(-5_000), after(0), after(1), after(250), after(251)), (0, 0, 1, 1, 2));
        for millis in [1, 249, 250, 251, 999, 60_001] {
            let now = valve.changed_at + Duration::milliseconds(millis);
            assert!(moment(&valve, 4, first_after(&valve, 4, now)) >= now, "{millis}");
        }
    }
}
