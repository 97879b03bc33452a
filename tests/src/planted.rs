//! Bugs that are planted to see whether the tests catch them: the patches in `tests/planted`.
//!
//! A patch begins with the words that say what it breaks, where the same was seen, and which tests have to fail with it:
//!
//! ```text
//! Every attempt to charge has an idempotency key of its own.
//! Seen in: temporal-ecommerce (no key at all).
//! Caught by: faults charges::a_charge_whose_answer_cannot_be_read_is_not_repeated
//! ```
//!
//! Each bug is asleep until the environment variable `KASSA_PLANTED_BUG` has its name, so that one build holds all of them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// The patch that makes bugs sleep, and is none. It is applied before the others.
const SWITCH: &str = "switch";

/// A bug that is planted.
#[derive(Debug, Clone)]
pub struct PlantedBug {
    /// What switches it on: the name of its patch.
    pub name: String,
    /// What is wrong, in a sentence.
    pub what: String,
    /// The tests that fail with it, and pass without.
    pub caught_by: Vec<TestName>,
}

/// A test, as it is asked for by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestName {
    /// The program it is in, such as `scenarios`.
    pub program: String,
    /// Its path in there.
    pub path: String,
}

/// Where the patches are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("planted")
}

fn patches() -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in folder().read_dir().context("reading tests/planted")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            found.push(path);
        }
    }
    // The switch comes first.
    found.sort_by_key(|path| (path.file_stem().is_some_and(|name| name != SWITCH), path.clone()));
    Ok(found)
}

/// All bugs, in the order of their names.
pub fn bugs() -> anyhow::Result<Vec<PlantedBug>> {
    patches()?.iter().skip(1).map(|path| PlantedBug::read(path)).collect()
}

/// Applies all patches to the sources in a folder; or only looks whether they apply.
pub fn apply(sources: &Path, only_look: bool) -> anyhow::Result<()> {
    let mut patch = Vec::new();
    for path in patches()? {
        patch.extend(std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
    }
    let mut git = Command::new("git");
    git.arg("apply").args(only_look.then_some("--check")).arg("-").current_dir(sources).stdin(Stdio::piped());
    // A copy of the sources is no repository, though it is kept within one.
    git.env("GIT_CEILING_DIRECTORIES", sources.parent().unwrap_or(sources)).stderr(Stdio::piped());
    let mut git = git.spawn().context("starting git")?;
    git.stdin.take().context("git reads its input")?.write_all(&patch)?;
    let ended = git.wait_with_output()?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(())
}

impl PlantedBug {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_stem().and_then(|name| name.to_str()).context("a name")?.to_owned();
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(name, &text).with_context(|| format!("{} is not described", path.display()))
    }

    fn parse(name: String, text: &str) -> anyhow::Result<Self> {
        let head: Vec<_> = text.lines().take_while(|line| !line.is_empty()).collect();
        let is_said = |line: &&&str| line.starts_with("Seen in: ") || line.starts_with("Caught by: ");
        let what: Vec<_> = head.iter().take_while(|line| !is_said(line)).copied().collect();
        let caught_by = head.iter().filter_map(|line| line.strip_prefix("Caught by: "));
        let caught_by = caught_by
            .map(|test| {
                let (program, path) = test.split_once(' ').context("a program and a test in it")?;
                Ok(TestName { program: program.to_owned(), path: path.to_owned() })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(!what.is_empty() && !caught_by.is_empty(), "it says what is wrong, and which test catches it");
        ensure!(text.contains(&format!("planted(\"{name}\")")), "it is switched on by its name");
        Ok(Self { name, what: what.join(" "), caught_by })
    }
}
