//! PostgreSQL on a loopback port.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::NoTls;

use crate::error::{Error, Result};
use crate::process::{Launch, Process};
use crate::reaper::LastSignal;
use crate::unprivileged::RunAs;

/// The administrator, and the account that the stand-in for the Data API uses.
const USER: &str = "postgres";

/// How long a start may take. Recovery after a crash is part of it.
const START: Duration = Duration::from_mins(1);

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder with `initdb` and `postgres`.
    pub programs: PathBuf,
    /// Where the data is kept. Made if it is not there.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether data has to survive a crash of the machine. A temporary server is much faster without.
    pub durable: bool,
    /// Where the log goes.
    pub log: PathBuf,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    options: Options,
    run_as: RunAs,
    process: Process,
}

impl Postgres {
    /// Makes the data folder if there is none, starts the server, and waits until it answers.
    pub async fn start(options: Options) -> Result<Self> {
        let run_as = RunAs::choose(&[&options.programs, &options.data]).await?;
        initialise(&options, &run_as).await?;
        let process = launch(&options, &run_as).await?;
        Ok(Self { options, run_as, process })
    }

    /// The connection string for a database of this server, in the form that `tokio-postgres` reads.
    pub fn connection_string(&self, database: &str) -> String {
        connection_string(self.options.listen, database)
    }

    /// Makes a database if there is none of this name.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        let what = format!("Creating the database {name}");
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let client = connect(&self.connection_string("postgres")).await.map_err(|error| Error::setup(&what, error))?;
        let exists = client
            .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
            .await
            .map_err(|error| Error::setup(&what, error))?;
        if exists.is_none() {
            client
                .batch_execute(&format!("CREATE DATABASE {quoted}"))
                .await
                .map_err(|error| Error::setup(&what, error))?;
        }
        Ok(())
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Stops it in order.
    pub async fn stop(&mut self) -> Result<()> {
        self.process.stop().await.map(drop)
    }

    /// Kills it, as a crash would.
    pub async fn kill(&mut self) -> Result<()> {
        self.process.kill().await.map(drop)
    }

    /// Starts it again on the same port and data, after [`Postgres::stop`] or [`Postgres::kill`].
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = launch(&self.options, &self.run_as).await?;
        Ok(())
    }
}

async fn initialise(options: &Options, run_as: &RunAs) -> Result<()> {
    let data = &options.data;
    if let Ok(made_by) = std::fs::read_to_string(data.join("PG_VERSION")) {
        let found = crate::tools::major(&options.programs.join("postgres")).await.map(|major| major.to_string());
        return match found {
            Some(found) if found != made_by.trim() => {
                Err(Error::PostgresVersion { data: data.clone(), made_by: made_by.trim().to_owned(), found })
            }
            _ => Ok(()),
        };
    }
    // Under another name until it is whole: the start that comes after an interrupted one must not use half a cluster.
    let unfinished = data.with_extension("unfinished");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(Error::at("Removing", &unfinished))?;
    }
    std::fs::create_dir_all(&unfinished).map_err(Error::at("Creating the folder", &unfinished))?;
    run_as.own(&unfinished)?;

    let mut initdb = run_as
        .launch("initdb", &options.programs.join("initdb"), &options.log)
        // The server listens on the loopback interface only, and holds test data.
        .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"])
        .arg(format!("--username={USER}"));
    if !options.durable {
        initdb = initdb.arg("--no-sync");
    }
    let mut initdb = initdb.arg("--pgdata").arg(&unfinished).spawn().await?;
    if !initdb.wait().await?.success() {
        initdb.check()?;
    }
    std::fs::rename(&unfinished, data).map_err(Error::at("Renaming", &unfinished))
}

async fn launch(options: &Options, run_as: &RunAs) -> Result<Process> {
    let mut launch: Launch = run_as
        .launch("PostgreSQL", &options.programs.join("postgres"), &options.log)
        .signal(LastSignal::Int)
        .arg("-D")
        .arg(&options.data)
        .args(["-h", &options.listen.ip().to_string(), "-p", &options.listen.port().to_string()])
        // No socket in the file system: its path may be longer than the system allows.
        .args(["-c", "unix_socket_directories=", "-c", "timezone=UTC", "-c", "log_timezone=UTC"])
        .args(["-c", "max_connections=200", "-c", "log_min_messages=warning"]);
    if !options.durable {
        launch = launch.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]).args([
            "-c",
            "shared_buffers=32MB",
            "-c",
            "autovacuum=off",
        ]);
    }
    let mut process = launch.spawn().await?;
    let address = connection_string(options.listen, "postgres");
    process.ready(START, async || connect(&address).await.ok()).await?;
    Ok(process)
}

fn connection_string(listen: SocketAddr, database: &str) -> String {
    format!("host={} port={} user={USER} dbname={database}", listen.ip(), listen.port())
}

async fn connect(address: &str) -> std::result::Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
    // It ends when the client is dropped, and tells its errors to the client.
    tokio::spawn(connection);
    Ok(client)
}
