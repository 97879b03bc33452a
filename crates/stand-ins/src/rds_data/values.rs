//! Turns PostgreSQL's binary values into the fields of a Data API answer.

use std::error::Error;

use postgres_types::{FromSql, Kind, Type};
use tokio_postgres::Row;
use uuid::Uuid;

use super::errors::ApiError;
use super::numeric;
use super::times;
use super::wire::{ArrayValue, Blob, DecimalReturnType, Double, Field, LongReturnType, ResultSetOptions};

/// The fields of one row.
pub(super) fn fields(row: &Row, options: ResultSetOptions) -> Result<Vec<Field>, ApiError> {
    row.columns()
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let raw: Option<Raw<'_>> = row.try_get(index)?;
            match raw {
                None => Ok(Field::IsNull(true)),
                Some(Raw(raw)) => field(column.type_(), raw, options),
            }
        })
        .collect()
}

/// The bytes of a value of any type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn field(r#type: &Type, raw: &[u8], options: ResultSetOptions) -> Result<Field, ApiError> {
    if let Kind::Array(element) = r#type.kind() {
        return array(r#type, element, raw, options).map(Field::ArrayValue);
    }
    Ok(match scalar(r#type, raw, options)? {
        Scalar::Boolean(value) => Field::BooleanValue(value),
        Scalar::Long(value) => Field::LongValue(value),
        Scalar::Double(value) => Field::DoubleValue(Double(value)),
        Scalar::Text(value) => Field::StringValue(value),
        Scalar::Bytes(value) => Field::BlobValue(Blob(value)),
    })
}

