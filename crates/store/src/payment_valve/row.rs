//! The valve as a row.

use super::{ENTRY, ID, MAX_RATE, Position, Valve};
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

pub(super) const REVISION: &str = "revision";
const POSITION: &str = "position";
const RATE: &str = "rate";
const OPERATOR: &str = "operator";
const REASON: &str = "reason";
const CHANGED_AT: &str = "changed_at";

const OPEN: &str = "OPEN";
const CLOSED: &str = "CLOSED";

pub(super) fn of(valve: &Valve, id: &str, entry: &str) -> Item {
    let position = match valve.position {
        Position::Open { .. } => OPEN,
        Position::Closed => CLOSED,
    };
    let mut row = Item::from([
        (ID.to_owned(), item::text(id)),
        (ENTRY.to_owned(), item::text(entry)),
        (POSITION.to_owned(), item::text(position)),
        (REVISION.to_owned(), item::number(valve.revision)),
        (OPERATOR.to_owned(), item::text(valve.operator.as_str())),
        (CHANGED_AT.to_owned(), item::timestamp(valve.changed_at)),
    ]);
    if let Position::Open { rate } = valve.position {
        row.insert(RATE.to_owned(), item::number(rate));
    }
    if let Some(reason) = &valve.reason {
        row.insert(REASON.to_owned(), item::text(reason.as_str()));
    }
    row
}

pub(super) fn read(row: &Item) -> Result<Valve, StoreError> {
    let position = match item::read_text(row, POSITION)? {
        CLOSED => Position::Closed,
        OPEN => match item::read_number(row, RATE)? {
            rate @ 1..=MAX_RATE => Position::Open { rate },
            _ => return Err(StoreError::corrupt(format!("attribute `{RATE}` should be from 1 to {MAX_RATE}"))),
        },
        _ => return Err(StoreError::corrupt(format!("attribute `{POSITION}` should be {OPEN} or {CLOSED}"))),
    };
    Ok(Valve {
        position,
        revision: item::read_number(row, REVISION)?,
        operator: item::read_text(row, OPERATOR)?.to_owned(),
        reason: row.get(REASON).map(|_| item::read_text(row, REASON).map(str::to_owned)).transpose()?,
        changed_at: item::read_timestamp(row, CHANGED_AT)?,
    })
}
