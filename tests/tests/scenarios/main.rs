//! Orders from the customer's request to their end, through everything that is real about them.

mod accounts;
mod authentication;
mod bad_input;
mod budget;
mod cancellation;
mod cart;
mod catalogue;
mod catalogue_changes;
mod catalogue_import;
mod catalogue_reads;
mod compensation;
mod confirmed;
mod declined;
mod hosted;
mod idempotency;
mod impatience;
mod limits;
mod notifications;
mod orders;
mod parking;
mod protection;
mod refunds;
mod rush;
mod service;
mod tokens;
mod unavailable;
