//! A pooled connection to Stripe for the request types of the async-stripe crates.
//!
//! The client that comes with async-stripe opens a new connection for every request and never times out. [`PooledStripe`]
//! implements the same `StripeClient` trait over one shared connection pool, so that every request builder can be
//! `.send(&client)` with it:
//!
//! ```no_run
//! use kassa_stripe_client::{PooledStripe, SecretKey, StripeConfig};
//! use stripe_core::payment_intent::RetrievePaymentIntent;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = StripeConfig::new(SecretKey::new("sk_test_123")?);
//! let stripe = PooledStripe::new(&config)?;
//! let intent = RetrievePaymentIntent::new("pi_123").send(&stripe).await?;
//! # drop(intent);
//! # Ok(())
//! # }
//! ```
//!
//! Each request is attempted exactly once: whoever sends it decides about repeating it, with an idempotency key of its own
//! choice. [`Error`] says whether repeating can help, and whether the request may have taken effect although it failed.

mod client;
mod config;
mod error;
mod redact;

pub use client::{BuildError, PooledStripe};
pub use config::{InvalidSecretKey, SecretKey, StripeConfig};
pub use error::{ApiError, Error, ErrorType};
