//! What a stack is started with.

use std::path::PathBuf;

/// Where a stack keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In a folder that is removed at the end. Nothing is written through to the disk.
    Temporary,
    /// In this folder, so that the next start finds everything again.
    Persistent(PathBuf),
}

/// Which ports a stack listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortChoice {
    /// Any that are free.
    Free,
    /// The block that begins here.
    Block(u16),
}

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Where files are kept.
    pub state: State,
    /// Where to listen.
    pub ports: PortChoice,
    /// Whether Temporal keeps workflows in memory: faster, but they do not survive a restart of the server.
    pub temporal_in_memory: bool,
    /// Whether to build and start a worker. A test that runs one in its own process does not want another.
    pub worker: bool,
    /// Whether to build and start the API, and fill the catalogue through it.
    pub api: bool,
    /// Further environment variables for worker and API, which replace those of the same name.
    pub environment: Vec<(String, String)>,
}

impl StackOptions {
    /// A stack for a test: temporary, on free ports, without the web UI.
    pub fn temporary() -> Self {
        Self {
            state: State::Temporary,
            ports: PortChoice::Free,
            temporal_in_memory: false,
            worker: true,
            api: true,
            environment: Vec::new(),
        }
    }

    /// A stack for a developer: everything, and it is still there tomorrow.
    pub fn persistent(folder: impl Into<PathBuf>, port_base: u16) -> Self {
        Self { state: State::Persistent(folder.into()), ports: PortChoice::Block(port_base), ..Self::temporary() }
    }
}
