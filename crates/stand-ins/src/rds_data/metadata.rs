//! Describes the columns of a result in the terms of JDBC, as the Data API does.

use std::collections::HashMap;

use postgres_types::{Kind, Type};
use tokio_postgres::{Client, Column};

use super::errors::ApiError;
use super::wire::ColumnMetadata;

/// What the catalogue knows of a table's column.
struct TableColumn {
    schema: String,
    table: String,
    name: String,
    not_null: bool,
    auto_increment: bool,
}

/// The metadata of `columns`, which are those of a statement that just ran on `client`.
pub(super) async fn describe(client: &Client, columns: &[Column]) -> Result<Vec<ColumnMetadata>, ApiError> {
    let tables = table_columns(client, columns).await?;
    Ok(columns.iter().map(|column| metadata(column, origin(column).and_then(|origin| tables.get(&origin)))).collect())
}

fn origin(column: &Column) -> Option<(u32, i16)> {
    column.table_oid().zip(column.column_id())
}

async fn table_columns(client: &Client, columns: &[Column]) -> Result<HashMap<(u32, i16), TableColumn>, ApiError> {
    const QUERY: &str = "
        SELECT a.attrelid, a.attnum, n.nspname::text, c.relname::text, a.attname::text, a.attnotnull,
               a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
        FROM unnest($1::oid[], $2::int2[]) AS wanted (relation, number)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = wanted.relation AND a.attnum = wanted.number
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum";
    let (relations, numbers): (Vec<u32>, Vec<i16>) = columns.iter().filter_map(origin).unzip();
    if relations.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = client.query(QUERY, &[&relations, &numbers]).await?;
    rows.iter()
        .map(|row| {
            let column = TableColumn {
                schema: row.try_get(2)?,
                table: row.try_get(3)?,
                name: row.try_get(4)?,
                not_null: row.try_get(5)?,
                auto_increment: row.try_get(6)?,
            };
            Ok(((row.try_get(0)?, row.try_get(1)?), column))
        })
        .collect()
}

fn metadata(column: &Column, origin: Option<&TableColumn>) -> ColumnMetadata {
    let r#type = column.type_();
    let (precision, scale) = precision(r#type, column.type_modifier());
    let element = match r#type.kind() {
        Kind::Array(element) => jdbc_type(element),
        _ => 0,
    };
    ColumnMetadata {
        array_base_column_type: element,
        is_auto_increment: origin.is_some_and(|origin| origin.auto_increment),
        is_case_sensitive: !is_number(r#type) && !is_time(r#type) && *r#type != Type::BOOL,
        is_currency: false,
        is_signed: is_number(r#type),
        label: column.name().to_owned(),
        name: origin.map_or_else(|| column.name().to_owned(), |origin| origin.name.clone()),
        nullable: origin.map_or(2, |origin| i32::from(!origin.not_null)),
        precision,
        scale,
        schema_name: origin.map_or_else(String::new, |origin| origin.schema.clone()),
        table_name: origin.map_or_else(String::new, |origin| origin.table.clone()),
        r#type: jdbc_type(r#type),
        type_name: r#type.name().to_owned(),
    }
}

fn is_number(r#type: &Type) -> bool {
    matches!(*r#type, Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC)
}

fn is_time(r#type: &Type) -> bool {
    matches!(*r#type, Type::DATE | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ)
}

/// The constant of `java.sql.Types` that PostgreSQL's JDBC driver gives the type.
fn jdbc_type(r#type: &Type) -> i32 {
    const OTHER: i32 = 1111;
    match r#type.kind() {
        Kind::Array(_) => return 2003,
        Kind::Enum(_) => return 12,
        _ => {}
    }
    match *r#type {
        Type::BOOL => -7,
        Type::INT2 => 5,
        Type::INT4 => 4,
        Type::INT8 | Type::OID => -5,
        Type::FLOAT4 => 7,
        Type::FLOAT8 => 8,
        Type::NUMERIC => 2,
        Type::BPCHAR => 1,
        Type::TEXT | Type::VARCHAR | Type::NAME => 12,
        Type::BYTEA => -2,
        Type::DATE => 91,
        Type::TIME => 92,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => 93,
        _ => OTHER,
    }
}

/// Precision and scale. The modifier of `varchar(n)` and `numeric(p, s)` carries theirs with an offset of 4.
fn precision(r#type: &Type, modifier: i32) -> (i32, i32) {
    match *r#type {
        Type::BOOL => (1, 0),
        Type::INT2 => (5, 0),
        Type::INT4 => (10, 0),
        Type::INT8 => (19, 0),
        Type::FLOAT4 => (8, 8),
        Type::FLOAT8 => (17, 17),
        Type::NUMERIC if modifier >= 4 => (((modifier - 4) >> 16) & 0xffff, (modifier - 4) & 0x7ff),
        Type::NUMERIC => (0, 0),
        Type::VARCHAR | Type::BPCHAR if modifier >= 4 => (modifier - 4, 0),
        Type::DATE => (13, 0),
        Type::TIME => (15, 6),
        Type::TIMESTAMP => (29, 6),
        Type::TIMESTAMPTZ => (35, 6),
        _ => (i32::MAX, 0),
    }
}
