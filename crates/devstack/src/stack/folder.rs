//! The folder that a stack keeps its files in.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::{PortChoice, StackOptions, State};
use crate::error::{Error, Result};
use crate::ports;
use crate::temporary::TemporaryFolder;
use crate::workspace;

/// A file in the state folder. Who holds its lock uses the folder; and that it is there tells a stack's folder from
/// any other.
const LOCK: &str = "kassa-stack";

/// The folder of a stack, which no other stack uses meanwhile.
#[derive(Debug)]
pub(super) struct StateFolder {
    path: PathBuf,
    /// Present if the folder goes with the stack.
    temporary: Option<TemporaryFolder>,
    _lock: File,
}

impl StateFolder {
    pub(super) fn open(options: &StackOptions) -> Result<Self> {
        let temporary = match &options.state {
            State::Temporary => Some(TemporaryFolder::create(&workspace::temporary_folder())?),
            State::Persistent(_) => None,
        };
        let path = match (&options.state, &temporary) {
            (State::Persistent(path), _) => std::path::absolute(path).map_err(Error::at("Finding", path))?,
            (State::Temporary, Some(folder)) => folder.path().to_owned(),
            (State::Temporary, None) => unreachable!("a temporary state has a temporary folder"),
        };
        let suggestion = match options.ports {
            PortChoice::Block(base) => base,
            PortChoice::Free => ports::DEFAULT_BASE,
        };
        let lock = lock(&path, suggestion)?;
        let folder = Self { path, temporary, _lock: lock };
        // A log is about one run; the last one's would only be in the way.
        let _ = std::fs::remove_dir_all(folder.logs());
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_persistent(&self) -> bool {
        self.temporary.is_none()
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
}

/// Removes everything that an earlier stack has left in `folder`.
pub fn reset(folder: &Path, port_base: u16) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let _lock = lock(folder, port_base)?;
    std::fs::remove_dir_all(folder).map_err(Error::at("Removing", folder))
}

fn lock(folder: &Path, port_base: u16) -> Result<File> {
    let path = folder.join(LOCK);
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && !path.exists() {
        return Err(Error::ForeignFolder { folder: folder.to_owned() });
    }
    std::fs::create_dir_all(folder).map_err(Error::at("Creating the folder", folder))?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::at("Opening the lock file", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::StateInUse { state: folder.to_owned(), suggestion: ports::suggest(port_base) })
        }
        Err(TryLockError::Error(error)) => Err(Error::at("Locking", &path)(error)),
    }
}
