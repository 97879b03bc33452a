//! Counting attempts.

use kassa_store::RateLimits;
use time::{Duration, OffsetDateTime};

use crate::support::{Shop, unique};

fn later() -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::minutes(1)
}

#[tokio::test]
async fn attempts_at_once_are_all_counted() {
    let shop = Shop::open().await;
    let limits = RateLimits::new(shop.dynamodb.clone());
    let id = unique();

    let counted = futures::future::join_all((0..20).map(|_| limits.count(&id, later()))).await;

    let mut counted: Vec<u64> = counted.into_iter().map(Result::unwrap).collect();
    counted.sort_unstable();
    assert_eq!(counted, (1..=20).collect::<Vec<_>>());
    assert_eq!(limits.count(&unique(), later()).await.unwrap(), 1, "another id counts for itself");
}

#[tokio::test]
async fn counters_are_swept_away() {
    let shop = Shop::open().await;
    RateLimits::new(shop.dynamodb.clone()).count("key", later()).await.unwrap();

    let table = shop.tables.rate_limits();
    let answer = shop.client.describe_time_to_live().table_name(&table).send().await.unwrap();
    assert_eq!(answer.time_to_live_description().unwrap().attribute_name(), Some("expires_at"));
    let rows = shop.client.scan().table_name(&table).send().await.unwrap();
    let expires_at: i64 = rows.items()[0]["expires_at"].as_n().unwrap().parse().unwrap();
    assert!((0..=60).contains(&(expires_at - OffsetDateTime::now_utc().unix_timestamp())), "{expires_at}");
}
