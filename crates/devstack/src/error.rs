//! What can go wrong while the stack starts. Each message is meant to be the only thing a newcomer needs to read:
//! it says what happened and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the stack, or a part of it, did not come up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No Python at all, or only ones that are too old.
    #[error(
        "Python 3.10 or newer is needed to install the local servers, and {found}.\n\
         Install it (Debian, Ubuntu: `apt install python3 python3-venv`; macOS: `brew install python`) and run the \
         command again."
    )]
    Python {
        /// What the search came up with.
        found: String,
    },

    /// Python is there, but cannot make virtual environments.
    #[error(
        "{python} could not make a virtual environment, which is where the local servers are installed.\n\
         On Debian and Ubuntu the module is a package of its own: `apt install python3-venv`. Python said:\n{tail}"
    )]
    Venv {
        /// The interpreter that was asked.
        python: PathBuf,
        /// The end of its output.
        tail: String,
    },

    /// `pip install` failed.
    #[error(
        "{tool} could not be installed with pip. Check the connection to your Python package index (or the proxy and \
         mirror in pip's configuration) and run the command again; nothing half installed is left behind. pip said:\n{tail}"
    )]
    Install {
        /// What was being installed.
        tool: &'static str,
        /// The end of pip's output.
        tail: String,
    },

    /// A port that a server needs is in use.
    #[error(
        "Port {port} is needed by {server}, and something else is listening on it.\n\
         Stop that program, or run the stack on other ports: `cargo dev --port-base {suggestion}`."
    )]
    PortTaken {
        /// The port in question.
        port: u16,
        /// Who needs it.
        server: &'static str,
        /// A base with which every port was free a moment ago.
        suggestion: u16,
    },

    /// Not one free port was left in the range that tests use.
    #[error("No free port was found between {first} and {last}; are many test runs going on at once?")]
    NoFreePort {
        /// The first port that was tried.
        first: u16,
        /// The last port that was tried.
        last: u16,
    },

    /// Another stack uses the same state folder.
    #[error(
        "Another stack is already running on {state}.\n\
         Stop it, or give this one a folder and ports of its own: `cargo dev --state <folder> --port-base {suggestion}`."
    )]
    StateInUse {
        /// The folder.
        state: PathBuf,
        /// A base with which every port was free a moment ago.
        suggestion: u16,
    },

    /// The database files were written by another major version of PostgreSQL.
    #[error(
        "The database in {data} was made by PostgreSQL {made_by}, and the one found here is PostgreSQL {found}.\n\
         `cargo dev --reset` starts over with an empty one."
    )]
    PostgresVersion {
        /// The data folder.
        data: PathBuf,
        /// The major version that made it.
        made_by: String,
        /// The major version of the binaries.
        found: String,
    },

    /// PostgreSQL refuses to run as root, and no other account can be used.
    #[error(
        "PostgreSQL refuses to run as root, and {reason}.\n\
         Run the command as an ordinary user."
    )]
    Unprivileged {
        /// What stands in the way.
        reason: String,
    },

    /// A process ended though it should have kept running.
    #[error("{name} ended with {status}. The end of its log ({}):\n{tail}", .log.display())]
    Exited {
        /// The name of the process.
        name: String,
        /// How it ended.
        status: String,
        /// Where its output went.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },

    /// A process runs, but did not become ready in time.
    #[error("{name} was not ready within {} s. The end of its log ({}):\n{tail}", .within.as_secs(), .log.display())]
    NotReady {
        /// The name of the process.
        name: String,
        /// How long was waited for it.
        within: Duration,
        /// Where its output went.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },

    /// The worker or the API could not be compiled.
    #[error("Building the worker and the API failed:\n{tail}")]
    Build {
        /// The end of cargo's output.
        tail: String,
    },

    /// The state folder does not belong to a stack.
    #[error("{} holds files that are not a stack's, so it is not used or emptied. Choose another folder.", .folder.display())]
    ForeignFolder {
        /// The folder.
        folder: PathBuf,
    },

    /// A server in this process did not start.
    #[error("{server} did not start: {message}")]
    InProcess {
        /// Which one.
        server: &'static str,
        /// Why.
        message: String,
    },

    /// A local server answered a set-up call with something else than expected.
    #[error("{what} failed: {message}")]
    Setup {
        /// What was being set up.
        what: String,
        /// What came back.
        message: String,
    },

    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    /// An I/O error that says what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// An I/O error that says which file or folder it was about.
    pub(crate) fn at(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io(format!("{what} {}", path.display()))
    }

    /// A failed set-up step.
    pub(crate) fn setup(what: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::Setup { what: what.into(), message: format!("{message}") }
    }
}

/// An error with everything it was caused by, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
