//! One PostgreSQL for all tests of this binary; a database and a Data API of its own for each test.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_rdsdata::Client;
use aws_sdk_rdsdata::config::retry::RetryConfig;
use aws_sdk_rdsdata::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_rdsdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder;
use aws_sdk_rdsdata::types::{Field, SqlParameter, TypeHint};
use kassa_devstack::ports::{self, Port};
use kassa_devstack::postgres::{Options, Postgres};
use kassa_devstack::progress::Silent;
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::{tools, wait, workspace};
use kassa_stand_ins::rds_data::{self, Config, Limits, Server};
use tokio::runtime::Runtime;
use uuid::Uuid;

pub(crate) const RESOURCE: &str = "arn:aws:rds:eu-central-1:000000000000:cluster:kassa";
pub(crate) const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:kassa";

/// A Data API in front of a database of its own.
pub(crate) struct Stand {
    pub(crate) server: Server,
    pub(crate) client: Client,
}

impl Stand {
    pub(crate) async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::in_front_of(postgres(), limits).await
    }

    pub(crate) async fn in_front_of(postgres: &Postgres, limits: Limits) -> Self {
        let database = format!("test_{}", Uuid::new_v4().simple());
        postgres.create_database(&database).await.unwrap();
        let config = Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            postgres: postgres.connection_string(&database).parse().unwrap(),
            limits,
        };
        let server = rds_data::start(config).await.unwrap();
        let client = client(&server, RetryConfig::disabled());
        Self { server, client }
    }

    /// The address of a path of the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.addr())
    }

    pub(crate) fn statement(&self, sql: &str) -> ExecuteStatementFluentBuilder {
        self.client.execute_statement().resource_arn(RESOURCE).secret_arn(SECRET).sql(sql)
    }

    pub(crate) async fn run(&self, sql: &str) -> ExecuteStatementOutput {
        self.statement(sql).send().await.unwrap()
    }

    /// The one value of a result.
    pub(crate) async fn value(&self, sql: &str) -> Field {
        only_value(&self.run(sql).await)
    }

    /// The one value of `SELECT <expression>` with a parameter `:x`.
    pub(crate) async fn value_with(&self, sql: &str, parameter: SqlParameter) -> Field {
        only_value(&self.statement(sql).parameters(parameter).send().await.unwrap())
    }

    pub(crate) async fn begin(&self) -> String {
        let answer = self.client.begin_transaction().resource_arn(RESOURCE).secret_arn(SECRET).send().await.unwrap();
        answer.transaction_id.unwrap()
    }

    pub(crate) async fn commit(&self, transaction: &str) -> Result<String, Failure> {
        let call = self.client.commit_transaction().resource_arn(RESOURCE).secret_arn(SECRET);
        let answer = call.transaction_id(transaction).send().await.map_err(|error| Failure::of(&error))?;
        Ok(answer.transaction_status.unwrap())
    }

    pub(crate) async fn rollback(&self, transaction: &str) -> Result<String, Failure> {
        let call = self.client.rollback_transaction().resource_arn(RESOURCE).secret_arn(SECRET);
        let answer = call.transaction_id(transaction).send().await.map_err(|error| Failure::of(&error))?;
        Ok(answer.transaction_status.unwrap())
    }

    pub(crate) async fn failure(&self, sql: &str) -> Failure {
        failure(self.statement(sql)).await
    }
}

/// What a caller of the SDK sees of an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn of<E>(error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        Self {
            status: status.unwrap_or_else(|| panic!("no answer from the service: {error:?}")),
            code: error.code().unwrap_or_default().to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        }
    }
}

pub(crate) async fn failure(statement: ExecuteStatementFluentBuilder) -> Failure {
    Failure::of(&statement.send().await.unwrap_err())
}

pub(crate) fn only_value(answer: &ExecuteStatementOutput) -> Field {
    match answer.records() {
        [record] => match record.as_slice() {
            [field] => field.clone(),
            fields => panic!("one value wanted, got {fields:?}"),
        },
        records => panic!("one record wanted, got {records:?}"),
    }
}

pub(crate) fn client(server: &Server, retries: RetryConfig) -> Client {
    let config = aws_sdk_rdsdata::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(retries)
        .endpoint_url(format!("http://{}", server.addr()))
        .build();
    Client::from_conf(config)
}

pub(crate) fn text(value: &str) -> Field {
    Field::StringValue(value.to_owned())
}

pub(crate) fn x(value: Field) -> SqlParameter {
    named("x", value)
}

pub(crate) fn named(name: &str, value: Field) -> SqlParameter {
    SqlParameter::builder().name(name).value(value).build()
}

pub(crate) fn hinted(value: &str, hint: TypeHint) -> SqlParameter {
    SqlParameter::builder().name("x").value(text(value)).type_hint(hint).build()
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let held = wait::until(Duration::from_secs(30), async || condition().await.then_some(())).await;
    assert!(held.is_some(), "never came true: {what}");
}

/// The PostgreSQL that the tests share. It ends with this process.
pub(crate) fn postgres() -> &'static Postgres {
    static SHARED: OnceLock<(OwnPostgres, Runtime)> = OnceLock::new();
    let (shared, _) = SHARED.get_or_init(|| {
        // Each test has a runtime of its own that ends with it, so the server lives on another one.
        let starting = std::thread::spawn(|| {
            let runtime = Runtime::new().unwrap();
            (runtime.block_on(OwnPostgres::start()), runtime)
        });
        starting.join().unwrap()
    });
    &shared.server
}

/// A PostgreSQL with its folder and port.
pub(crate) struct OwnPostgres {
    pub(crate) server: Postgres,
    _folder: TemporaryFolder,
    _port: Port,
}

impl OwnPostgres {
    pub(crate) async fn start() -> Self {
        let tools = tools::prepare(&workspace::tools_folder(), &Silent).await.unwrap();
        let folder = TemporaryFolder::create(&workspace::temporary_folder()).unwrap();
        let port = ports::free(&workspace::reservations_folder()).unwrap();
        let options = Options {
            programs: tools.postgres,
            data: folder.path().join("data"),
            listen: port.address(),
            durable: false,
            log: folder.path().join("postgres.log"),
        };
        let server = Postgres::start(options).await.unwrap();
        Self { server, _folder: folder, _port: port }
    }
}
