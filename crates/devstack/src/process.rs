//! A child process in its own process group, with a log file, that cannot outlive this process.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::error::{Error, Result};
use crate::reaper::{self, LastSignal};

/// How many lines of a log go into a message.
const TAIL_LINES: usize = 25;

/// How long a process may take to end in order before it is killed: longer than a worker takes to finish a charge in
/// flight.
const GRACE: Duration = Duration::from_secs(40);

/// Reads one line before it becomes the program, so that the program cannot do anything before it is on the
/// reaper's list; and never becomes it if this process died first.
const GATE: &str = "read -r _ && exec \"$@\" </dev/null";

/// Variables of the developer's own environment that would make a local server or the product talk to the outside.
const FOREIGN_PREFIXES: [&str; 6] = ["AWS_", "KASSA_", "STRIPE_", "TEMPORAL_", "PG", "OTEL_"];

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct Launch {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    log: PathBuf,
    user: Option<(u32, u32)>,
    signal: LastSignal,
    /// Whether error output goes to this process's error output instead of the log.
    shows_errors: bool,
    /// Whether it sees all of this process's environment.
    same_environment: bool,
    directory: PathBuf,
}

impl Launch {
    /// A process that is called `name` in messages and writes its output to `log`.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            log: log.into(),
            user: None,
            signal: LastSignal::Term,
            shows_errors: false,
            same_environment: false,
            directory: PathBuf::from("/"),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable; a later value replaces an earlier one.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs as another account, given by its user and group id. Only root can do that.
    #[must_use]
    pub fn user(mut self, user: Option<(u32, u32)>) -> Self {
        self.user = user;
        self
    }

    /// Sets the signal that ends it in order.
    #[must_use]
    pub fn signal(mut self, signal: LastSignal) -> Self {
        self.signal = signal;
        self
    }

    /// Sends its error output where this process's goes, instead of into the log.
    #[must_use]
    pub fn shows_errors(mut self, shows: bool) -> Self {
        self.shows_errors = shows;
        self
    }

    /// Sets the working directory, which is `/` otherwise.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Keeps the variables that are otherwise left out because they lead to outside systems.
    #[must_use]
    pub fn same_environment(mut self) -> Self {
        self.same_environment = true;
        self
    }

    /// Starts it.
    pub async fn spawn(&self) -> Result<Process> {
        if let Some(folder) = self.log.parent() {
            std::fs::create_dir_all(folder).map_err(Error::at("Creating the log folder", folder))?;
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(Error::at("Opening the log", &self.log))?;
        let errors = log.try_clone().map_err(Error::at("Opening the log", &self.log))?;

        let mut command = Command::new("sh");
        command.args(["-c", GATE, &self.name]).arg(&self.program).args(&self.args);
        for (name, _) in std::env::vars_os() {
            if !self.same_environment
                && FOREIGN_PREFIXES.iter().any(|prefix| name.to_string_lossy().starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        // A proxy of the machine must not get to see, or refuse, calls on the loopback interface.
        for name in ["NO_PROXY", "no_proxy"] {
            let exceptions = std::env::var(name).unwrap_or_default();
            command.env(name, format!("{exceptions},127.0.0.1,localhost").trim_start_matches(','));
        }
        if !self.shows_errors {
            // A log is read with other tools than a terminal.
            command.env("NO_COLOR", "1");
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(if self.shows_errors { Stdio::inherit() } else { Stdio::from(errors) })
            .current_dir(&self.directory)
            .process_group(0);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }

        let starting = format!("Starting {}", self.name);
        let mut child = command.spawn().map_err(Error::io(starting.clone()))?;
        let mut gate = child.stdin.take().ok_or_else(|| Error::setup(&starting, "no pipe to it"))?;
        let group = child.id().ok_or_else(|| Error::setup(&starting, "it ended at once"))?;
        let process =
            Process { name: self.name.clone(), group, child, log: self.log.clone(), signal: self.signal, ended: None };
        reaper::watch(group, self.signal)?;
        // If this fails, the process has ended already, which whoever waits for it will notice and explain better.
        let _ = gate.write_all(b"go\n").await;
        Ok(process)
    }
}

/// A running child process. Dropping it kills it; [`Process::stop`] is the polite way.
#[derive(Debug)]
pub struct Process {
    name: String,
    group: u32,
    child: Child,
    log: PathBuf,
    signal: LastSignal,
    ended: Option<ExitStatus>,
}

impl Process {
    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is its process group's id as well.
    pub fn id(&self) -> u32 {
        self.group
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.ended = Some(status);
            let _ = reaper::forget(self.group);
        }
        self.ended
    }

    /// An error that shows its log, if it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.exit_status() {
            None => Ok(()),
            Some(status) => Err(Error::Exited {
                name: self.name.clone(),
                status: status.to_string(),
                log: self.log.clone(),
                tail: tail(&self.log),
            }),
        }
    }

    /// Waits until `ready` answers, and gives up when the process ends or the time is over.
    pub async fn ready<T>(&mut self, within: Duration, mut ready: impl AsyncFnMut() -> Option<T>) -> Result<T> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            if let Ok(Some(answer)) = tokio::time::timeout_at(deadline, ready()).await {
                return Ok(answer);
            }
            self.check()?;
            if tokio::time::Instant::now() >= deadline {
                return Err(Error::NotReady {
                    name: self.name.clone(),
                    within,
                    log: self.log.clone(),
                    tail: tail(&self.log),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for it to end.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.exit_status() {
            return Ok(status);
        }
        let status = self.child.wait().await.map_err(Error::io(format!("Waiting for {}", self.name)))?;
        self.ended = Some(status);
        reaper::forget(self.group)?;
        Ok(status)
    }

    /// Asks it to end in order, and kills it if it does not within ten seconds.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.send(match self.signal {
            LastSignal::Term => Signal::TERM,
            LastSignal::Int => Signal::INT,
        });
        match tokio::time::timeout(GRACE, self.wait()).await {
            Ok(status) => status,
            Err(_) => self.kill().await,
        }
    }

    /// Kills it with SIGKILL, as a crash of the machine would.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        self.send(Signal::KILL);
        self.wait().await
    }

    /// Sends a signal to it and whatever it started.
    pub fn send(&mut self, signal: Signal) {
        // Once it has been waited for, its id may belong to somebody else.
        if self.exit_status().is_none()
            && let Some(group) = i32::try_from(self.group).ok().and_then(Pid::from_raw)
        {
            // It can only fail because the group has just ended.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // PostgreSQL gets the chance to give its shared memory back, which no kernel does for it.
        self.send(if self.signal == LastSignal::Int { Signal::QUIT } else { Signal::KILL });
        let deadline = Instant::now() + Duration::from_secs(3);
        while self.exit_status().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.send(Signal::KILL);
    }
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let Ok(file) = File::open(log) else {
        return String::from("  (there is no log)");
    };
    let mut lines = VecDeque::with_capacity(TAIL_LINES);
    for line in BufReader::new(file).split(b'\n').map_while(std::result::Result::ok) {
        if lines.len() == TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(format!("  {}", String::from_utf8_lossy(&line)));
    }
    if lines.is_empty() {
        return String::from("  (the log is empty)");
    }
    Vec::from(lines).join("\n")
}
