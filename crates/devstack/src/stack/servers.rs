//! The servers of a stack: everything but the product itself.

use kassa_stand_ins::{rds_data, stripe};

use super::environment::{DATABASE, MAIL_FROM, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET};
use super::folder::StateFolder;
use super::{StackOptions, data};
use crate::dynamodb::DynamoDb;
use crate::error::{Error, Result, chain};
use crate::http::loopback;
use crate::ministack::{self, Ministack};
use crate::ports::Ports;
use crate::postgres::{self, Postgres};
use crate::progress::{Progress, step};
use crate::temporal::{self, Temporal, TemporalPorts};
use crate::tools::{self, Tools};
use crate::workspace;

/// The events that the API wants from Stripe.
const WEBHOOK_EVENTS: [&str; 4] =
    ["checkout.session.*", "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"];

/// Everything but the product itself.
pub(super) struct Servers {
    pub(super) temporal: Temporal,
    pub(super) stripe: stripe::Server,
    pub(super) rds_data: rds_data::Server,
    pub(super) postgres: Postgres,
    pub(super) dynamodb: DynamoDb,
    pub(super) aws: Ministack,
}

impl Servers {
    pub(super) async fn start(
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
        codec_endpoint: options.api.then(|| format!("{}/api/codec", loopback(ports.api.number()))),
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
    data::prepare(&data::store_config(ports)).await?;
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
        webhook: Some(stripe::Webhook {
            url: format!("{}/api/webhooks/stripe", loopback(ports.api.number())),
            secret: STRIPE_WEBHOOK_SECRET.to_owned(),
            events: WEBHOOK_EVENTS.map(str::to_owned).into(),
        }),
        state,
    })
    .await
    .map_err(|error| Error::InProcess { server: "The Stripe stand-in", message: chain(&error) })
}
