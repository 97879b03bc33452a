//! Compiling the programs with the bugs, and the tests without.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use kassa_devstack::workspace;
use kassa_tests::planted::{self, TestName};
use serde::Deserialize;
use tokio::process::Command;

/// The programs of the product.
const PROGRAMS: [&str; 3] = ["kassa-worker", "kassa-api", "kassa"];

/// What is run: the product with bugs, and the tests.
pub(crate) struct Programs {
    /// The product.
    pub(crate) planted: Planted,
    /// The tests, by the name of their program.
    pub(crate) tests: BTreeMap<String, PathBuf>,
}

/// The product with all bugs.
pub(crate) struct Planted {
    folder: PathBuf,
    built: PathBuf,
}

impl Planted {
    /// A folder with the programs in which a bug is awake, or none.
    pub(crate) fn with_bug(&self, bug: Option<&str>) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("awake").join(bug.unwrap_or("none"));
        fs::create_dir_all(&folder)?;
        for program in PROGRAMS {
            let script = folder.join(program);
            let target = self.built.join(program);
            let text =
                format!("#!/bin/sh\nKASSA_PLANTED_BUG={} exec '{}' \"$@\"\n", bug.unwrap_or("none"), target.display());
            fs::write(&script, text)?;
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        }
        Ok(folder)
    }
}

/// Plants all bugs into a copy of the sources, and compiles it.
pub(crate) async fn plant() -> anyhow::Result<Planted> {
    let folder = workspace::state_folder().join("planted");
    let (fresh, sources, target) = (folder.join("fresh"), folder.join("sources"), folder.join("target"));
    remove(&fresh)?;
    let files = files().await?;
    for file in &files {
        let copy = fresh.join(file);
        fs::create_dir_all(copy.parent().context("a file is in a folder")?)?;
        fs::copy(workspace::root().join(file), copy).with_context(|| format!("copying {}", file.display()))?;
    }
    planted::apply(&fresh, false)?;
    renew(&fresh, &sources)?;
    share_dependencies(&compiled_here()?, &target.join("debug"))?;

    let mut build = Command::new(cargo());
    build.arg("build").args(PROGRAMS.iter().flat_map(|program| ["--bin", program])).current_dir(&sources);
    let ended = build.env("CARGO_TARGET_DIR", &target).status().await?;
    ensure!(ended.success(), "the sources with the planted bugs cannot be compiled");
    Ok(Planted { folder, built: target.join("debug") })
}

/// Compiles the test programs that these tests are in, from the sources as they are.
pub(crate) async fn compile(tests: impl Iterator<Item = &TestName>) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    #[derive(Deserialize)]
    struct Artifact {
        target: Target,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }

    let programs: BTreeSet<_> = tests.map(|test| test.program.as_str()).collect();
    let mut build = Command::new(cargo());
    build.args(["test", "--no-run", "--message-format", "json-render-diagnostics"]).current_dir(workspace::root());
    let built = build.args(programs.iter().flat_map(|program| ["--test", program])).output().await?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let output = String::from_utf8(built.stdout)?;
    let artifacts = output.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    Ok(artifacts.filter_map(|artifact| Some((artifact.target.name, artifact.executable?))).collect())
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The files of the repository, without what Git ignores.
async fn files() -> anyhow::Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(workspace::root());
    let listed = git.output().await.context("starting git")?;
    ensure!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout)?;
    let paths = listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
    // Of those that were deleted, Git still knows.
    Ok(paths.filter(|path| workspace::root().join(path).is_file()).collect())
}

/// Makes a folder equal to a fresh one and leaves alone what is, so that only what has changed is compiled again.
fn renew(fresh: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut wanted = BTreeSet::new();
    for file in within(fresh)? {
        let name = file.strip_prefix(fresh)?.to_owned();
        let (old, new) = (folder.join(&name), fs::read(&file)?);
        if !fs::read(&old).is_ok_and(|old| old == new) {
            fs::create_dir_all(old.parent().context("a file is in a folder")?)?;
            fs::write(&old, new)?;
        }
        wanted.insert(name);
    }
    for file in within(folder)? {
        if !wanted.contains(file.strip_prefix(folder)?) {
            fs::remove_file(file)?;
        }
    }
    remove(fresh)
}

/// The folder in which dependencies are compiled already: that of this program.
fn compiled_here() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(2).context("target/debug/examples")?;
    ensure!(folder.ends_with("debug"), "planted bugs are only tried with the profile `dev`");
    Ok(folder.to_owned())
}

/// Takes over what is compiled of the dependencies, which no bug is planted in: compiling them takes minutes.
fn share_dependencies(from: &Path, to: &Path) -> anyhow::Result<()> {
    // Of the members of the workspace, everything is compiled anew.
    let is_member = |name: &str| name.trim_start_matches("lib").starts_with("kassa");
    for folder in [".fingerprint", "build", "deps"] {
        for entry in from.join(folder).read_dir()? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            let is_program = entry.file_type()?.is_file()
                && !Path::new(&name)
                    .extension()
                    .is_some_and(|kind| ["rlib", "rmeta", "so", "d"].map(Some).contains(&kind.to_str()));
            let copy = to.join(folder).join(&name);
            if is_member(&name) || is_program || copy.exists() {
                continue;
            }
            for file in within(&entry.path())? {
                share(&file, &copy.join(file.strip_prefix(entry.path())?))?;
            }
        }
    }
    Ok(())
}

/// Links large files, which are never changed in place, and copies small ones, which might be.
fn share(file: &Path, copy: &Path) -> anyhow::Result<()> {
    const LARGE: u64 = 64 * 1024;
    // What is one file has itself as the path within it, which is empty.
    let copy: PathBuf = copy.components().collect();
    fs::create_dir_all(copy.parent().context("a file is in a folder")?)?;
    let about = fs::metadata(file)?;
    if about.len() >= LARGE && fs::hard_link(file, &copy).is_ok() {
        return Ok(());
    }
    fs::copy(file, &copy)?;
    // What is older than its sources counts as changed.
    fs::File::options().append(true).open(&copy)?.set_modified(about.modified()?)?;
    Ok(())
}

/// All files within a folder; or the file itself.
fn within(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let entries = match path.read_dir() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        found.extend(within(&entry?.path())?);
    }
    Ok(found)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
