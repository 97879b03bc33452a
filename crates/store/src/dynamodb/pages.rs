//! Lists that are read page by page, along the sort key of a table or an index.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::DynamoDb;
use super::item::{self, Item};
use crate::error::StoreError;

/// How many rows one query reads of a list in which some may have to be passed over.
const READ_AHEAD: usize = 100;

/// How many queries one page takes at most.
const QUERIES: usize = 4;

/// The longest place that a cursor may name, well below what `DynamoDB` takes for a sort key.
const MAX_PLACE: usize = 600;

/// Sorts right behind a place and everything before what follows it: places end with characters that all sort behind
/// it.
const BEHIND: char = '!';

/// A place in a list, right after one of its rows. Its text form is opaque: callers hand back what they were given.
///
/// It holds the sort key of the row and not its number, so it stays valid when rows come or go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    scope: String,
    place: String,
}

/// A text that was never handed out as a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list: use the one that came with the page before, unchanged and with the same filters")]
pub struct InvalidCursor;

/// The rows of one partition whose sort key is between two texts, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) table: String,
    pub(crate) index: Option<&'static str>,
    /// The name and the value of the partition key.
    pub(crate) partition: (&'static str, String),
    /// The name of the sort key.
    pub(crate) sort: &'static str,
    pub(crate) low: String,
    pub(crate) high: String,
    /// What has to be the same for a cursor to be valid: the filters that the rows are held against.
    pub(crate) filters: String,
    /// Whether all rows of the range are wanted.
    pub(crate) exact: bool,
}

impl Range {
    /// Reads a cursor that was handed out for the same range and filters.
    pub(crate) fn cursor(&self, text: &str) -> Result<Cursor, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let decoded = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let (scope, place) = decoded.split_once('.').ok_or(InvalidCursor)?;
        let inside = self.low.as_str() <= place && place <= self.high.as_str() && place.len() <= MAX_PLACE;
        if inside && scope == self.scope() {
            Ok(Cursor { scope: scope.to_owned(), place: place.to_owned() })
        } else {
            Err(InvalidCursor)
        }
    }

    /// Names range and filters: a cursor of another list would skip rows without anybody noticing.
    fn scope(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.partition.1, self.sort, &self.low, &self.high, &self.filters] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(&hash.finalize()[..9])
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{}.{}", self.scope, self.place)))
    }
}

/// Reads up to `size` rows that `admit` lets through, from the start of the range or after a cursor of it.
///
/// Whatever there is to pass over, a page takes at most [`QUERIES`] queries: then it ends early, with a cursor.
pub(crate) async fn read<T>(
    dynamodb: &DynamoDb,
    range: &Range,
    size: usize,
    after: Option<&Cursor>,
    admit: impl Fn(&Item) -> Result<Option<T>, StoreError>,
) -> Result<(Vec<T>, Option<Cursor>), StoreError> {
    let cursor = |place: &str| Some(Cursor { scope: range.scope(), place: place.to_owned() });
    // One more tells whether there is a next page.
    let rows_at_once = if range.exact { size + 1 } else { READ_AHEAD };
    let mut found = Vec::with_capacity(size);
    let mut place = after.map(|cursor| cursor.place.clone());
    for _ in 0..QUERIES {
        let (rows, is_last) = query(dynamodb, range, rows_at_once, place.as_deref()).await?;
        for row in &rows {
            if found.len() == size {
                return Ok((found, place.as_deref().and_then(cursor)));
            }
            found.extend(admit(row)?);
            place = Some(item::read_text(row, range.sort)?.to_owned());
        }
        if is_last {
            return Ok((found, None));
        }
    }
    Ok((found, place.as_deref().and_then(cursor)))
}

/// Some rows behind a place, and whether they are the last ones.
async fn query(
    dynamodb: &DynamoDb,
    range: &Range,
    limit: usize,
    after: Option<&str>,
) -> Result<(Vec<Item>, bool), StoreError> {
    let low = after.map_or_else(|| range.low.clone(), |place| format!("{place}{BEHIND}"));
    if low > range.high {
        return Ok((Vec::new(), true));
    }
    let answer = dynamodb
        .client
        .query()
        .table_name(&range.table)
        .set_index_name(range.index.map(ToOwned::to_owned))
        .consistent_read(true)
        .limit(i32::try_from(limit).unwrap_or(i32::MAX))
        .key_condition_expression("#partition = :partition AND #sort BETWEEN :low AND :high")
        .expression_attribute_names("#partition", range.partition.0)
        .expression_attribute_names("#sort", range.sort)
        .expression_attribute_values(":partition", item::text(range.partition.1.as_str()))
        .expression_attribute_values(":low", item::text(low))
        .expression_attribute_values(":high", item::text(range.high.as_str()))
        .send()
        .await
        .map_err(StoreError::dynamodb)?;
    let is_last = answer.last_evaluated_key.is_none();
    Ok((answer.items.unwrap_or_default(), is_last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(filters: &str) -> Range {
        Range {
            table: "catalogue".to_owned(),
            index: None,
            partition: ("list", "all".to_owned()),
            sort: "place",
            low: "0".to_owned(),
            high: ":".to_owned(),
            filters: filters.to_owned(),
            exact: true,
        }
    }

    fn made_up(place: &str) -> String {
        Cursor { scope: range("").scope(), place: place.to_owned() }.to_string()
    }

    #[test]
    fn a_cursor_survives_its_text_form() {
        let cursor = Cursor { scope: range("").scope(), place: "123#prod_a-1".to_owned() };
        assert_eq!(range("").cursor(&cursor.to_string()), Ok(cursor));
    }

    #[test]
    fn a_cursor_of_other_filters_is_refused() {
        assert_eq!(range("tea").cursor(&made_up("123#prod_a")), Err(InvalidCursor));
    }

    #[test]
    fn anything_else_is_no_cursor() {
        let long = made_up(&"1".repeat(MAX_PLACE + 1));
        for text in ["", "prod_a", "%%%", &URL_SAFE_NO_PAD.encode("no dot"), &made_up(""), &made_up("zebra"), &long] {
            assert_eq!(range("").cursor(text), Err(InvalidCursor), "{text}");
        }
    }
}
