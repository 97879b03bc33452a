//! A panic is in the log, and what it says is not.

use std::env;
use std::process::Command;

use kassa_config::{LogConfig, Settings};

/// Tells this test, run by itself, to panic.
const CHILD: &str = "KASSA_TEST_PANICS";

#[test]
fn a_panic_is_logged_by_its_place_and_without_its_words() {
    if env::var_os(CHILD).is_some() {
        LogConfig::read(&Settings::from_pairs([])).expect("valid").install();
        panic!("anna@example.com cannot be handled");
    }
    let name = "a_panic_is_logged_by_its_place_and_without_its_words";
    let run = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("it can be run again");
    let said = [run.stdout, run.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!run.status.success(), "{said}");
    assert!(said.contains(r#""message":"panicked""#) && said.contains("panics.rs:"), "{said}");
    assert!(!said.contains("anna@example.com"), "{said}");
}
