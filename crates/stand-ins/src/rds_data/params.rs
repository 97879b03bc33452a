//! Binds the typed parameters of a request to the numbered ones of PostgreSQL.

use std::error::Error;

use bytes::BytesMut;
use postgres_types::{Format, IsNull, ToSql, Type, to_sql_checked};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::errors::ApiError;
use super::wire::{Double, Field, SqlParameter, TypeHint};

/// A value and the type that it has for PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) r#type: Type,
    pub(super) value: Value,
}

/// A value in the form in which it is sent. PostgreSQL itself parses the text form of everything but bytes, so that its
/// own rules and its own errors apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Text(String),
    Bytes(Vec<u8>),
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self {
            Self::Text(_) => Format::Text,
            Self::Null | Self::Bytes(_) => Format::Binary,
        }
    }

    to_sql_checked!();
}

/// The values for `names`, in their order. Every name needs a value, and every value a place in the statement.
pub(super) fn bind(names: &[String], parameters: &[SqlParameter]) -> Result<Vec<Bound>, ApiError> {
    for (index, parameter) in parameters.iter().enumerate() {
        let name = name_of(parameter)?;
        if !names.iter().any(|known| known == name) {
            return Err(ApiError::BadRequest(format!("Parameter {name} is not used in the SQL statement")));
        }
        if parameters[..index].iter().any(|other| other.name == parameter.name) {
            return Err(ApiError::BadRequest(format!("Parameter {name} is given twice")));
        }
    }
    names
        .iter()
        .map(|name| {
            parameters
                .iter()
                .find(|parameter| parameter.name.as_ref() == Some(name))
                .ok_or_else(|| ApiError::BadRequest(format!("Cannot find parameter: {name}")))
                .and_then(bound)
        })
        .collect()
}

fn name_of(parameter: &SqlParameter) -> Result<&str, ApiError> {
    parameter
        .name
        .as_deref()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| ApiError::BadRequest("Parameter name is missing".into()))
}

fn bound(parameter: &SqlParameter) -> Result<Bound, ApiError> {
    let name = name_of(parameter)?;
    let hint = parameter.type_hint;
    let value =
        parameter.value.as_ref().ok_or_else(|| ApiError::BadRequest(format!("Parameter {name} has no value")))?;
    if hint.is_some() && !matches!(value, Field::StringValue(_) | Field::IsNull(_)) {
        return Err(ApiError::BadRequest(format!(
            "Parameter {name} has a type hint, which applies to string values only"
        )));
    }
    let (r#type, value) = match value {
        Field::IsNull(true) => (hint.map_or(Type::UNKNOWN, hinted), Value::Null),
        Field::IsNull(false) => {
            return Err(ApiError::BadRequest(format!("Parameter {name} says that it is not NULL, but has no value")));
        }
        Field::BooleanValue(value) => (Type::BOOL, Value::Text(value.to_string())),
        Field::LongValue(value) => (Type::INT8, Value::Text(value.to_string())),
        Field::DoubleValue(Double(value)) => (Type::FLOAT8, Value::Text(value.to_string())),
        Field::BlobValue(value) => (Type::BYTEA, Value::Bytes(value.0.clone())),
        Field::ArrayValue(_) => {
            return Err(ApiError::Validation("Array parameters are not supported".into()));
        }
        Field::StringValue(value) => {
            if let Some(hint) = hint {
                check_format(name, value, hint)?;
            }
            (hint.map_or(Type::TEXT, hinted), Value::Text(value.clone()))
        }
    };
    Ok(Bound { r#type, value })
}

fn hinted(hint: TypeHint) -> Type {
    match hint {
        TypeHint::Date => Type::DATE,
        TypeHint::Decimal => Type::NUMERIC,
        TypeHint::Json => Type::JSON,
        TypeHint::Time => Type::TIME,
        TypeHint::Timestamp => Type::TIMESTAMP,
        TypeHint::Uuid => Type::UUID,
    }
}

/// PostgreSQL reads many more notations of dates and times than the one that the service accepts for each hint; one
/// that works here has to work there.
fn check_format(name: &str, value: &str, hint: TypeHint) -> Result<(), ApiError> {
    const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
    const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second][optional [.[subsecond]]]");
    const TIMESTAMP: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");
    let (fits, format) = match hint {
        TypeHint::Date => (time::Date::parse(value, DATE).is_ok(), "YYYY-MM-DD"),
        TypeHint::Time => (time::Time::parse(value, TIME).is_ok(), "HH:MM:SS[.FFF]"),
        TypeHint::Timestamp => (time::PrimitiveDateTime::parse(value, TIMESTAMP).is_ok(), "YYYY-MM-DD HH:MM:SS[.FFF]"),
        TypeHint::Decimal | TypeHint::Json | TypeHint::Uuid => return Ok(()),
    };
    if fits {
        return Ok(());
    }
    Err(ApiError::BadRequest(format!("Parameter {name} does not have the format {format} of its type hint")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, value: Field, type_hint: Option<TypeHint>) -> SqlParameter {
        SqlParameter { name: Some(name.into()), value: Some(value), type_hint }
    }

    fn text(value: &str) -> Field {
        Field::StringValue(value.into())
    }

    #[test]
    fn values_follow_the_names_of_the_statement() {
        let bound = bind(
            &["b".into(), "a".into()],
            &[parameter("a", Field::LongValue(1), None), parameter("b", text("x"), None)],
        )
        .expect("all given");
        assert_eq!(bound[0].r#type, Type::TEXT);
        assert_eq!(bound[0].value, Value::Text("x".into()));
        assert_eq!(bound[1].r#type, Type::INT8);
    }

    #[test]
    fn missing_unused_and_repeated_parameters_are_refused() {
        let a = parameter("a", text("x"), None);
        for (names, parameters) in
            [(vec!["a".to_owned()], vec![]), (vec![], vec![a.clone()]), (vec!["a".to_owned()], vec![a.clone(), a])]
        {
            let error = bind(&names, &parameters).expect_err("must be refused");
            assert!(matches!(error, ApiError::BadRequest(_)), "{error:?}");
        }
    }

    #[test]
    fn dates_and_times_need_the_documented_format() {
        let accepts = |value: &str, hint| bound(&parameter("a", text(value), Some(hint))).is_ok();
        assert!(accepts("2026-02-28", TypeHint::Date));
        assert!(!accepts("2026-02-30", TypeHint::Date));
        assert!(accepts("10:20:30", TypeHint::Time));
        assert!(accepts("10:20:30.123", TypeHint::Time));
        assert!(accepts("2026-02-28 10:20:30.123456", TypeHint::Timestamp));
        assert!(!accepts("2026-02-28T10:20:30Z", TypeHint::Timestamp));
    }
}
