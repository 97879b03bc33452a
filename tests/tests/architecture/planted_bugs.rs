//! The bugs of `cargo run --example planted_bugs` can be planted into the sources as they are, and name tests that there are.

use std::collections::BTreeSet;
use std::path::Path;

use kassa_tests::planted;

/// As many as there have to be at least.
const ENOUGH: usize = 10;

/// Whether a program has a test of this path; its modules are files.
fn exists(test: &planted::TestName) -> bool {
    let (file, name) = test.path.rsplit_once("::").unwrap_or(("main", &test.path));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(&test.program);
    let source = std::fs::read_to_string(folder.join(file.replace("::", "/")).with_extension("rs"));
    source.is_ok_and(|source| source.contains(&format!("fn {name}(")))
}

#[test]
fn planted_bugs_fit_the_sources() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    planted::apply(root, true)
}

#[test]
fn planted_bugs_are_enough_and_name_tests_that_there_are() -> anyhow::Result<()> {
    let bugs = planted::bugs()?;
    assert!(bugs.len() >= ENOUGH, "{} bugs", bugs.len());
    let missing: BTreeSet<_> = bugs.iter().flat_map(|bug| &bug.caught_by).filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    Ok(())
}
