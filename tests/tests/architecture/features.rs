//! `cargo build` and `cargo test` enable the same features of every dependency. Where they differ, the tests that build
//! worker and API compile the dependency, and everything above it, a second time.

use std::collections::BTreeSet;
use std::process::Command;

/// The packages of the workspace's graph along `edges`, each with its features.
fn packages(edges: &str) -> anyhow::Result<BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--locked", "--prefix", "none", "--format", "{p} [{f}]"])
        .args(["--edges", edges])
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).filter(|line| !line.is_empty()).collect())
}

/// The name and version of a package, without its features.
fn package(line: &str) -> &str {
    line.split(" [").next().unwrap_or(line)
}

#[test]
fn building_and_testing_enable_the_same_features() -> anyhow::Result<()> {
    let (built, tested) = (packages("no-dev")?, packages("normal,build,dev")?);
    let shared: BTreeSet<_> = built.iter().map(|line| package(line)).collect();
    let differing: Vec<_> = tested.difference(&built).filter(|line| shared.contains(package(line))).collect();
    assert!(
        differing.is_empty(),
        "tests enable features that building does not; name them in tests/Cargo.toml: {differing:#?}"
    );
    Ok(())
}
