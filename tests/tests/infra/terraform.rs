//! Terraform on a copy of the configurations, because it writes its state beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use kassa_devstack::progress::Silent;
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::{tools, workspace};
use tokio::process::Command;

/// The folder of the configurations, below the root of the repository.
const CONFIGURATIONS: &str = "infra/terraform";

/// Gives the environments a state in a file. Without it they would ask for the bucket of the real one.
const LOCAL_BACKEND: &str = "terraform {\n  backend \"local\" {}\n}\n";

/// A copy of all configurations.
#[derive(Debug)]
pub(crate) struct Terraform {
    python: PathBuf,
    folder: TemporaryFolder,
}

impl Terraform {
    /// Copies the configurations into a folder of their own.
    pub(crate) async fn copy() -> anyhow::Result<Self> {
        let python = tools::terraform(&workspace::tools_folder(), &Silent).await?;
        let folder = TemporaryFolder::create(&workspace::temporary_folder())?;
        copy(&workspace::root().join(CONFIGURATIONS), folder.path())?;
        let terraform = Self { python, folder };
        for root in terraform.folders()?.iter().filter(|folder| folder.join("backend.tf").is_file()) {
            fs::write(root.join("backend_override.tf"), LOCAL_BACKEND)?;
        }
        Ok(terraform)
    }

    /// The copy of a folder with configurations.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All folders that hold a configuration: roots and modules.
    pub(crate) fn folders(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        collect(self.folder.path(), &mut found)?;
        ensure!(!found.is_empty(), "there is no configuration in {CONFIGURATIONS}");
        found.sort();
        Ok(found)
    }

    /// The name of a folder, relative to all configurations.
    pub(crate) fn name<'a>(&self, folder: &'a Path) -> &'a Path {
        folder.strip_prefix(self.folder.path()).unwrap_or(folder)
    }

    /// Runs a command in a folder and returns its output. A command that fails is an error with everything it printed.
    pub(crate) async fn run(&self, folder: &Path, command: &[&str]) -> anyhow::Result<String> {
        self.run_with(folder, command, &[]).await
    }

    /// Runs a command with further environment variables.
    pub(crate) async fn run_with(
        &self,
        folder: &Path,
        command: &[&str],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let output = Command::new(&self.python)
            .arg(workspace::root().join("infra/check/terraform.py"))
            .arg(folder)
            .args(command)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("running Terraform")?;
        let (printed, errors) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
        ensure!(
            output.status.success(),
            "terraform {} in {}:\n{printed}{errors}",
            command.join(" "),
            self.name(folder).display()
        );
        Ok(printed)
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            // What Terraform has left behind in the repository belongs to a real environment.
            true if entry.file_name() == ".terraform" => {}
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    if entries.iter().any(|entry| entry.path().extension().is_some_and(|extension| extension == "tf")) {
        found.push(folder.to_owned());
    }
    for entry in entries.iter().filter(|entry| entry.path().is_dir()) {
        collect(&entry.path(), found)?;
    }
    Ok(())
}
