//! The whole stack: every server, the product's worker and API, and what they expect to find.

mod application;
mod build;
mod catalogue;
mod data;

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use kassa_stand_ins::{rds_data, stripe};
use kassa_store::StoreConfig;

pub use application::Application;
pub use build::{Binaries, build};
pub use catalogue::{Product, products};
pub use data::sdk_config;

use crate::dynamodb::DynamoDb;
use crate::error::{Error, Result, chain};
use crate::http::loopback;
use crate::ministack::{self, Ministack};
use crate::ports::{self, Ports};
use crate::postgres::{self, Postgres};
use crate::process::{Launch, Process};
use crate::progress::{Progress, step};
use crate::temporal::{self, Temporal, TemporalPorts};
use crate::temporary::TemporaryFolder;
use crate::tools::{self, Tools};
use crate::workspace;

/// The key of the API's administrative calls.
pub const ADMIN_KEY: &str = "local-stack-admin-key";

/// The key that the Stripe stand-in accepts.
pub const STRIPE_SECRET_KEY: &str = "sk_test_local";

/// The address that mail is sent from.
pub const MAIL_FROM: &str = "orders@kassa.example";

/// The task queue of the workers.
pub const TASK_QUEUE: &str = "kassa-checkout";

/// What the names of all `DynamoDB` tables begin with.
pub const TABLE_PREFIX: &str = "kassa-";

/// The PostgreSQL database.
const DATABASE: &str = "kassa";

/// The names under which the Data API knows the database and its password. The stand-in only wants them to be there.
const RESOURCE_ARN: &str = "arn:aws:rds:eu-central-1:000000000000:cluster:kassa";
const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:kassa";

/// A file in the state folder. Who holds its lock uses the folder; and that it is there tells a stack's folder from
/// any other.
const LOCK: &str = "kassa-stack";

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

/// A running stack.
///
/// [`Stack::stop`] ends it in order. Dropping it kills every process, and so does the end of this process, whatever
/// the reason.
pub struct Stack {
    // Fields are dropped in this order: first who calls, then who is called, then the files.
    /// The API.
    pub api: Application,
    /// The worker.
    pub worker: Application,
    /// Temporal.
    pub temporal: Temporal,
    /// Stripe, in this process.
    pub stripe: stripe::Server,
    /// The RDS Data API, in this process.
    pub rds_data: rds_data::Server,
    /// PostgreSQL.
    pub postgres: Postgres,
    /// `DynamoDB`, in this process.
    pub dynamodb: DynamoDb,
    /// SES, SNS, SQS, `EventBridge` and Cognito.
    pub aws: Ministack,
    environment: Vec<(String, String)>,
    binaries: Option<&'static Binaries>,
    ports: Ports,
    folder: StateFolder,
}

impl Stack {
    /// Starts everything that `options` ask for, and waits until it is ready.
    pub async fn start(options: StackOptions, progress: &dyn Progress) -> Result<Self> {
        // On the heap, because what is under way at once in there is too large for the stacks of some callers.
        Box::pin(Self::start_all(options, progress)).await
    }

    async fn start_all(options: StackOptions, progress: &dyn Progress) -> Result<Self> {
        let folder = StateFolder::open(&options)?;
        let ports = match options.ports {
            PortChoice::Free => Ports::free(&workspace::reservations_folder())?,
            PortChoice::Block(base) => Ports::block(base)?,
        };
        // Compiling takes the longest, so the servers start meanwhile.
        let build = async { if options.worker || options.api { build(progress).await.map(Some) } else { Ok(None) } };
        let (binaries, servers) = tokio::try_join!(build, Servers::start(&options, &folder, &ports, progress))?;

        let Servers { temporal, stripe, rds_data, postgres, dynamodb, aws } = servers;
        let environment = environment(&options, &ports);
        let program = |name: fn(&Binaries) -> &PathBuf| binaries.map(name).cloned().unwrap_or_default();
        let worker = worker(&program(|b| &b.worker), "worker", ports.worker_metrics.number(), &environment, &folder);
        let api = api(&program(|b| &b.api), ports.api.number(), &environment, &folder);
        let mut stack = Self {
            api,
            worker,
            temporal,
            stripe,
            rds_data,
            postgres,
            dynamodb,
            aws,
            environment,
            binaries,
            ports,
            folder,
        };
        let Self { worker, api, .. } = &mut stack;
        tokio::try_join!(
            async { if options.worker { step(progress, "Starting the worker", worker.start()).await } else { Ok(()) } },
            async { if options.api { step(progress, "Starting the API", api.start()).await } else { Ok(()) } },
        )?;
        if options.api {
            step(progress, "Filling the catalogue", catalogue::fill(&stack.api_url())).await?;
        }
        Ok(stack)
    }

