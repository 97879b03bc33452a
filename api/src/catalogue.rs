//! The catalogue as customers read it: answers that are kept for a moment.
//!
//! Only public reads look here. Prices of orders, stock to be sold and everything that administrators do are read from the
//! store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Uri;
use kassa_store::Products;
use moka::future::Cache;

use crate::etag::Entity;
use crate::problem::Problem;

/// The most that all kept answers together may take, in bytes.
const CAPACITY: u64 = 32 * 1024 * 1024;

/// What an answer takes besides its body: its address, its tag and the bookkeeping.
const OVERHEAD: usize = 512;

/// Products, and what was just answered about them. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Catalogue(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    products: Products,
    answers: Option<Cache<(u64, String), Option<Entity>>>,
    /// Counts the changes by this process. It is part of what an answer is kept under, so an answer from before a change is
    /// not found after it, not even one that was being read meanwhile.
    generation: AtomicU64,
}

impl Catalogue {
    /// Keeps each answer for `keep`, and none if that is zero.
    pub fn new(products: Products, keep: Duration) -> Self {
        let answers = (!keep.is_zero()).then(|| {
            let size = |(_, address): &(u64, String), entity: &Option<Entity>| {
                let size = OVERHEAD + address.len() + entity.as_ref().map_or(0, Entity::len);
                u32::try_from(size).unwrap_or(u32::MAX)
            };
            Cache::builder().max_capacity(CAPACITY).weigher(size).time_to_live(keep).build()
        });
        Self(Arc::new(Kept { products, answers, generation: AtomicU64::default() }))
    }

    /// The products themselves. Whoever changes one calls [`Catalogue::changed`] afterwards.
    pub(crate) fn products(&self) -> &Products {
        &self.0.products
    }

    /// Forgets all answers, because something has changed.
    pub(crate) fn changed(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// The answer to what this address asks for. However many ask at once, one of them reads.
    ///
    /// Reading is a future of many kilobytes, so it is made only for those who read, and kept on the heap.
    pub(crate) async fn answer(
        &self,
        address: &Uri,
        read: impl AsyncFnOnce() -> Result<Option<Entity>, Problem>,
    ) -> Result<Option<Entity>, Problem> {
        let Kept { answers, generation, .. } = &*self.0;
        let Some(answers) = answers else { return Box::pin(read()).await };
        let address = address.path_and_query().map_or("", |address| address.as_str()).to_owned();
        let key = (generation.load(Ordering::Acquire), address);
        if let Some(kept) = answers.get(&key).await {
            return Ok(kept);
        }
        Box::pin(answers.try_get_with(key, read())).await.map_err(|problem| (*problem).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use kassa_store::{DynamoDb, DynamoDbConfig};
    use tokio::sync::Notify;

    use super::*;
    use crate::problem::ProblemCode;

    fn catalogue(keep: Duration) -> Catalogue {
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .build();
        let config = DynamoDbConfig { endpoint: Some("http://127.0.0.1:1".to_owned()), ..DynamoDbConfig::default() };
        Catalogue::new(Products::new(DynamoDb::connect(&aws, &config)), keep)
    }

    /// Asks and counts how often that leads to a read.
    async fn ask(catalogue: &Catalogue, address: &'static str, reads: &AtomicUsize) -> usize {
        let address = Uri::from_static(address);
        let answer = catalogue.answer(&address, async || {
            let number = reads.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(Some(Entity::new(&"x".repeat(number))))
        });
        answer.await.ok().flatten().expect("an answer").len()
    }

    #[tokio::test]
    async fn many_who_ask_at_once_are_served_by_one_read() {
        let (catalogue, reads) = (catalogue(Duration::from_mins(1)), AtomicUsize::new(0));
        futures::future::join_all((0..50).map(|_| ask(&catalogue, "/a", &reads))).await;
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        ask(&catalogue, "/a?b", &reads).await;
        assert_eq!(reads.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_change_forgets_even_what_is_being_read() {
        let (catalogue, reads) = (catalogue(Duration::from_mins(1)), AtomicUsize::new(0));
        let (address, read_on) = (Uri::from_static("/a"), Notify::new());
        let slow = catalogue.answer(&address, async || {
            read_on.notified().await;
            Ok(Some(Entity::new(&"old")))
        });
        let change = async {
            tokio::task::yield_now().await;
            catalogue.changed();
            read_on.notify_one();
        };
        let (old, ()) = tokio::join!(slow, change);
        assert!(old.is_ok());
        ask(&catalogue, "/a", &reads).await;
        assert_eq!(reads.load(Ordering::Relaxed), 1, "the old answer was not used");
    }

    #[tokio::test]
    async fn nothing_is_kept_for_no_time() {
        let (catalogue, reads) = (catalogue(Duration::ZERO), AtomicUsize::new(0));
        for _ in 0..3 {
            ask(&catalogue, "/a", &reads).await;
        }
        assert_eq!(reads.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let (catalogue, reads) = (catalogue(Duration::from_mins(1)), AtomicUsize::new(0));
        let address = Uri::from_static("/a");
        let failing = catalogue.answer(&address, async || Err(Problem::temporarily_unavailable()));
        assert_eq!(failing.await.expect_err("a failure").code(), ProblemCode::TemporarilyUnavailable);
        ask(&catalogue, "/a", &reads).await;
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }
}
