//! Lists of orders, newest first.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kassa_domain::{Caller, Currency, Money, OrderId, OrderStatus};
use serde::Deserialize;
use time::OffsetDateTime;

use super::Orders;
use crate::database::{Parameters, microseconds};
use crate::error::StoreError;

/// The most orders of a page.
pub const MAX_PAGE: usize = 100;

/// A time after that of every order, in microseconds since 1970: the first moment of the year 10,000.
const END_OF_TIME: i64 = 253_402_300_800_000_000;

/// Which orders are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Whose; everybody's if it is left out.
    pub caller: Option<Caller>,
    /// In one of these statuses; in any if there are none.
    pub statuses: Vec<OrderStatus>,
    /// Placed at this time or later.
    pub from: Option<OffsetDateTime>,
    /// Placed before this time.
    pub to: Option<OffsetDateTime>,
}

/// An order in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSummary {
    /// The order.
    pub order_id: OrderId,
    /// Who buys.
    pub caller: Caller,
    /// Where it is.
    pub status: OrderStatus,
    /// What it costs.
    pub total: Money,
    /// What was given back of it.
    pub refunded: Money,
    /// How many pieces were bought.
    pub pieces: u32,
    /// When it was placed.
    pub created_at: OffsetDateTime,
}

/// Some orders, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders.
    pub orders: Vec<OrderSummary>,
    /// Where the next page starts, if there is more.
    pub next: Option<OrderCursor>,
}

/// A place in a list of orders, right after one. Its text form is opaque: callers hand back what they were given.
///
/// It says what comes before it and not how much, so it stays valid when orders are placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCursor {
    /// In microseconds since 1970.
    created_at: i64,
    order_id: OrderId,
}

/// A text that was never handed out as a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: use the one that came with the page before, unchanged")]
pub struct InvalidOrderCursor;

impl fmt::Display for OrderCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{}#{}", self.created_at, self.order_id)))
    }
}

impl FromStr for OrderCursor {
    type Err = InvalidOrderCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let (created_at, order_id) = text.split_once('#')?;
            let created_at = created_at.parse().ok().filter(|at| (0..END_OF_TIME).contains(at))?;
            Some(Self { created_at, order_id: order_id.parse().ok()? })
        };
        parse().ok_or(InvalidOrderCursor)
    }
}

impl Orders {
    /// A page of the orders that the filter lets through, newest first. At most [`MAX_PAGE`] are returned, whatever is
    /// asked for. One statement, which reads no more rows of the orders than an index needs for the page.
    pub async fn list(
        &self,
        filter: &OrderFilter,
        page_size: usize,
        after: Option<&OrderCursor>,
    ) -> Result<OrderPage, StoreError> {
        let page_size = page_size.clamp(1, MAX_PAGE);
        let statuses = if filter.statuses.is_empty() { &OrderStatus::ALL[..] } else { &filter.statuses };
        // Each once: the list over all orders asks for each of them.
        let statuses = OrderStatus::ALL.into_iter().filter(|status| statuses.contains(status));
        // No order has an empty id, so what was placed at the time itself does not come before it.
        let end = (filter.to.map_or(END_OF_TIME, micros), "");
        let (before, before_id) = after.map_or(end, |cursor| end.min((cursor.created_at, cursor.order_id.as_str())));
        let parameters = Parameters::new()
            .text("statuses", statuses.map(OrderStatus::as_str).collect::<Vec<_>>().join(","))
            .integer("since", filter.from.map_or(0, micros))
            .integer("before", before)
            .text("before_id", before_id)
            // One more tells whether there is a next page.
            .integer("page", i64::try_from(page_size + 1).expect("a page is small"));
        let mut rows: Vec<SummaryRow> = match &filter.caller {
            Some(caller) => {
                let parameters = parameters.text("caller", caller.as_str());
                self.database.query(include_str!("list_of_caller.sql"), parameters).await?
            }
            None => self.database.query(include_str!("list_of_all.sql"), parameters).await?,
        };
        let more = rows.len() > page_size;
        rows.truncate(page_size);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|last| OrderCursor { created_at: micros(last.created_at), order_id: last.order_id.clone() });
        Ok(OrderPage { orders: rows.into_iter().map(OrderSummary::from).collect(), next })
    }
}

/// Microseconds since 1970, within the times that orders have.
fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).map_or(END_OF_TIME, |micros| micros.clamp(0, END_OF_TIME))
}

#[derive(Deserialize)]
struct SummaryRow {
    order_id: OrderId,
    caller: Caller,
    status: OrderStatus,
    currency: Currency,
    total_amount: i64,
    refunded_amount: i64,
    pieces: u32,
    #[serde(with = "microseconds")]
    created_at: OffsetDateTime,
}

impl From<SummaryRow> for OrderSummary {
    fn from(row: SummaryRow) -> Self {
        Self {
            order_id: row.order_id,
            caller: row.caller,
            status: row.status,
            total: Money::new(row.total_amount, row.currency),
            refunded: Money::new(row.refunded_amount, row.currency),
            pieces: row.pieces,
            created_at: row.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form() {
        let cursor = OrderCursor { created_at: 1_700_000_000_123_456, order_id: "ord_1".parse().expect("an id") };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn anything_else_is_no_cursor() {
        let made_up = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in [
            String::new(),
            "ord_1".to_owned(),
            "%%%".to_owned(),
            made_up("1"),
            made_up("1#"),
            made_up("1#prod_1"),
            made_up("x#ord_1"),
            made_up("-1#ord_1"),
            made_up("253402300800000000#ord_1"),
        ] {
            assert_eq!(text.parse::<OrderCursor>(), Err(InvalidOrderCursor), "{text}");
        }
    }
}
