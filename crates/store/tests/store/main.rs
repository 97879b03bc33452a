//! The store against real servers: `DynamoDB` in this process, and `PostgreSQL` behind the RDS Data API's stand-in.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod cancelled_orders;
mod carts;
mod event_log;
mod fulfilment;
mod going_through;
mod late_payments;
mod listing;
mod migrations;
mod notifications;
mod order_lists;
mod orders;
mod payment_valve;
mod products;
mod rate_limits;
mod reservations;
mod reservations_model;
mod settings;
mod stock;
mod support;
mod tables;
mod unpaid;
mod users;
