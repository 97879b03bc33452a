//! What the tests bring up.

pub(crate) mod dynamodb;
mod gateway;
mod sql;

pub(crate) use dynamodb::Shop;
pub(crate) use gateway::{Gateway, Meddling};
pub(crate) use sql::Books;

/// Numbers that differ from those of every other test.
pub(crate) fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
