//! Local servers for what no registry provides: the RDS Data API over PostgreSQL, and Stripe.

pub mod rds_data;
pub mod stripe;
