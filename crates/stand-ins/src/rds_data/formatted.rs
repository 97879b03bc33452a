//! Result sets as one JSON text, for `formatRecordsAs=JSON`.

use serde_json::{Value, json};
use tokio_postgres::Column;

use super::errors::ApiError;
use super::wire::{ArrayValue, Field};

/// The longest such text, in bytes.
const LIMIT: usize = 10 * 1024 * 1024;

/// An array with one object per row, whose members are in the order of the columns.
pub(super) fn json(columns: &[Column], records: &[Vec<Field>]) -> Result<String, ApiError> {
    let labels: Vec<Value> = columns.iter().map(|column| column.name().into()).collect();
    let rows: Vec<String> = records
        .iter()
        .map(|record| {
            let members: Vec<String> =
                labels.iter().zip(record).map(|(label, field)| format!("{label}:{}", value(field))).collect();
            format!("{{{}}}", members.join(","))
        })
        .collect();
    let text = format!("[{}]", rows.join(","));
    if text.len() > LIMIT {
        return Err(ApiError::UnsupportedResult("Database returned more than the allowed response size limit".into()));
    }
    Ok(text)
}

fn value(field: &Field) -> Value {
    match field {
        Field::IsNull(_) => Value::Null,
        Field::BooleanValue(value) => json!(value),
        Field::LongValue(value) => json!(value),
        Field::DoubleValue(value) => json!(value),
        Field::StringValue(value) => json!(value),
        Field::BlobValue(value) => json!(value),
        Field::ArrayValue(value) => array(value),
    }
}

fn array(array: &ArrayValue) -> Value {
    match array {
        ArrayValue::BooleanValues(values) => json!(values),
        ArrayValue::LongValues(values) => json!(values),
        ArrayValue::DoubleValues(values) => json!(values),
        ArrayValue::StringValues(values) => json!(values),
        ArrayValue::ArrayValues(values) => values.iter().map(self::array).collect(),
    }
}
