//! Values, metadata and formats of results.

use aws_sdk_rdsdata::primitives::Blob;
use aws_sdk_rdsdata::types::{
    ArrayValue, DecimalReturnType, Field, LongReturnType, RecordsFormatType, ResultSetOptions,
};
use kassa_stand_ins::rds_data::Limits;
use serde_json::json;

use crate::harness::{Stand, only_value, text};

#[tokio::test]
async fn every_type_has_its_field() {
    let stand = Stand::new().await;
    stand.run("CREATE TYPE mood AS ENUM ('fine', 'tired')").await;
    stand.run("CREATE DOMAIN cents AS bigint CHECK (value >= 0)").await;
    for (expression, expected) in [
        ("1::int2", Field::LongValue(1)),
        ("-2::int4", Field::LongValue(-2)),
        ("9223372036854775807::int8", Field::LongValue(i64::MAX)),
        ("7::cents", Field::LongValue(7)),
        ("0.1::float4", Field::DoubleValue(0.1)),
        ("-1e300::float8", Field::DoubleValue(-1e300)),
        ("12.50::numeric(10, 2)", text("12.50")),
        ("-0.00012::numeric", text("-0.00012")),
        ("100000000000000000000::numeric", text("100000000000000000000")),
        ("'NaN'::numeric", text("NaN")),
        ("'é'::text", text("é")),
        ("'v'::varchar(3)", text("v")),
        ("'c'::char(3)", text("c  ")),
        ("true", Field::BooleanValue(true)),
        (r"'\x00ff'::bytea", Field::BlobValue(Blob::new([0, 255]))),
        ("'5F0C6A6E-9A52-4B0C-8A50-0D0A3C3F7F10'::uuid", text("5f0c6a6e-9a52-4b0c-8a50-0d0a3c3f7f10")),
        ("'1969-07-20'::date", text("1969-07-20")),
        ("'20:17:40.5'::time", text("20:17:40.5")),
        ("'1969-07-20 20:17:40'::timestamp", text("1969-07-20 20:17:40")),
        ("'2026-11-30 10:20:30.000001+01'::timestamptz", text("2026-11-30 09:20:30.000001")),
        ("'infinity'::timestamptz", text("infinity")),
        (r#"'{"a":  1}'::json"#, text(r#"{"a":  1}"#)),
        (r#"'{"a":  1}'::jsonb"#, text(r#"{"a": 1}"#)),
        ("'tired'::mood", text("tired")),
        ("NULL::int", Field::IsNull(true)),
        ("pg_notify('a', 'b')", text("")),
    ] {
        assert_eq!(stand.value(&format!("SELECT {expression}")).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn arrays_of_basic_types_come_as_arrays() {
    let stand = Stand::new().await;
    stand.run("CREATE TYPE mood AS ENUM ('fine', 'tired')").await;
    for (expression, expected) in [
        ("ARRAY[1, 2]", ArrayValue::LongValues(vec![Some(1), Some(2)])),
        ("ARRAY[1, NULL]", ArrayValue::LongValues(vec![Some(1), None])),
        ("ARRAY[NULL]::text[]", ArrayValue::StringValues(vec![None])),
        ("'{}'::int[]", ArrayValue::LongValues(vec![])),
        ("ARRAY[1.5::float8]", ArrayValue::DoubleValues(vec![Some(1.5)])),
        ("ARRAY[true, false]", ArrayValue::BooleanValues(vec![Some(true), Some(false)])),
        ("ARRAY['a', 'b,\"']", ArrayValue::StringValues(vec![Some("a".into()), Some("b,\"".into())])),
        ("ARRAY[1.50::numeric]", ArrayValue::StringValues(vec![Some("1.50".into())])),
        ("ARRAY['fine'::mood]", ArrayValue::StringValues(vec![Some("fine".into())])),
        ("ARRAY['2026-11-30'::date]", ArrayValue::StringValues(vec![Some("2026-11-30".into())])),
    ] {
        let seen = stand.value(&format!("SELECT {expression}")).await;
        assert_eq!(seen, Field::ArrayValue(expected), "{expression}");
    }
}

#[tokio::test]
async fn types_without_a_field_are_unsupported() {
    let stand = Stand::new().await;
    for (expression, r#type) in [("'int'::regtype", "regtype"), ("'1 day'::interval", "interval")] {
        let failure = stand.failure(&format!("SELECT {expression}")).await;
        assert_eq!((failure.status, failure.code.as_str()), (400, "UnsupportedResultException"));
        assert_eq!(failure.message, format!("The result contains the unsupported data type {type}."));
    }
    let failure = stand.failure("SELECT ARRAY[[1], [2]]").await;
    assert_eq!(failure.code, "UnsupportedResultException");
}

#[tokio::test]
async fn options_choose_how_numbers_come_back() {
    let stand = Stand::new().await;
    let options = ResultSetOptions::builder()
        .decimal_return_type(DecimalReturnType::DoubleOrLong)
        .long_return_type(LongReturnType::String)
        .build();
    let answer = stand
        .statement("SELECT 1.5::numeric, 2::numeric, 3::int8, ARRAY[1.5, 2]::numeric[], ARRAY[4]")
        .result_set_options(options)
        .send()
        .await
        .unwrap();
    let expected = vec![
        Field::DoubleValue(1.5),
        Field::LongValue(2),
        text("3"),
        Field::ArrayValue(ArrayValue::DoubleValues(vec![Some(1.5), Some(2.0)])),
        Field::ArrayValue(ArrayValue::StringValues(vec![Some("4".into())])),
    ];
    assert_eq!(answer.records(), [expected]);
}

#[tokio::test]
async fn changes_are_counted_and_results_are_not() {
    let stand = Stand::new().await;
    let created = stand.run("CREATE TABLE t (id serial PRIMARY KEY, n int)").await;
    assert_eq!(created.number_of_records_updated(), 0);
    assert!(created.records.is_none());

    let inserted = stand.run("INSERT INTO t (n) VALUES (1), (2), (3)").await;
    assert_eq!(inserted.number_of_records_updated(), 3);
    assert!(inserted.records.is_none());
    assert!(inserted.generated_fields().is_empty());

    let returned = stand.run("UPDATE t SET n = 0 WHERE n > 1 RETURNING id").await;
    assert_eq!(returned.number_of_records_updated(), 0);
    assert_eq!(returned.records(), [vec![Field::LongValue(2)], vec![Field::LongValue(3)]]);

    let nothing = stand.run("SELECT * FROM t WHERE false").await;
    assert_eq!(nothing.records, Some(vec![]));
    assert!(nothing.column_metadata.is_none());
}

#[tokio::test]
async fn metadata_describes_the_columns() {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE things (id bigserial PRIMARY KEY, price numeric(10, 2), name varchar(40))").await;
    let answer = stand
        .statement("SELECT id, price AS amount, name, ARRAY[1] AS list FROM things")
        .include_result_metadata(true)
        .send()
        .await
        .unwrap();
    let [id, amount, name, list] = answer.column_metadata() else { panic!("{answer:?}") };
    assert_eq!(id.label(), Some("id"));
    assert_eq!((id.type_name(), id.r#type()), (Some("int8"), -5));
    assert_eq!((id.schema_name(), id.table_name()), (Some("public"), Some("things")));
    assert!(id.is_auto_increment() && id.is_signed());
    assert_eq!(id.nullable(), 0);
    assert_eq!((amount.label(), amount.name()), (Some("amount"), Some("price")));
    assert_eq!((amount.type_name(), amount.precision(), amount.scale()), (Some("numeric"), 10, 2));
    assert_eq!(amount.nullable(), 1);
    assert_eq!((name.type_name(), name.precision()), (Some("varchar"), 40));
    assert!(name.is_case_sensitive());
    assert_eq!((list.type_name(), list.r#type(), list.array_base_column_type()), (Some("_int4"), 2003, 4));
    assert_eq!((list.table_name(), list.nullable()), (Some(""), 2));
}

#[tokio::test]
async fn records_can_come_as_one_json_text() {
    let stand = Stand::new().await;
    let answer = stand
        .statement(
            r"SELECT 1 AS z, 'a' AS a, 1.50::numeric AS d, true AS b, NULL AS n, '\x00ff'::bytea AS x, ARRAY['p'] AS l
              UNION ALL SELECT 2, 'ü', 2, false, 'n', '', '{}'",
        )
        .format_records_as(RecordsFormatType::Json)
        .include_result_metadata(true)
        .send()
        .await
        .unwrap();
    assert!(answer.records.is_none());
    assert!(answer.column_metadata.is_none());
    let formatted = answer.formatted_records().unwrap();
    assert!(formatted.starts_with(r#"[{"z":1,"a":"a","#), "columns keep their order: {formatted}");
    let parsed: serde_json::Value = serde_json::from_str(formatted).unwrap();
    assert_eq!(
        parsed,
        json!([
            { "z": 1, "a": "a", "d": "1.50", "b": true, "n": null, "x": "AP8=", "l": ["p"] },
            { "z": 2, "a": "ü", "d": "2", "b": false, "n": "n", "x": "", "l": [] },
        ])
    );

    let insert = stand.statement("CREATE TABLE t (n int)").format_records_as(RecordsFormatType::Json);
    assert!(insert.send().await.unwrap().formatted_records().is_none());
}

#[tokio::test]
async fn a_named_database_is_used() {
    let stand = Stand::new().await;
    let answer = stand.statement("SELECT current_database()").database("postgres").send().await.unwrap();
    assert_eq!(only_value(&answer), text("postgres"));
    assert_ne!(stand.value("SELECT current_database()").await, text("postgres"));
}

#[tokio::test]
async fn no_call_sees_the_session_of_another() {
    // All calls share one connection.
    let stand = Stand::with_limits(Limits { connections: 1, ..Limits::default() }).await;
    stand.run("CREATE TABLE t (n int)").await;
    stand.run("SET timezone = 'Asia/Tokyo'").await;
    assert_eq!(stand.value("SELECT current_setting('timezone')").await, text("UTC"));
    stand.run("CREATE TEMPORARY TABLE left_over (n int)").await;
    assert_eq!(stand.value("SELECT to_regclass('left_over')::text").await, Field::IsNull(true));
    stand.run("SELECT pg_advisory_lock(1)").await;
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    assert_eq!(stand.value(locks).await, Field::LongValue(0));

    stand.run("BEGIN").await;
    stand.run("INSERT INTO t VALUES (1)").await;
    stand.run("ROLLBACK").await;
    assert_eq!(stand.value("SELECT count(*) FROM t").await, Field::LongValue(1), "the insert committed by itself");
}
