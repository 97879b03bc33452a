//! The selection of cases that a test tries.
//!
//! Cases that exercise one mechanism form a class. The everyday check tries one case of each class and prints how many it leaves
//! out. `KASSA_EVERY_CASE=1` tries them all.

use std::io::{Write as _, stderr};

use anyhow::bail;

/// The environment variable that asks for all cases.
const EVERY_CASE: &str = "KASSA_EVERY_CASE";

/// Returns whether all cases are tried.
pub fn every_case() -> anyhow::Result<bool> {
    match std::env::var(EVERY_CASE) {
        Err(_) => Ok(false),
        Ok(value) if value.is_empty() || value == "0" => Ok(false),
        Ok(value) if value == "1" => Ok(true),
        Ok(value) => bail!("{EVERY_CASE}={value}: either 1, for all cases, or 0, for one of each class"),
    }
}

/// Prints how many cases a test leaves out.
pub fn print_left_out(test: &str, left_out: usize, all: usize) {
    if left_out > 0 {
        // Written to the real standard error, because libtest hides the output of tests that pass.
        let _ = writeln!(stderr(), "{test}: {left_out} of {all} cases left out, which other cases represent");
    }
}
