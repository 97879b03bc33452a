//! Virtual environments with hash-checked packages.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use super::{Package, find, tail};
use crate::error::{Error, Result};
use crate::process::Launch;
use crate::progress::{Progress, step};

/// The oldest minor version of Python 3 that every pinned package supports.
const OLDEST_MINOR: u32 = 10;

/// Written last: an environment without it was left behind by an installation that did not come to its end.
const COMPLETE: &str = "kassa-complete";

/// The environment that holds `package`; installed if it is not there yet.
pub(super) async fn environment(
    package: Package,
    folder: &Path,
    path: &[PathBuf],
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let environment = folder.join(format!("{}-{}", package.name, digest(package.requirements)));
    if is_complete(&environment) {
        return Ok(environment);
    }
    std::fs::create_dir_all(folder).map_err(Error::at("Creating the folder", folder))?;
    let _lock = lock(&environment.with_extension("lock")).await?;
    // Another process may have installed it while this one waited.
    if is_complete(&environment) {
        return Ok(environment);
    }
    let python = interpreter(path).await?;
    step(progress, &format!("Installing {}", package.title), install(package, &python, &environment)).await?;
    Ok(environment)
}

async fn install(package: Package, python: &Path, environment: &Path) -> Result<()> {
    if environment.exists() {
        std::fs::remove_dir_all(environment).map_err(Error::at("Removing the unfinished", environment))?;
    }
    let log = environment.with_extension("log");
    let _ = std::fs::remove_file(&log);

    let mut venv = Launch::new("python -m venv", python, &log).args(["-m", "venv"]).arg(environment).spawn().await?;
    if !venv.wait().await?.success() {
        return Err(Error::Venv { python: python.to_owned(), tail: tail(&log) });
    }

    let requirements = environment.join("requirements.txt");
    std::fs::write(&requirements, package.requirements).map_err(Error::at("Writing", &requirements))?;
    let mut pip = Launch::new("pip", environment.join("bin/python"), &log)
        .args(["-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-input"])
        .args(["--disable-pip-version-check", "--no-compile", "--progress-bar", "off"]);
    if package.programs_only {
        pip = pip.arg("--no-deps");
    }
    let mut pip = pip.arg("-r").arg(&requirements).spawn().await?;
    if !pip.wait().await?.success() {
        return Err(Error::Install { tool: package.title, tail: tail(&log) });
    }

    let complete = environment.join(COMPLETE);
    File::create(&complete).map_err(Error::at("Writing", &complete))?;
    Ok(())
}

/// Whether the environment was installed to its end, and the Python it was made with is still the same.
///
/// An environment refers to the interpreter it was made with, and its packages are in a folder that is named after the
/// interpreter's version: after an upgrade of the system's Python it has to be made again.
fn is_complete(environment: &Path) -> bool {
    let made_with = std::fs::read_to_string(environment.join("pyvenv.cfg")).unwrap_or_default();
    let made_with = made_with.lines().find_map(|line| line.strip_prefix("version = ")).unwrap_or_default();
    let minor = made_with.split('.').take(2).collect::<Vec<_>>().join(".");
    let Ok(interpreter) = environment.join("bin/python").canonicalize() else {
        return false;
    };
    let name = interpreter.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Some interpreters are called plain `python3` to the end; nothing can be told from that.
    let same = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    environment.join(COMPLETE).is_file() && (same == minor || !same.contains('.'))
}

/// The first Python on the path that is new enough.
async fn interpreter(path: &[PathBuf]) -> Result<PathBuf> {
    let names = std::iter::once(String::from("python3"))
        .chain((OLDEST_MINOR..=14).rev().map(|minor| format!("python3.{minor}")))
        .chain([String::from("python")]);
    let mut too_old = None;
    for name in names {
        for program in find(path, &name) {
            match version_of(&program).await {
                Some((3, minor)) if minor >= OLDEST_MINOR => return Ok(program),
                Some((major, minor)) => {
                    too_old.get_or_insert_with(|| format!("{} is version {major}.{minor}", program.display()));
                }
                None => {}
            }
        }
    }
    Err(Error::Python { found: too_old.unwrap_or_else(|| String::from("there is none on the PATH")) })
}

async fn version_of(python: &Path) -> Option<(u32, u32)> {
    let script = "import sys; print(sys.version_info[0], sys.version_info[1])";
    let output = Command::new(python).args(["-I", "-c", script]).stdin(Stdio::null()).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Waits until this process is the only one that installs this package.
async fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(Error::at("Opening the lock file", path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(TryLockError::Error(error)) => return Err(Error::at("Locking", path)(error)),
        }
    }
}

fn digest(requirements: &str) -> String {
    let digest = Sha256::digest(requirements.as_bytes());
    digest[..6].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
