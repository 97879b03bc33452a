//! A pooled connection to Stripe for the async-stripe request types.
