//! The HTTP API that starts durable checkouts.
