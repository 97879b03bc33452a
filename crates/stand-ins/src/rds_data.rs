//! A local RDS Data API in front of any PostgreSQL.
//!
//! [`start`] serves the wire protocol of the real service (as documented for Aurora PostgreSQL, Serverless v2 and
//! provisioned) on a loopback port, so that an unmodified `aws-sdk-rdsdata` client works with it: `ExecuteStatement`,
//! `BatchExecuteStatement`, `BeginTransaction`, `CommitTransaction` and `RollbackTransaction`, with the service's
//! limits and errors. What differs:
//!
//! - Signatures, ARNs and secrets only need to be there; the database is the configured one.
//! - The documentation does not say whether a batch outside a transaction is atomic; here it is.
//! - Where PostgreSQL reads more notations of a date or time than the documented one, a type hint accepts the
//!   documented one alone.
//!
//! For tests, [`Server::faults`] makes calls slow or lets them fail, and [`Server::stats`] counts statements. Another
//! process finds the same at `/_control/faults` (GET, POST, DELETE) and `/_control/stats` (GET).

mod batch;
mod begin_and_end;
mod errors;
mod execute;
mod faults;
mod formatted;
mod http;
mod lexer;
mod metadata;
mod numeric;
mod params;
mod pool;
mod service;
mod session;
mod statement;
mod stats;
mod times;
mod transactions;
mod values;
mod wire;

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[cfg(any(test, fuzzing))]
pub use lexer::fuzzing::sql_parameters;

pub use faults::{Fault, FaultEffect, FaultError, FaultId, FaultReport, Faults};
pub use stats::Stats;

use pool::Pool;
use service::Service;
use stats::Counters;
use transactions::Transactions;

/// How long calls that run may take to end when the server shuts down.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Where to listen, and what to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The PostgreSQL behind it. Its database serves calls that name none.
    pub postgres: tokio_postgres::Config,
    /// Limits of the service.
    pub limits: Limits,
}

/// Limits of the service. The defaults are those of the real one; tests shorten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A statement that runs longer is cancelled. 45 s.
    pub statement_timeout: Duration,
    /// A transaction without calls for longer is rolled back. 3 minutes.
    pub transaction_idle: Duration,
    /// A transaction that is open for longer is rolled back. 24 hours.
    pub transaction_age: Duration,
    /// The largest row of a result, in bytes. 64 KiB.
    pub row_bytes: usize,
    /// The largest result, in bytes. 1 MiB.
    pub response_bytes: usize,
    /// How many connections to PostgreSQL are open at most; an open transaction keeps one. 16.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(45),
            transaction_idle: Duration::from_mins(3),
            transaction_age: Duration::from_hours(24),
            row_bytes: 64 * 1024,
            response_bytes: 1024 * 1024,
            connections: 16,
        }
    }
}

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken, or not one of this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
}

/// A running server. Dropped without [`Server::shutdown`], it stops at once.
pub struct Server {
    address: SocketAddr,
    service: Arc<Service>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// Starts a server. PostgreSQL need not be there yet: until it is, calls fail with `DatabaseUnavailableException`.
pub async fn start(config: Config) -> Result<Server, StartError> {
    let listen_error = |source| StartError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let limits = config.limits;
    let pool = Arc::new(Pool::new(config.postgres, limits.connections));
    let transactions = Transactions::new(Arc::clone(&pool), limits.transaction_idle, limits.transaction_age);
    let service = Arc::new(Service {
        pool,
        transactions: Arc::new(transactions),
        faults: Faults::default(),
        counters: Counters::default(),
        limits,
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = axum::serve(listener, http::router(Arc::clone(&service))).with_graceful_shutdown(async {
        // Also when the server is dropped.
        let _ = stopped.await;
    });
    let serving = tokio::spawn(async move {
        if let Err(error) = serve.into_future().await {
            tracing::error!(%error, "the RDS Data API stand-in stopped");
        }
    });
    Ok(Server { address, service, stop, serving })
}

impl Server {
    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Makes calls slow or lets them fail.
    pub fn faults(&self) -> &Faults {
        &self.service.faults
    }

    /// What the server has done so far.
    pub fn stats(&self) -> Stats {
        self.service.counters.snapshot()
    }

    /// Waits for the calls that run, rolls open transactions back, and closes all connections to PostgreSQL.
    pub async fn shutdown(self) {
        let Self { service, stop, mut serving, .. } = self;
        // The receiver is gone where serving failed.
        let _ = stop.send(());
        if tokio::time::timeout(SHUTDOWN_PATIENCE, &mut serving).await.is_err() {
            serving.abort();
        }
        service.transactions.abandon_all();
        service.pool.close().await;
    }
}
