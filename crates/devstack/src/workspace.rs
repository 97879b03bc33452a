//! Where the workspace and its state folder are.

use std::path::{Path, PathBuf};

/// The workspace this crate was compiled in.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest)
}

/// The folder that holds everything the stack keeps on disk. Git ignores it.
pub fn state_folder() -> PathBuf {
    root().join(".kassa")
}

/// Where tools are installed.
pub fn tools_folder() -> PathBuf {
    state_folder().join("tools")
}

/// Where temporary stacks keep their files.
pub fn temporary_folder() -> PathBuf {
    state_folder().join("tmp")
}

/// Where tests note which ports they have chosen.
pub fn reservations_folder() -> PathBuf {
    state_folder().join("ports")
}
