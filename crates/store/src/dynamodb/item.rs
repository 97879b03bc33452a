//! Reading attributes of a row.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::StoreError;

/// A row, or a map within a row.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A number, in the form that `DynamoDB` takes it.
pub(crate) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A text.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A point in time: RFC 3339 in UTC.
pub(crate) fn timestamp(at: OffsetDateTime) -> AttributeValue {
    text(at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).expect("a date of this era has an RFC 3339 form"))
}

pub(crate) fn read_text<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .map(String::as_str)
        .ok_or_else(|| StoreError::corrupt(format!("attribute `{name}` should be a text")))
}

pub(crate) fn read_number<T: FromStr>(item: &Item, name: &str) -> Result<T, StoreError> {
    item.get(name)
        .and_then(|value| value.as_n().ok())
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| StoreError::corrupt(format!("attribute `{name}` should be a number in range")))
}

pub(crate) fn read_flag(item: &Item, name: &str) -> Result<bool, StoreError> {
    item.get(name)
        .and_then(|value| value.as_bool().ok())
        .copied()
        .ok_or_else(|| StoreError::corrupt(format!("attribute `{name}` should be true or false")))
}

/// Reads what has a text form of its own, such as an identifier.
pub(crate) fn read<T: TryFrom<String>>(item: &Item, name: &str) -> Result<T, StoreError> {
    read_text(item, name)?
        .to_owned()
        .try_into()
        .map_err(|_| StoreError::corrupt(format!("attribute `{name}` has an unknown form")))
}

pub(crate) fn read_timestamp(item: &Item, name: &str) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::parse(read_text(item, name)?, &Rfc3339)
        .map_err(|_| StoreError::corrupt(format!("attribute `{name}` should be a timestamp")))
}

/// A list of texts; a row that was written before the attribute was known has an empty one.
pub(crate) fn read_texts(item: &Item, name: &str) -> Result<Vec<String>, StoreError> {
    let corrupt = || StoreError::corrupt(format!("attribute `{name}` should be a list of texts"));
    let Some(list) = item.get(name) else { return Ok(Vec::new()) };
    let texts = list.as_l().map_err(|_| corrupt())?.iter();
    texts.map(|text| text.as_s().cloned().map_err(|_| corrupt())).collect()
}

/// A map of texts; a row that was written before the attribute was known has an empty one.
pub(crate) fn read_text_map(item: &Item, name: &str) -> Result<BTreeMap<String, String>, StoreError> {
    let corrupt = || StoreError::corrupt(format!("attribute `{name}` should be a map of texts"));
    let Some(map) = item.get(name) else { return Ok(BTreeMap::new()) };
    let texts = map.as_m().map_err(|_| corrupt())?.iter();
    texts.map(|(name, text)| Ok((name.clone(), text.as_s().cloned().map_err(|_| corrupt())?))).collect()
}
