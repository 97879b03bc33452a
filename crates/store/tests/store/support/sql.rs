//! A database of its own for each test, on one `PostgreSQL` for all.

use kassa_devstack::ports::Port;
use kassa_devstack::postgres::{Options, Postgres};
use kassa_devstack::progress::Silent;
use kassa_devstack::stack::sdk_config;
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::{ports, tools, workspace};
use kassa_stand_ins::rds_data::{self, Limits};
use kassa_store::config::RDS_DATA_CALL;
use kassa_store::{Database, Orders, RdsDataConfig, migrations};
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;

use super::unique;

struct Server {
    postgres: Postgres,
    _port: Port,
    _folder: TemporaryFolder,
}

/// Started by the first test that needs it; the reaper ends it with this process, and removes its files.
static SERVER: OnceCell<Server> = OnceCell::const_new();

async fn server() -> &'static Server {
    SERVER
        .get_or_init(|| async {
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
            Server { postgres: Postgres::start(options).await.unwrap(), _port: port, _folder: folder }
        })
        .await
}

/// Orders in a database of their own, behind a Data API of its own.
pub(crate) struct Books {
    pub(crate) database: Database,
    pub(crate) orders: Orders,
    pub(crate) data_api: rds_data::Server,
    connection_string: String,
}

impl Books {
    /// With all tables.
    pub(crate) async fn open() -> Self {
        let books = Self::empty().await;
        migrations::run(&books.database).await.unwrap();
        books
    }

    /// Without any table.
    pub(crate) async fn empty() -> Self {
        let name = format!("test_{}", unique());
        let server = server().await;
        server.postgres.create_database(&name).await.unwrap();
        let connection_string = server.postgres.connection_string(&name);
        let data_api = rds_data::start(rds_data::Config {
            listen: ([127, 0, 0, 1], 0).into(),
            postgres: connection_string.parse().unwrap(),
            limits: Limits::default(),
        })
        .await
        .unwrap();
        let config = RdsDataConfig {
            endpoint: Some(kassa_devstack::http::loopback(data_api.addr().port())),
            resource_arn: "arn:aws:rds:eu-central-1:000000000000:cluster:test".to_owned(),
            secret_arn: "arn:aws:secretsmanager:eu-central-1:000000000000:secret:test".to_owned(),
            database: name,
            call_timeout: RDS_DATA_CALL,
        };
        let database = Database::connect(&sdk_config().await, &config);
        Self { orders: Orders::new(database.clone()), database, data_api, connection_string }
    }

    /// How many statements were executed so far.
    pub(crate) fn statements(&self) -> u64 {
        self.data_api.stats().statements
    }

    /// Looks into the database, or tampers with it, past the Data API. Each row is its fields, joined by a blank.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<String> {
        let (client, connection) = tokio_postgres::connect(&self.connection_string, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        messages
            .iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            })
            .map(|row| (0..row.len()).map(|i| row.get(i).unwrap_or("NULL")).collect::<Vec<_>>().join(" "))
            .collect()
    }
}
