//! Running tests against programs with a bug.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use kassa_devstack::stack::BINARIES;
use kassa_tests::planted::TestName;
use tokio::process::Command;
use tokio::time::timeout;

use crate::build::Programs;

/// Longer than the longest test takes whose bug keeps it waiting for something that never comes.
const PATIENCE: Duration = Duration::from_mins(6);

/// A test that was run, and what came of it.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The test.
    pub(crate) test: TestName,
    /// What came of it.
    pub(crate) outcome: Outcome,
}

/// What came of a test.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It passed.
    Passed,
    /// It failed, and said this.
    Failed(String),
    /// It did not run to its end.
    Nothing,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed(said) => write!(f, "{said}"),
            Self::Nothing => f.write_str("did not run to its end"),
        }
    }
}

/// Runs tests while a bug is awake, or while none is.
pub(crate) async fn try_tests(
    programs: &Programs,
    bug: Option<&str>,
    tests: &BTreeSet<TestName>,
) -> anyhow::Result<Vec<Trial>> {
    let folder = programs.planted.with_bug(bug)?;
    let mut by_program: BTreeMap<&str, Vec<&TestName>> = BTreeMap::new();
    for test in tests {
        by_program.entry(&test.program).or_default().push(test);
    }
    let mut trials = Vec::new();
    for (program, tests) in by_program {
        let mut command = Command::new(programs.tests.get(program).context("a compiled test program")?);
        command.arg("--exact").args(tests.iter().map(|test| &test.path));
        command.env(BINARIES, &folder).env("RUST_BACKTRACE", "0").kill_on_drop(true);
        let output = match timeout(PATIENCE, command.output()).await {
            Ok(output) => String::from_utf8_lossy(&output?.stdout).into_owned(),
            Err(_) => String::new(),
        };
        trials
            .extend(tests.into_iter().map(|test| Trial { test: test.clone(), outcome: outcome(&output, &test.path) }));
    }
    Ok(trials)
}

fn outcome(output: &str, test: &str) -> Outcome {
    if output.lines().any(|line| line == format!("test {test} ... ok")) {
        return Outcome::Passed;
    }
    match output.split_once(&format!("---- {test} stdout ----\n")) {
        Some((_, said)) => Outcome::Failed(first_words(said)),
        None => Outcome::Nothing,
    }
}

/// What a failure says, in a few words: its first lines, and the values that were compared.
fn first_words(said: &str) -> String {
    const FIRST: usize = 2;
    const LONGEST: usize = 240;
    let is_end = |line: &&str| line.starts_with("note: run with") || line.starts_with("---- ") || *line == "failures:";
    let lines = said.lines().map(str::trim).take_while(|line| !is_end(line));
    let is_telling = |line: &&str| !line.is_empty() && !line.starts_with("thread '") && *line != "Caused by:";
    let telling: Vec<_> = lines.filter(is_telling).collect();
    let compared = |line: &&&str| line.starts_with("left: ") || line.starts_with("right: ");
    let compared = telling.iter().skip(FIRST).filter(compared);
    let text = telling.iter().take(FIRST).chain(compared).copied().collect::<Vec<_>>().join(" ");
    let is_long = text.chars().count() > LONGEST;
    let text: String = text.chars().take(LONGEST).chain(is_long.then_some('…')).collect();
    text.replace('|', "\\|")
}