    /// The URL of the API, without the prefix of its paths.
    pub fn api_url(&self) -> String {
        loopback(self.ports.api.number())
    }

    /// The URL of the worker's metrics.
    pub fn worker_metrics_url(&self) -> String {
        format!("{}/metrics", loopback(self.ports.worker_metrics.number()))
    }

    /// The folder that holds the stack's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that holds the logs of all processes.
    pub fn logs(&self) -> PathBuf {
        self.folder.logs()
    }

    /// The environment of worker and API, for tests that run one of them in their own process.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Where the stores are, for tests that look into them.
    pub fn store_config(&self) -> StoreConfig {
        store_config(&self.ports)
    }

    /// Another worker beside [`Stack::worker`], which has to be started.
    ///
    /// # Panics
    ///
    /// When the stack was started without worker and API, so that nothing was built.
    pub fn another_worker(&self, name: &str) -> Result<Application> {
        let binaries = self.binaries.expect("a stack that builds the worker");
        // Its port is not reserved beyond this call, which the moment until it listens does not need.
        let metrics = ports::free(&workspace::reservations_folder())?.number();
        Ok(worker(&binaries.worker, name, metrics, &self.environment, &self.folder))
    }

    /// An error that shows the log of a process that has ended, if one has that was not told to.
    pub fn check(&mut self) -> Result<()> {
        let servers = [self.postgres.process(), self.temporal.process(), self.aws.process()];
        let applications = [self.api.process(), self.worker.process()];
        servers.into_iter().chain(applications.into_iter().flatten()).try_for_each(Process::check)
    }

    /// Stops everything in order.
    pub async fn stop(mut self) -> Result<()> {
        // Each is stopped even if one before it could not be.
        let api = self.api.stop().await;
        let worker = self.worker.stop().await;
        let temporal = self.temporal.stop().await;
        self.stripe.shutdown().await;
        self.rds_data.shutdown().await;
        let (postgres, aws, ()) = tokio::join!(self.postgres.stop(), self.aws.stop(), self.dynamodb.stop());
        api.and(worker).and(temporal).and(postgres).and(aws)
    }
}

/// Everything but the product itself.
struct Servers {
    temporal: Temporal,
    stripe: stripe::Server,
    rds_data: rds_data::Server,
    postgres: Postgres,
    dynamodb: DynamoDb,
    aws: Ministack,
}

impl Servers {
    async fn start(
        options: &StackOptions,
        folder: &StateFolder,
        ports: &Ports,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let tools = tools::prepare(&workspace::tools_folder(), progress).await?;
        let (temporal, (postgres, rds_data, dynamodb), aws, stripe) = tokio::try_join!(
            step(progress, "Starting Temporal", start_temporal(options, &tools, folder, ports)),
            step(progress, "Starting the databases", start_databases(&tools, folder, ports)),
            step(progress, "Starting the AWS stand-in", start_aws(&tools, folder, ports)),
            start_stripe(folder, ports),
        )?;
        Ok(Self { temporal, stripe, rds_data, postgres, dynamodb, aws })
    }
}

