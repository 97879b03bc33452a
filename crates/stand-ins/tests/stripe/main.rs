//! The Stripe stand-in, driven through the async-stripe crates as an application drives it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checkout_sessions;
mod customers;
mod declines;
mod faults;
mod http;
mod idempotency;
mod load;
mod payments;
mod refunds;
mod restart;
mod search;
mod support;
mod three_d_secure;
mod webhooks;
