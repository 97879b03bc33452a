//! The sources of the workspace, read as text.

use std::fs;
use std::path::{Path, PathBuf};

use kassa_devstack::workspace;

/// The files with Rust code in a folder of the workspace, such as `workflows/src`.
pub(crate) fn sources(folder: &str) -> Vec<PathBuf> {
    below(&workspace::root().join(folder))
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
