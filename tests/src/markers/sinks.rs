//! What is written elsewhere: logs, metrics, events, and tables that others read.

use anyhow::Context as _;
use kassa_devstack::stack::{TABLE_PREFIX, sdk_config};
use kassa_store::config::dynamodb_client;

use super::Markers;
use crate::Shop;

/// The tables of which nobody expects that they hold what is personal, without the prefix of their names.
const TABLES: [&str; 7] =
    ["event-log", "rate-limits", "reservations", "products", "catalogue", "payment-valve", "stock-movements"];

/// Whose logs are looked at: the product's and the engine's. The stand-ins write down what they like.
const LOGS: [&str; 3] = ["api", "worker", "temporal"];

impl Markers {
    /// Checks that the logs of all processes hold none of them. `seen` is what the log of the API has to hold, or nothing
    /// was looked at.
    ///
    /// # Panics
    ///
    /// When one of them does.
    pub fn assert_absent_in_logs(&self, shop: &Shop, seen: &str) -> anyhow::Result<()> {
        let mut read = Vec::new();
        for entry in std::fs::read_dir(shop.stack.logs())? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let Some(process) = LOGS.iter().find(|process| name.starts_with(**process)) else { continue };
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            self.assert_absent(&name, &text);
            assert!(name != "api" || text.contains(seen), "the log of the API says nothing of {seen}");
            read.push(*process);
        }
        assert!(LOGS.iter().all(|process| read.contains(process)), "only the logs of {read:?} were found");
        Ok(())
    }

    /// Checks that no metric of API and Temporal, nor of the worker that serves them at this address, names one.
    ///
    /// # Panics
    ///
    /// When one does.
    pub async fn assert_absent_in_metrics(&self, shop: &Shop, worker: &str) -> anyhow::Result<()> {
        let served = [
            (shop.url("/metrics"), "kassa_http_request_duration"),
            (worker.to_owned(), "temporal_"),
            (shop.stack.temporal.metrics_url(), "persistence_"),
        ];
        for (url, expected) in served {
            let text = shop.http.get(&url).send().await?.error_for_status()?.text().await?;
            self.assert_absent(&url, &text);
            assert!(text.contains(expected), "{url} serves no {expected}");
        }
        Ok(())
    }

    /// Checks every event on the bus. Returns how many there are.
    ///
    /// # Panics
    ///
    /// When one holds one.
    pub async fn assert_absent_in_events(&self, shop: &Shop) -> anyhow::Result<usize> {
        let events = shop.stack.aws.events().await?;
        for event in &events {
            self.assert_absent("an event on the bus", &format!("{event:?}"));
        }
        Ok(events.len())
    }

    /// Checks the rows of the tables that hold nothing personal. Returns how many there are.
    ///
    /// # Panics
    ///
    /// When one holds one.
    pub async fn assert_absent_in_rows(&self, shop: &Shop) -> anyhow::Result<usize> {
        let client = dynamodb_client(&sdk_config().await, &shop.stack.store_config().dynamodb);
        let mut rows = 0;
        for table in TABLES {
            let mut pages = client.scan().table_name(format!("{TABLE_PREFIX}{table}")).into_paginator().items().send();
            while let Some(row) = pages.next().await {
                self.assert_absent(table, &format!("{:?}", row.with_context(|| table.to_owned())?));
                rows += 1;
            }
        }
        Ok(rows)
    }
}
