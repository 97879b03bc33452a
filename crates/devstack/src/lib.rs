//! Starts everything locally, for cargo dev and for the tests.
