//! Where Kassa keeps things: products, reservations and carts in Amazon `DynamoDB`, orders in Aurora `PostgreSQL` through the
//! RDS Data API.
//!
//! Every change is one request, either a `DynamoDB` transaction or a single SQL statement, with a guard on the state it
//! starts from. So nothing is ever half done, and doing it twice does it once.

pub mod carts;
pub mod config;
pub mod database;
pub mod dynamodb;
pub mod error;
pub mod event_log;
pub mod migrations;
pub mod notifications;
pub mod orders;
pub mod payment_valve;
pub mod products;
pub mod rate_limits;
pub mod refunds;
pub mod reservations;
pub mod settings;
pub mod tables;
pub mod users;

pub use carts::Carts;
pub use config::{DynamoDbConfig, RdsDataConfig, StoreConfig};
pub use database::Database;
pub use dynamodb::{DynamoDb, TableNames};
pub use error::{Service, SqlState, StoreError};
pub use event_log::EventLog;
pub use notifications::Notifications;
pub use orders::Orders;
pub use payment_valve::PaymentValve;
pub use products::Products;
pub use rate_limits::RateLimits;
pub use refunds::Refunds;
pub use reservations::Reservations;
pub use settings::UserSettings;
pub use users::Users;
