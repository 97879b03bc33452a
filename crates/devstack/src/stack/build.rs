//! Compiling the worker and the API.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::process::{Launch, tail};
use crate::progress::{Progress, step};
use crate::workspace;

/// The programs of the product.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The worker.
    pub worker: PathBuf,
    /// The API.
    pub api: PathBuf,
    /// The commands for operators.
    pub cli: PathBuf,
}

/// Names a folder with the programs to run, which are compiled otherwise. The check of the planted bugs runs others with it.
pub const BINARIES: &str = "KASSA_BINARIES";

/// Compiles the worker and the API with the profile of the running program, once per process.
pub async fn build(progress: &dyn Progress) -> Result<&'static Binaries> {
    static BUILT: OnceCell<Binaries> = OnceCell::const_new();
    BUILT
        .get_or_try_init(async || match std::env::var_os(BINARIES) {
            Some(folder) => Ok(Binaries::of(Path::new(&folder))),
            None => step(progress, "Building the worker and the API", cargo(progress.shows_output())).await,
        })
        .await
}

impl Binaries {
    /// Those in a folder.
    fn of(folder: &Path) -> Self {
        Self { worker: folder.join("kassa-worker"), api: folder.join("kassa-api"), cli: folder.join("kassa") }
    }
}

async fn cargo(shows_output: bool) -> Result<Binaries> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let log = workspace::state_folder().join(format!("build-{}.log", std::process::id()));
    // From the workspace root and without naming a package: this is how the tests are built, so that dependencies
    // get the same features and are not compiled a second time.
    let mut build = Launch::new("cargo build", cargo, &log)
        .args(["build", "--bin", "kassa-worker", "--bin", "kassa-api", "--bin", "kassa"])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(workspace::root().join("Cargo.toml"))
        .args(profile())
        .directory(workspace::root())
        .same_environment()
        .shows_errors(shows_output)
        .spawn()
        .await?;
    let succeeded = build.wait().await?.success();
    let output = std::fs::read_to_string(&log).map_err(Error::at("Reading", &log))?;
    let binaries = succeeded.then(|| executables(&output)).flatten();
    let result = binaries.ok_or_else(|| {
        let human: Vec<&str> = output.lines().filter(|line| !line.starts_with('{')).collect();
        let _ = std::fs::write(&log, human.join("\n"));
        Error::Build { tail: tail(&log) }
    });
    let _ = std::fs::remove_file(&log);
    result
}

/// The profile that the running program was built with, which is the name of the folder it is in.
fn profile() -> Vec<String> {
    let program = std::env::current_exe().unwrap_or_default();
    let within = ["deps", "examples"].map(Some);
    let folder =
        program.ancestors().skip(1).find(|folder| !within.contains(&folder.file_name().and_then(OsStr::to_str)));
    match folder.and_then(Path::file_name).and_then(|name| name.to_str()) {
        None | Some("debug") => Vec::new(),
        Some(profile) => vec![String::from("--profile"), profile.to_owned()],
    }
}

fn executables(output: &str) -> Option<Binaries> {
    #[derive(Deserialize)]
    struct Artifact {
        executable: Option<PathBuf>,
    }

    let built: Vec<PathBuf> = output
        .lines()
        .filter(|line| line.starts_with('{'))
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok()?.executable)
        .collect();
    let named = |name: &str| built.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name)).cloned();
    Some(Binaries { worker: named("kassa-worker")?, api: named("kassa-api")?, cli: named("kassa")? })
}
