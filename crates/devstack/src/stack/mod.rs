//! The whole stack: every server, the product's worker and API, and what they expect to find.

mod application;
mod build;
mod catalogue;
mod data;
mod environment;
mod folder;
mod options;
mod servers;

use std::path::{Path, PathBuf};

use kassa_stand_ins::{rds_data, stripe};
use kassa_store::StoreConfig;

pub use application::Application;
pub use build::{BINARIES, Binaries, build};
pub use catalogue::{Product, products};
pub use data::sdk_config;
pub use environment::{MAIL_FROM, PAYLOAD_KEYS, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, TABLE_PREFIX, TASK_QUEUE};
pub use folder::reset;
pub use options::{PortChoice, StackOptions, State};

use folder::StateFolder;
use servers::Servers;

use crate::dynamodb::DynamoDb;
use crate::error::Result;
use crate::http::loopback;
use crate::ministack::Ministack;
use crate::ports::{self, Ports};
use crate::postgres::Postgres;
use crate::process::{Launch, Process};
use crate::progress::{Progress, step};
use crate::temporal::Temporal;
use crate::workspace;

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
        let environment = environment::environment(&options, &ports, &aws);
        let program = |name: fn(&Binaries) -> &PathBuf| binaries.map(name).cloned().unwrap_or_default();
        let worker = worker(&program(|b| &b.worker), "worker", ports.worker_metrics.number(), &environment, &folder);
        let api = api(&program(|b| &b.api), "api", ports.api.number(), &environment, &folder);
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
            step(progress, "Filling the catalogue", catalogue::fill(&stack)).await?;
        }
        Ok(stack)
    }

    /// The URL of the API, without the prefix of its paths.
    pub fn api_url(&self) -> String {
        loopback(self.ports.api.number())
    }

    /// An access token of the administrator.
    pub async fn admin_token(&self) -> Result<String> {
        self.aws.admin_token().await
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
        data::store_config(&self.ports)
    }

    /// Another worker beside [`Stack::worker`], which has to be started.
    ///
    /// # Panics
    ///
    /// When the stack was started without worker and API, so that nothing was built.
    pub fn another_worker(&self, name: &str) -> Result<Application> {
        let binaries = self.binaries.expect("a stack that builds the worker");
        let metrics = ports::free(&workspace::reservations_folder())?;
        Ok(worker(&binaries.worker, name, metrics.number(), &self.environment, &self.folder).keeping(metrics))
    }

    /// Another API beside [`Stack::api`], which has to be started, and its URL.
    ///
    /// # Panics
    ///
    /// When the stack was started without worker and API, so that nothing was built.
    pub fn another_api(&self, name: &str) -> Result<(Application, String)> {
        let binaries = self.binaries.expect("a stack that builds the API");
        let port = ports::free(&workspace::reservations_folder())?;
        let url = loopback(port.number());
        Ok((api(&binaries.api, name, port.number(), &self.environment, &self.folder).keeping(port), url))
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

fn api(program: &Path, name: &str, port: u16, environment: &[(String, String)], folder: &StateFolder) -> Application {
    let launch = with(Launch::new(format!("The {name}"), program, folder.log(name)), environment)
        .env("KASSA_API_LISTEN", format!("127.0.0.1:{port}"));
    Application::new(launch, format!("{}/ready", loopback(port)))
}

fn with(launch: Launch, environment: &[(String, String)]) -> Launch {
    environment.iter().fold(launch, |launch, (name, value)| launch.env(name, value))
}
