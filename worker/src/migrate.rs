//! Brings the database's schema up to date.

use anyhow::Context;
use aws_config::BehaviorVersion;
use kassa_store::{Database, StoreConfig, migrations};

/// Applies the migrations that are missing and names them. Run again, it does nothing; run at once by several
/// processes, one of them applies each.
pub async fn migrate(store: &StoreConfig) -> anyhow::Result<Vec<String>> {
    let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
    let database = Database::connect(&aws, &store.rds_data);
    migrations::run(&database).await.context("the database cannot be migrated")
}
