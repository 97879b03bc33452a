//! Local servers for what no registry provides: the RDS Data API over PostgreSQL, and Stripe.

pub mod connections;
pub mod rds_data;
pub mod stripe;

/// What `fuzz` tries.
#[cfg(any(test, fuzzing))]
pub mod fuzzing {
    pub use crate::rds_data::sql_parameters;
}
