//! Sees to it that no process and no temporary folder outlives the process that made them.
//!
//! A program that is killed cannot clean up after itself. So the first server that is started also starts a small
//! shell that reads from a pipe whose other end only this process holds. When the pipe closes, for whatever reason,
//! the shell ends what is still on its list. The normal way is still to stop things in order; then the list is empty.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result};

/// The signals that servers are ended with when nobody is left to stop them in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastSignal {
    /// Most servers end in order on this.
    Term,
    /// PostgreSQL waits for its clients on SIGTERM, and disconnects them on this.
    Int,
}

impl LastSignal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
        }
    }
}

/// The shell's standard input. It lives as long as this process.
static PIPE: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

/// Puts a process group on the list. Must be called before the process does anything.
pub fn watch(group: u32, signal: LastSignal) -> Result<()> {
    order(&format!("watch {group} {}", signal.name()))
}

/// Takes a process group off the list, because it has ended.
///
/// Process ids are used again, so this must not be left out.
pub fn forget(group: u32) -> Result<()> {
    order(&format!("forget {group}"))
}

/// Puts a folder on the list of what is removed at the end.
pub fn remove_at_end(folder: &Path) -> Result<()> {
    let name = folder
        .to_str()
        .filter(|name| name.starts_with('/') && !name.contains('\n') && !name.contains("  "))
        .ok_or_else(|| Error::setup("Registering a temporary folder", folder.display()))?;
    order(&format!("remove {name}"))
}

fn order(line: &str) -> Result<()> {
    let mut pipe = pipe()?.lock().unwrap_or_else(PoisonError::into_inner);
    pipe.write_all(format!("{line}\n").as_bytes()).map_err(Error::io("The clean-up process is gone"))
}

fn pipe() -> Result<&'static Mutex<ChildStdin>> {
    /// Keeps two threads from starting two shells.
    static STARTING: Mutex<()> = Mutex::new(());

    let _only_one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = PIPE.get() {
        return Ok(pipe);
    }
    let mut shell = Command::new("sh")
        .args(["-c", include_str!("reaper.sh"), "kassa-reaper"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Its own group: Ctrl-C in a terminal must not reach it before it has done its work.
        .process_group(0)
        .current_dir("/")
        .spawn()
        .map_err(Error::io("Starting the clean-up process"))?;
    let stdin = shell.stdin.take().ok_or_else(|| Error::setup("Starting the clean-up process", "no pipe"))?;
    Ok(PIPE.get_or_init(|| Mutex::new(stdin)))
}
