//! The stand-in for the RDS Data API, through the real AWS SDK and in front of a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod batch;
mod concurrency;
mod errors;
mod faults;
mod harness;
mod limits;
mod parameters;
mod restart;
mod results;
mod transactions;
