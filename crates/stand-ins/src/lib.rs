//! Local servers for what no registry provides: the RDS Data API over PostgreSQL, and Stripe.
