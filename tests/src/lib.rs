//! Harness, scenarios, replay histories and benches.
