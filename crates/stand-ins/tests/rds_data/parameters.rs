//! Parameters of every type, with and without hints.

use aws_sdk_rdsdata::primitives::Blob;
use aws_sdk_rdsdata::types::{ArrayValue, Field, SqlParameter, TypeHint};

use crate::harness::{Stand, failure, hinted, named, text, x};

#[tokio::test]
async fn every_kind_of_value_arrives_with_its_type() {
    let stand = Stand::new().await;
    for (value, r#type) in [
        (text("it's :x"), "text"),
        (text(""), "text"),
        (Field::LongValue(i64::MIN), "bigint"),
        (Field::DoubleValue(0.1), "double precision"),
        (Field::BooleanValue(true), "boolean"),
        (Field::BlobValue(Blob::new([0, 255, 39])), "bytea"),
    ] {
        let seen = stand.value_with("SELECT :x", x(value.clone())).await;
        assert_eq!(seen, value);
        let seen = stand.value_with("SELECT pg_typeof(:x)::text", x(value)).await;
        assert_eq!(seen, text(r#type));
    }
}

#[tokio::test]
async fn special_doubles_arrive() {
    let stand = Stand::new().await;
    for (value, name) in [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")] {
        let seen = stand.value_with("SELECT :x", x(Field::DoubleValue(value))).await;
        match seen {
            Field::DoubleValue(seen) => assert_eq!(seen.to_string(), value.to_string()),
            other => panic!("{other:?}"),
        }
        let seen = stand.value_with("SELECT (:x)::text", x(Field::DoubleValue(value))).await;
        assert_eq!(seen, text(name));
    }
}

#[tokio::test]
async fn hints_give_a_string_its_type() {
    let stand = Stand::new().await;
    for (value, hint, r#type) in [
        ("2026-11-30", TypeHint::Date, "date"),
        ("12.50", TypeHint::Decimal, "numeric"),
        (r#"{"a": 1}"#, TypeHint::Json, "json"),
        ("10:20:30.5", TypeHint::Time, "time without time zone"),
        ("2026-11-30 10:20:30.123", TypeHint::Timestamp, "timestamp without time zone"),
        ("5f0c6a6e-9a52-4b0c-8a50-0d0a3c3f7f10", TypeHint::Uuid, "uuid"),
    ] {
        assert_eq!(stand.value_with("SELECT :x", hinted(value, hint.clone())).await, text(value));
        let seen = stand.value_with("SELECT pg_typeof(:x)::text", hinted(value, hint)).await;
        assert_eq!(seen, text(r#type));
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_hint_is_refused() {
    let stand = Stand::new().await;
    for (value, hint) in
        [("30.11.2026", TypeHint::Date), ("now", TypeHint::Time), ("2026-11-30T10:20:30Z", TypeHint::Timestamp)]
    {
        let failure = failure(stand.statement("SELECT :x").parameters(hinted(value, hint))).await;
        assert_eq!(failure.code, "BadRequestException", "{failure:?}");
    }
    let failure = failure(stand.statement("SELECT :x").parameters(hinted("no uuid", TypeHint::Uuid))).await;
    assert_eq!(failure.code, "DatabaseErrorException");
    assert!(failure.message.ends_with("; SQLState: 22P02"), "{failure:?}");
}

#[tokio::test]
async fn hinted_timestamps_are_utc_in_a_column_with_time_zone() {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE t (at timestamptz NOT NULL, doc jsonb NOT NULL)").await;
    let doc = SqlParameter::builder().name("doc").value(text("{}")).type_hint(TypeHint::Json).build();
    stand
        .statement("INSERT INTO t VALUES (:x, :doc)")
        .parameters(hinted("2026-11-30 10:20:30.123", TypeHint::Timestamp))
        .parameters(doc)
        .send()
        .await
        .unwrap();
    assert_eq!(stand.value("SELECT at FROM t").await, text("2026-11-30 10:20:30.123"));
    assert_eq!(stand.value("SELECT at::text FROM t").await, text("2026-11-30 10:20:30.123+00"));
    assert_eq!(stand.value("SELECT doc FROM t").await, text("{}"));
}

#[tokio::test]
async fn a_string_without_hint_is_text_and_needs_a_cast() {
    let stand = Stand::new().await;
    stand.run("CREATE TYPE mood AS ENUM ('fine')").await;
    stand.run("CREATE TABLE t (id uuid, at timestamptz, doc jsonb, mood mood, name varchar(20))").await;
    for column in ["id", "at", "doc", "mood"] {
        let insert = format!("INSERT INTO t ({column}) VALUES (:x)");
        let insert = failure(stand.statement(&insert).parameters(x(text("{}")))).await;
        assert_eq!(insert.code, "DatabaseErrorException");
        assert!(insert.message.contains("but expression is of type text"), "{insert:?}");
        assert!(insert.message.ends_with("; SQLState: 42804"), "{insert:?}");
    }
    let compare = failure(stand.statement("SELECT 1 FROM t WHERE id = :x").parameters(x(text("{}")))).await;
    assert!(compare.message.starts_with("ERROR: operator does not exist: uuid = text"), "{compare:?}");
    assert!(compare.message.ends_with("; SQLState: 42883"), "{compare:?}");

    stand
        .statement("INSERT INTO t VALUES (:id::uuid, :at::timestamptz, :doc::jsonb, :mood::mood, :name)")
        .set_parameters(Some(vec![
            named("id", text("5f0c6a6e-9a52-4b0c-8a50-0d0a3c3f7f10")),
            named("at", text("2026-11-30T10:20:30+01:00")),
            named("doc", text("[1]")),
            named("mood", text("fine")),
            named("name", text("Ann")),
        ]))
        .send()
        .await
        .unwrap();
    assert_eq!(stand.value("SELECT at FROM t WHERE name = 'Ann'").await, text("2026-11-30 09:20:30"));
}

#[tokio::test]
async fn null_takes_the_type_of_its_place_or_of_its_hint() {
    let stand = Stand::new().await;
    stand.run("CREATE TABLE t (a int, b jsonb, c timestamptz)").await;
    stand
        .statement("INSERT INTO t VALUES (:a, :b, :x)")
        .parameters(named("a", Field::IsNull(true)))
        .parameters(named("b", Field::IsNull(true)))
        .parameters(SqlParameter::builder().name("x").value(Field::IsNull(true)).type_hint(TypeHint::Timestamp).build())
        .send()
        .await
        .unwrap();
    let answer = stand.run("SELECT * FROM t").await;
    assert_eq!(answer.records(), [vec![Field::IsNull(true), Field::IsNull(true), Field::IsNull(true)]]);
}

#[tokio::test]
async fn a_repeated_name_is_one_parameter() {
    let stand = Stand::new().await;
    let seen = stand.value_with("SELECT :x || ':x' || :x || $$:x$$ -- :x", x(text("a"))).await;
    assert_eq!(seen, text("a:xa:x"));
}

#[tokio::test]
async fn missing_unused_and_repeated_parameters_are_bad_requests() {
    let stand = Stand::new().await;
    let missing = stand.failure("SELECT :x").await;
    assert_eq!((missing.status, missing.code.as_str()), (400, "BadRequestException"));
    assert_eq!(missing.message, "Cannot find parameter: x");

    let unused = failure(stand.statement("SELECT 1").parameters(x(text("a")))).await;
    assert_eq!(unused.code, "BadRequestException");

    let twice = stand.statement("SELECT :x").parameters(x(text("a"))).parameters(x(text("b")));
    assert_eq!(failure(twice).await.code, "BadRequestException");
}

#[tokio::test]
async fn array_parameters_are_refused() {
    let stand = Stand::new().await;
    let array = Field::ArrayValue(ArrayValue::LongValues(vec![Some(1), Some(2)]));
    let failure = failure(stand.statement("SELECT :x").parameters(x(array))).await;
    assert_eq!(failure.code, "ValidationException");
    assert_eq!(failure.message, "Array parameters are not supported");
}
