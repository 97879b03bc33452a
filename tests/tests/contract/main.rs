//! What the served `OpenAPI` document promises, held against the running API.
//!
//! Everything here is generated from the document, so that a new route is covered the moment it is served.

mod bad_input;
mod completeness;
mod document;
mod guide;
mod mass_assignment;
mod people;
mod permissions;
mod schemathesis;
mod seeds;
mod two_users;
