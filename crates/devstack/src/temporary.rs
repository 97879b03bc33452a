//! Temporary folders that are removed even if the process is killed.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::reaper;

/// Set to anything, it keeps temporary folders, so that the logs of a failed test can be read.
pub const KEEP: &str = "KASSA_KEEP_STATE";

/// A new folder that is removed when this value is dropped, or by the reaper.
#[derive(Debug)]
pub struct TemporaryFolder {
    path: PathBuf,
    keep: bool,
}

impl TemporaryFolder {
    /// Makes one inside `parent`.
    pub fn create(parent: &Path) -> Result<Self> {
        let path = parent.join(Uuid::new_v4().simple().to_string());
        let keep = std::env::var_os(KEEP).is_some();
        if !keep {
            reaper::remove_at_end(&path)?;
        }
        std::fs::create_dir_all(&path).map_err(Error::at("Creating the folder", &path))?;
        Ok(Self { path, keep })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if !self.keep {
            // The reaper tries again at the end.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
