//! Serves the API of Kassa. Everything is configured through the environment.

use anyhow::Context;
use aws_config::BehaviorVersion;
use kassa_api::{AccessTokens, Catalogue, Cognito, Config, Limits, Metrics, Services, Workflows, router, serve};
use kassa_config::{Settings, temporal};
use kassa_store::{
    Carts, Database, DynamoDb, EventLog, Notifications, Orders, PaymentValve, Products, RateLimits, UserSettings, Users,
};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::read(&Settings::from_env())?;
    config.log.install();
    let (connection, client) = temporal("kassa-api", config.workflows.codec.clone())?;

    let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
    let dynamodb = DynamoDb::connect(&aws, &config.store.dynamodb);
    let database = Database::connect(&aws, &config.store.rds_data);
    let products = Products::new(dynamodb.clone());
    let signer = config.http.signer;
    let services = Services {
        tokens: AccessTokens::new(config.tokens),
        cognito: Cognito::connect(&aws, &config.cognito),
        users: Users::new(dynamodb.clone()),
        limits: Limits::new(RateLimits::new(dynamodb.clone()), signer.clone(), config.http.limits),
        proxies: config.http.proxies,
        browsers: config.http.browsers,
        codec: config.codec,
        signer,
        workflows: Workflows::connect(connection, client, config.workflows),
        return_origins: config.payment.return_origins,
        webhook_secrets: config.payment.webhook_secrets,
        products: products.clone(),
        catalogue: Catalogue::new(products, config.http.catalogue_cache),
        carts: Carts::new(dynamodb.clone()),
        orders: Orders::new(database.clone()),
        valve: PaymentValve::new(dynamodb.clone()),
        event_log: EventLog::new(dynamodb.clone()),
        notifications: Notifications::new(dynamodb.clone()),
        settings: UserSettings::new(dynamodb.clone()),
        dynamodb,
        database,
        metrics: Metrics::new().context("the metrics cannot be set up")?,
    };

    let listen = config.http.listen;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen} (KASSA_API_LISTEN)"))?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tracing::info!(address = %listen, "serving");
    serve(listener, router(services), config.http.head_timeout, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop: finishing the requests in flight");
    })
    .await;
    Ok(())
}
