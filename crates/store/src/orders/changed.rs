//! Orders by the time of their latest change, oldest first: for whoever goes through all of them.

use kassa_domain::{OrderId, OrderStatus};
use serde::Deserialize;
use time::OffsetDateTime;

use super::Orders;
use crate::database::{Parameters, microseconds};
use crate::error::StoreError;

/// Which orders are gone through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFilter {
    /// In one of these statuses.
    pub statuses: Vec<OrderStatus>,
    /// Changed last at this time or later.
    pub from: OffsetDateTime,
    /// Changed last before this time.
    pub to: OffsetDateTime,
}

/// An order that was gone through.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChangedOrder {
    /// The order.
    pub order_id: OrderId,
    /// Where it is.
    pub status: OrderStatus,
    /// How many events tell of it.
    pub events: u32,
    /// When it changed last.
    #[serde(with = "microseconds")]
    pub updated_at: OffsetDateTime,
}

impl Orders {
    /// Some of the orders that the filter lets through, after one of them. Whoever changes while pages are read may or may
    /// not be on a later one.
    pub async fn changed(
        &self,
        filter: &ChangedFilter,
        after: Option<(OffsetDateTime, &OrderId)>,
        size: usize,
    ) -> Result<Vec<ChangedOrder>, StoreError> {
        // No order has an empty id, so what changed at the time itself comes after it.
        let (after, after_id) = after.map_or((filter.from, ""), |(at, order)| (at, order.as_str()));
        let statuses: Vec<_> = filter.statuses.iter().map(|status| status.as_str()).collect();
        let parameters = Parameters::new()
            .text("statuses", statuses.join(","))
            .integer("until", micros(filter.to))
            .integer("after", micros(after))
            .text("after_id", after_id)
            .integer("page", i64::try_from(size).unwrap_or(i64::MAX));
        self.database.query(include_str!("changed.sql"), parameters).await
    }
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX).max(0)
}