enum Scalar {
    Boolean(bool),
    Long(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
}

fn scalar(r#type: &Type, raw: &[u8], options: ResultSetOptions) -> Result<Scalar, ApiError> {
    match r#type.kind() {
        Kind::Enum(_) => return text(raw),
        Kind::Domain(base) => return scalar(base, raw, options),
        _ => {}
    }
    Ok(match *r#type {
        Type::BOOL => Scalar::Boolean(read(r#type, raw)?),
        Type::INT2 => long(read::<i16>(r#type, raw)?.into(), options),
        Type::INT4 => long(read::<i32>(r#type, raw)?.into(), options),
        Type::INT8 => long(read(r#type, raw)?, options),
        Type::OID => long(read::<u32>(r#type, raw)?.into(), options),
        Type::FLOAT4 => Scalar::Double(widen(read(r#type, raw)?)),
        Type::FLOAT8 => Scalar::Double(read(r#type, raw)?),
        Type::NUMERIC => decimal(numeric::text(raw).ok_or_else(|| unreadable(r#type))?, options),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::UNKNOWN => text(raw)?,
        // What a function without a result returns, such as `pg_notify`.
        Type::VOID => Scalar::Text(String::new()),
        // One byte of format version precedes the text.
        Type::JSONB => text(raw.get(1..).ok_or_else(|| unreadable(r#type))?)?,
        Type::BYTEA => Scalar::Bytes(raw.to_vec()),
        Type::UUID => Scalar::Text(Uuid::from_slice(raw).map_err(|_| unreadable(r#type))?.to_string()),
        Type::DATE => Scalar::Text(times::date(read_i32(r#type, raw)?).ok_or_else(|| unreadable(r#type))?),
        Type::TIME => Scalar::Text(times::time(read_i64(r#type, raw)?).ok_or_else(|| unreadable(r#type))?),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            Scalar::Text(times::timestamp(read_i64(r#type, raw)?).ok_or_else(|| unreadable(r#type))?)
        }
        _ => return Err(unsupported(r#type)),
    })
}

fn unsupported(r#type: &Type) -> ApiError {
    ApiError::UnsupportedResult(format!("The result contains the unsupported data type {}.", r#type.name()))
}

fn read<'a, T: FromSql<'a>>(r#type: &Type, raw: &'a [u8]) -> Result<T, ApiError> {
    T::from_sql(r#type, raw).map_err(|_| unreadable(r#type))
}

fn read_i32(r#type: &Type, raw: &[u8]) -> Result<i32, ApiError> {
    read(&Type::INT4, raw).map_err(|_| unreadable(r#type))
}

fn read_i64(r#type: &Type, raw: &[u8]) -> Result<i64, ApiError> {
    read(&Type::INT8, raw).map_err(|_| unreadable(r#type))
}

fn unreadable(r#type: &Type) -> ApiError {
    ApiError::UnsupportedResult(format!(
        "The result contains a value of the data type {} that cannot be represented.",
        r#type.name()
    ))
}

fn text(raw: &[u8]) -> Result<Scalar, ApiError> {
    String::from_utf8(raw.to_vec()).map(Scalar::Text).map_err(|_| unreadable(&Type::TEXT))
}

fn long(value: i64, options: ResultSetOptions) -> Scalar {
    match options.long_return_type {
        LongReturnType::Long => Scalar::Long(value),
        LongReturnType::String => Scalar::Text(value.to_string()),
    }
}

fn decimal(value: String, options: ResultSetOptions) -> Scalar {
    match options.decimal_return_type {
        DecimalReturnType::String => Scalar::Text(value),
        DecimalReturnType::DoubleOrLong => match value.parse() {
            Ok(long) => Scalar::Long(long),
            Err(_) => Scalar::Double(value.parse().unwrap_or(f64::NAN)),
        },
    }
}

/// The double with the same shortest decimal notation, so that 0.1 stays 0.1.
fn widen(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

fn array(r#type: &Type, element: &Type, raw: &[u8], options: ResultSetOptions) -> Result<ArrayValue, ApiError> {
    let elements = elements(raw)
        .ok_or_else(|| unreadable(r#type))?
        .into_iter()
        .map(|raw| raw.map(|raw| scalar(element, raw, options)).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    let kind = Kinds::of(element, options).ok_or_else(|| unsupported(r#type))?;
    Ok(match kind {
        Kinds::Boolean => ArrayValue::BooleanValues(collect(elements, |scalar| match scalar {
            Scalar::Boolean(value) => Some(value),
            _ => None,
        })),
        Kinds::Long => ArrayValue::LongValues(collect(elements, |scalar| match scalar {
            Scalar::Long(value) => Some(value),
            _ => None,
        })),
        Kinds::Double => ArrayValue::DoubleValues(collect(elements, |scalar| match scalar {
            Scalar::Double(value) => Some(Double(value)),
            // Decimals returned as numbers: those without a fraction come as longs.
            #[expect(
                clippy::cast_precision_loss,
                reason = "the caller asked for decimals as doubles, which lose precision"
            )]
            Scalar::Long(value) => Some(Double(value as f64)),
            _ => None,
        })),
        Kinds::Text => ArrayValue::StringValues(collect(elements, |scalar| match scalar {
            Scalar::Text(value) => Some(value),
            _ => None,
        })),
    })
}

/// The four kinds of array elements of the Data API.
enum Kinds {
    Boolean,
    Long,
    Double,
    Text,
}

impl Kinds {
    /// The kind follows from the type alone, so that an empty array has one too. There is none for bytes.
    fn of(element: &Type, options: ResultSetOptions) -> Option<Self> {
        Some(match *element {
            Type::BOOL => Self::Boolean,
            Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => match options.long_return_type {
                LongReturnType::Long => Self::Long,
                LongReturnType::String => Self::Text,
            },
            Type::FLOAT4 | Type::FLOAT8 => Self::Double,
            Type::NUMERIC if options.decimal_return_type == DecimalReturnType::DoubleOrLong => Self::Double,
            Type::BYTEA => return None,
            _ => Self::Text,
        })
    }
}

fn collect<T>(elements: Vec<Option<Scalar>>, take: impl Fn(Scalar) -> Option<T>) -> Vec<Option<T>> {
    elements.into_iter().map(|element| element.and_then(&take)).collect()
}

/// The elements of a one-dimensional array in PostgreSQL's binary format; `None` where it has more dimensions.
fn elements(raw: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let mut reader = Reader(raw);
    let dimensions = reader.i32()?;
    let _has_nulls = reader.i32()?;
    let _element_type = reader.i32()?;
    if dimensions == 0 {
        return Some(Vec::new());
    }
    if dimensions != 1 {
        return None;
    }
    let length = reader.i32()?;
    let _lower_bound = reader.i32()?;
    (0..length)
        .map(|_| match reader.i32()? {
            -1 => Some(None),
            size => reader.take(usize::try_from(size).ok()?).map(Some),
        })
        .collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(taken)
    }

    fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }
}
