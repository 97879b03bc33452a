//! A bounded pool of PostgreSQL connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls};
use tracing::warn;

use super::errors::ApiError;

/// How long a connection may take to be made, cleaned or closed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes back whatever a statement can leave behind in a session. `DISCARD ALL` would do that too, but also drops the
/// prepared statements with which the client looks up types.
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// Lends connections, at most `capacity` at a time.
pub(super) struct Pool {
    config: Config,
    capacity: usize,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
    /// Held by every connection's task, so that [`Pool::close`] can wait until all have ended.
    alive: Mutex<Option<mpsc::Sender<()>>>,
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

/// A connection on loan. Dropped without [`Pool::give_back`], it is closed, and PostgreSQL rolls back what it had open.
pub(super) struct Connection {
    session: Session,
    _permit: OwnedSemaphorePermit,
}

struct Session {
    client: Client,
    backend: i32,
    database: String,
}

impl Connection {
    pub(super) fn client(&self) -> &Client {
        &self.session.client
    }

    /// Process id of the backend, which the service calls the database connection id.
    pub(super) fn backend(&self) -> i32 {
        self.session.backend
    }

    pub(super) fn database(&self) -> &str {
        &self.session.database
    }

    /// Asks PostgreSQL to cancel what runs. The request can also arrive too late and hit the next statement, so the
    /// connection must not be used again.
    pub(super) async fn cancel(&self) {
        let token = self.session.client.cancel_token();
        match timeout(PATIENCE, token.cancel_query(NoTls)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "a statement could not be cancelled"),
            Err(_) => warn!("cancelling a statement took too long"),
        }
    }
}

impl Pool {
    pub(super) fn new(mut config: Config, capacity: usize) -> Self {
        // The service shows every point in time as UTC.
        let options = match config.get_options() {
            Some(options) => format!("{options} -c timezone=UTC"),
            None => "-c timezone=UTC".to_owned(),
        };
        config.options(options).application_name("rds-data-api");
        let (alive, ended) = mpsc::channel(1);
        Self {
            config,
            capacity,
            permits: Arc::new(Semaphore::new(capacity)),
            idle: Mutex::default(),
            alive: Mutex::new(Some(alive)),
            ended: tokio::sync::Mutex::new(ended),
        }
    }

    /// A clean connection to `database`, or to the configured one. Waits while all are on loan.
    pub(super) async fn lend(&self, database: Option<&str>) -> Result<Connection, ApiError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| ApiError::ServiceUnavailable("The service is shutting down".into()))?;
        let database = database.or(self.config.get_dbname()).or(self.config.get_user()).unwrap_or("postgres");
        let session = match self.take_idle(database) {
            Some(session) => session,
            None => timeout(PATIENCE, self.connect(database)).await.map_err(|_| {
                ApiError::DatabaseUnavailable("The database did not accept a connection in time".into())
            })??,
        };
        Ok(Connection { session, _permit: permit })
    }

    /// Takes a connection without open transaction back, and cleans it for the next borrower.
    pub(super) async fn give_back(&self, connection: Connection) {
        let cleaned = timeout(PATIENCE, connection.client().batch_execute(CLEAN)).await;
        if matches!(cleaned, Ok(Ok(()))) && !self.permits.is_closed() {
            // The permit is returned after this, so that nobody opens another connection in between.
            self.idle().push(connection.session);
        }
    }

    /// Closes all connections and waits for their end.
    pub(super) async fn close(&self) {
        self.permits.close();
        self.idle().clear();
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut ended = self.ended.lock().await;
        if timeout(PATIENCE, ended.recv()).await.is_err() {
            warn!("a connection to PostgreSQL is still open at shutdown");
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, database: &str) -> Option<Session> {
        let mut idle = self.idle();
        // PostgreSQL was restarted, or closed them for another reason.
        idle.retain(|session| !session.client.is_closed());
        if let Some(index) = idle.iter().rposition(|session| session.database == database) {
            return Some(idle.remove(index));
        }
        // The new connection takes the place of one to another database.
        let lent = self.capacity - self.permits.available_permits();
        if idle.len() + lent > self.capacity {
            idle.remove(0);
        }
        None
    }

    async fn connect(&self, database: &str) -> Result<Session, ApiError> {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut config = self.config.clone();
        let (client, connection) = config.dbname(database).connect(NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                warn!(%error, "a connection to PostgreSQL broke");
            }
            drop(alive);
        });
        let backend = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        Ok(Session { client, backend, database: database.to_owned() })
    }
}
