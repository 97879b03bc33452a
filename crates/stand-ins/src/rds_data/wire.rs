//! Requests and responses of the Data API, as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};

/// `POST /Execute`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecuteStatementRequest {
    #[serde(flatten)]
    pub(super) target: Target,
    pub(super) sql: Option<String>,
    #[serde(default)]
    pub(super) parameters: Vec<SqlParameter>,
    pub(super) transaction_id: Option<String>,
    #[serde(default)]
    pub(super) include_result_metadata: bool,
    #[serde(default)]
    pub(super) continue_after_timeout: bool,
    pub(super) result_set_options: Option<ResultSetOptions>,
    #[serde(default)]
    pub(super) format_records_as: RecordsFormat,
}

/// `POST /BatchExecute`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchExecuteStatementRequest {
    #[serde(flatten)]
    pub(super) target: Target,
    pub(super) sql: Option<String>,
    #[serde(default)]
    pub(super) parameter_sets: Vec<Vec<SqlParameter>>,
    pub(super) transaction_id: Option<String>,
}

/// `POST /BeginTransaction`.
#[derive(Debug, Deserialize)]
pub(super) struct BeginTransactionRequest {
    #[serde(flatten)]
    pub(super) target: Target,
}

/// `POST /CommitTransaction` and `POST /RollbackTransaction`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndTransactionRequest {
    #[serde(flatten)]
    pub(super) target: Target,
    pub(super) transaction_id: Option<String>,
}

/// What every request names: cluster, secret and database.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) resource_arn: Option<String>,
    pub(super) secret_arn: Option<String>,
    pub(super) database: Option<String>,
    pub(super) schema: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SqlParameter {
    pub(super) name: Option<String>,
    pub(super) value: Option<Field>,
    pub(super) type_hint: Option<TypeHint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum TypeHint {
    Date,
    Decimal,
    Json,
    Time,
    Timestamp,
    Uuid,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResultSetOptions {
    pub(super) decimal_return_type: DecimalReturnType,
    pub(super) long_return_type: LongReturnType,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum DecimalReturnType {
    #[default]
    String,
    DoubleOrLong,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum LongReturnType {
    #[default]
    Long,
    String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RecordsFormat {
    #[default]
    None,
    Json,
}

/// A value, in requests as in responses: a JSON object with exactly one member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Field {
    IsNull(bool),
    BooleanValue(bool),
    LongValue(i64),
    DoubleValue(Double),
    StringValue(String),
    BlobValue(Blob),
    ArrayValue(ArrayValue),
}

/// Elements of an array, by kind; `None` is an SQL NULL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::enum_variant_names, reason = "these are the names on the wire")]
pub(super) enum ArrayValue {
    BooleanValues(Vec<Option<bool>>),
    LongValues(Vec<Option<i64>>),
    DoubleValues(Vec<Option<Double>>),
    StringValues(Vec<Option<String>>),
    ArrayValues(Vec<ArrayValue>),
}

/// A double, whose special values have names on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "DoubleOnWire")]
pub(super) struct Double(pub(super) f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum DoubleOnWire {
    Number(f64),
    Name(String),
}

impl TryFrom<DoubleOnWire> for Double {
    type Error = String;

    fn try_from(value: DoubleOnWire) -> Result<Self, String> {
        match value {
            DoubleOnWire::Number(number) => Ok(Self(number)),
            DoubleOnWire::Name(name) => match name.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                _ => Err(format!("{name} is not a double")),
            },
        }
    }
}

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else if self.0.is_nan() {
            serializer.serialize_str("NaN")
        } else if self.0 > 0.0 {
            serializer.serialize_str("Infinity")
        } else {
            serializer.serialize_str("-Infinity")
        }
    }
}

/// Bytes, in base64 on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Blob(pub(super) Vec<u8>);

impl TryFrom<String> for Blob {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecuteStatementResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<Vec<Vec<Field>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column_metadata: Option<Vec<ColumnMetadata>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) formatted_records: Option<String>,
    pub(super) number_of_records_updated: u64,
    /// Always empty: with PostgreSQL a `RETURNING` clause takes its place.
    pub(super) generated_fields: Vec<Field>,
}

/// A column of a result, in the terms of JDBC.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "these are the members on the wire")]
pub(super) struct ColumnMetadata {
    pub(super) array_base_column_type: i32,
    pub(super) is_auto_increment: bool,
    pub(super) is_case_sensitive: bool,
    pub(super) is_currency: bool,
    pub(super) is_signed: bool,
    pub(super) label: String,
    pub(super) name: String,
    /// 0: never NULL, 1: may be NULL, 2: not known.
    pub(super) nullable: i32,
    pub(super) precision: i32,
    pub(super) scale: i32,
    pub(super) schema_name: String,
    pub(super) table_name: String,
    /// A constant of `java.sql.Types`.
    pub(super) r#type: i32,
    pub(super) type_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchExecuteStatementResponse {
    pub(super) update_results: Vec<UpdateResult>,
}

#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateResult {
    /// Always empty, as in [`ExecuteStatementResponse`].
    pub(super) generated_fields: Vec<Field>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BeginTransactionResponse {
    pub(super) transaction_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndTransactionResponse {
    pub(super) transaction_status: &'static str,
}