async fn start_temporal(
    options: &StackOptions,
    tools: &Tools,
    folder: &StateFolder,
    ports: &Ports,
) -> Result<Temporal> {
    Temporal::start(temporal::Options {
        program: tools.temporal.clone(),
        database: (!options.temporal_in_memory).then(|| folder.path().join("temporal/temporal.sqlite")),
        ports: TemporalPorts {
            front_end: ports.temporal.number(),
            ui: ports.temporal_ui.number(),
            http: ports.temporal_http.number(),
            metrics: ports.temporal_metrics.number(),
        },
        // Nobody looks at the UI of a test.
        ui: folder.is_persistent(),
        log: folder.log("temporal"),
    })
    .await
}

async fn start_databases(
    tools: &Tools,
    folder: &StateFolder,
    ports: &Ports,
) -> Result<(Postgres, rds_data::Server, DynamoDb)> {
    let postgres = Postgres::start(postgres::Options {
        programs: tools.postgres.clone(),
        data: folder.path().join("postgres"),
        listen: ports.postgres.address(),
        durable: folder.is_persistent(),
        log: folder.log("postgres"),
    })
    .await?;
    postgres.create_database(DATABASE).await?;
    let connection = postgres.connection_string(DATABASE);
    let rds_data = rds_data::start(rds_data::Config {
        listen: ports.rds_data.address(),
        postgres: connection.parse().map_err(|error| Error::setup("Reading the connection string", error))?,
        limits: rds_data::Limits::default(),
    })
    .await
    .map_err(|error| Error::InProcess { server: "The RDS Data API", message: chain(&error) })?;

    let file = folder.is_persistent().then(|| folder.path().join("dynamodb/dynamodb.sqlite"));
    let dynamodb = DynamoDb::start(ports.dynamodb.address(), file.as_deref()).await?;
    data::prepare(&store_config(ports)).await?;
    Ok((postgres, rds_data, dynamodb))
}

async fn start_aws(tools: &Tools, folder: &StateFolder, ports: &Ports) -> Result<Ministack> {
    Ministack::start(ministack::Options {
        python: tools.ministack_python.clone(),
        port: ports.aws.number(),
        folder: folder.path().join("aws"),
        persistent: folder.is_persistent(),
        sender: MAIL_FROM.to_owned(),
        log: folder.log("aws"),
    })
    .await
}

async fn start_stripe(folder: &StateFolder, ports: &Ports) -> Result<stripe::Server> {
    let state = folder.is_persistent().then(|| folder.path().join("stripe/stripe.sqlite"));
    stripe::start(stripe::Config {
        listen: ports.stripe.address(),
        secret_key: STRIPE_SECRET_KEY.to_owned(),
        webhook: None,
        state,
    })
    .await
    .map_err(|error| Error::InProcess { server: "The Stripe stand-in", message: chain(&error) })
}

fn store_config(ports: &Ports) -> StoreConfig {
    data::store_config(loopback(ports.dynamodb.number()), loopback(ports.rds_data.number()))
}

/// What both worker and API are configured with.
fn environment(options: &StackOptions, ports: &Ports) -> Vec<(String, String)> {
    let url = |port: &ports::Port| loopback(port.number());
    let mut environment: Vec<(String, String)> = [
        ("KASSA_TASK_QUEUE", TASK_QUEUE.to_owned()),
        ("TEMPORAL_ADDRESS", ports.temporal.address().to_string()),
        // The profiles of the Temporal CLI, which may lead to a real server, are not read either.
        ("TEMPORAL_CONFIG_FILE", "/dev/null".to_owned()),
        ("TEMPORAL_NAMESPACE", temporal::NAMESPACE.to_owned()),
        ("AWS_REGION", ministack::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ministack::ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ministack::SECRET_ACCESS_KEY.to_owned()),
        // There is no machine to ask for credentials, and asking takes seconds.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        // The developer's own profiles, which may lead to a real account, are not read.
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ("KASSA_DYNAMODB_ENDPOINT", url(&ports.dynamodb)),
        ("KASSA_TABLE_PREFIX", TABLE_PREFIX.to_owned()),
        ("KASSA_RDS_ENDPOINT", url(&ports.rds_data)),
        ("KASSA_RDS_RESOURCE_ARN", RESOURCE_ARN.to_owned()),
        ("KASSA_RDS_SECRET_ARN", SECRET_ARN.to_owned()),
        ("KASSA_RDS_DATABASE", DATABASE.to_owned()),
        ("KASSA_SES_ENDPOINT", url(&ports.aws)),
        ("KASSA_MAIL_FROM", format!("Kassa <{MAIL_FROM}>")),
        ("KASSA_EVENTBRIDGE_ENDPOINT", url(&ports.aws)),
        ("KASSA_EVENT_BUS", ministack::EVENT_BUS.to_owned()),
        ("KASSA_STRIPE_ENDPOINT", url(&ports.stripe)),
        ("KASSA_STRIPE_SECRET_KEY", STRIPE_SECRET_KEY.to_owned()),
        ("KASSA_API_LISTEN", ports.api.address().to_string()),
        ("KASSA_ADMIN_KEY", ADMIN_KEY.to_owned()),
        ("KASSA_LOG_FORMAT", "text".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    environment.extend(options.environment.iter().cloned());
    environment
}

fn worker(
    program: &Path,
    name: &str,
    metrics: u16,
    environment: &[(String, String)],
    folder: &StateFolder,
) -> Application {
    let launch = Launch::new(format!("The {name}"), program, folder.log(name))
        .env("KASSA_WORKER_METRICS_LISTEN", format!("127.0.0.1:{metrics}"));
    Application::new(with(launch, environment), format!("{}/metrics", loopback(metrics)))
}

fn api(program: &Path, port: u16, environment: &[(String, String)], folder: &StateFolder) -> Application {
    let launch = Launch::new("The API", program, folder.log("api"));
    Application::new(with(launch, environment), format!("{}/ready", loopback(port)))
}

fn with(launch: Launch, environment: &[(String, String)]) -> Launch {
    environment.iter().fold(launch, |launch, (name, value)| launch.env(name, value))
}

/// The folder of a stack, which no other stack uses meanwhile.
#[derive(Debug)]
struct StateFolder {
    path: PathBuf,
    /// Present if the folder goes with the stack.
    temporary: Option<TemporaryFolder>,
    _lock: File,
}

impl StateFolder {
    fn open(options: &StackOptions) -> Result<Self> {
        let temporary = match &options.state {
            State::Temporary => Some(TemporaryFolder::create(&workspace::temporary_folder())?),
            State::Persistent(_) => None,
        };
        let path = match (&options.state, &temporary) {
            (State::Persistent(path), _) => std::path::absolute(path).map_err(Error::at("Finding", path))?,
            (State::Temporary, Some(folder)) => folder.path().to_owned(),
            (State::Temporary, None) => unreachable!("a temporary state has a temporary folder"),
        };
        let suggestion = match options.ports {
            PortChoice::Block(base) => base,
            PortChoice::Free => ports::DEFAULT_BASE,
        };
        let lock = lock(&path, suggestion)?;
        let folder = Self { path, temporary, _lock: lock };
        // A log is about one run; the last one's would only be in the way.
        let _ = std::fs::remove_dir_all(folder.logs());
        Ok(folder)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn is_persistent(&self) -> bool {
        self.temporary.is_none()
    }

    fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
}

/// Removes everything that an earlier stack has left in `folder`.
pub fn reset(folder: &Path, port_base: u16) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let _lock = lock(folder, port_base)?;
    std::fs::remove_dir_all(folder).map_err(Error::at("Removing", folder))
}

fn lock(folder: &Path, port_base: u16) -> Result<File> {
    let path = folder.join(LOCK);
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && !path.exists() {
        return Err(Error::ForeignFolder { folder: folder.to_owned() });
    }
    std::fs::create_dir_all(folder).map_err(Error::at("Creating the folder", folder))?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::at("Opening the lock file", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::StateInUse { state: folder.to_owned(), suggestion: ports::suggest(port_base) })
        }
        Err(std::fs::TryLockError::Error(error)) => Err(Error::at("Locking", &path)(error)),
    }
}
