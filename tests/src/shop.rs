//! A running shop: the whole stack, and clients for everything in it.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Context as _;
use kassa_codec::{Codec, PayloadKeys};
use kassa_devstack::progress::Silent;
use kassa_devstack::stack::sdk_config;
use kassa_devstack::{Stack, StackOptions};
use kassa_store::{
    Database, DynamoDb, EventLog, Notifications, Orders, PaymentValve, Products, Reservations, UserSettings, Users,
};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;

use crate::touched;

/// Servers and connections live on the runtime that opened them, so all tests that share a shop share this one.
pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().enable_all().build().expect("a runtime needs nothing but threads"));

/// The time limit of one call to Stripe in tests. Shorter than by default, because tests wait for calls that hang and
/// for activities that died with their worker; long enough for a machine that runs several shops.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(12);

/// On a machine that does much else, an answer may take its time; no test is about that unless it says so.
const PATIENT: [(&str, &str); 3] = [
    ("KASSA_ANSWER_TIMEOUT_MS", "120000"),
    // That of `CALL_TIMEOUT`.
    ("KASSA_CALL_TIMEOUT_MS", "12000"),
    // What is armed for the orders of a test does not strike what happens to be compared at the full hour.
    ("KASSA_RECONCILE_INTERVAL_MS", "0"),
];

/// A running shop.
pub struct Shop {
    /// Everything that runs: servers, stand-ins, worker and API.
    pub stack: Stack,
    /// For calls to the API.
    pub http: reqwest::Client,
    /// For looking at workflows.
    pub temporal: Client,
    /// What opens the payloads that Temporal keeps.
    pub codec: Codec,
    /// For looking at the counters of products.
    pub products: Products,
    /// For looking at what is held for orders.
    pub reservations: Reservations,
    /// For looking at orders.
    pub orders: Orders,
    /// For looking at the valve before the payment provider.
    pub valve: PaymentValve,
    /// For looking at profiles.
    pub users: Users,
    /// For looking at the records of messages.
    pub notifications: Notifications,
    /// For looking at the log of events.
    pub event_log: EventLog,
    /// For choosing what customers want without their signing in.
    pub settings: UserSettings,
    admin_token: String,
}

impl Shop {
    /// A shop of one's own, for tests that stop, kill or break things. [`Shop::stop`] ends it; if a test fails before, it
    /// ends with the test process.
    pub async fn own() -> anyhow::Result<Self> {
        Self::own_with(&[]).await
    }

    /// A shop of one's own with further environment variables for worker and API.
    pub async fn own_with(environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let environment = PATIENT.iter().chain(environment);
        let environment = environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::start(StackOptions { environment, ..StackOptions::temporary() }).await
    }

    /// A shop over a stack with these options.
    pub async fn start(options: StackOptions) -> anyhow::Result<Self> {
        let stack = Stack::start(options, &Silent).await?;
        Self::over(stack).await
    }

    /// A shop over a stack that runs.
    pub async fn over(stack: Stack) -> anyhow::Result<Self> {
        let codec = codec(&stack)?;
        let temporal = connect(&stack, codec.clone()).await?;
        let shared = sdk_config().await;
        let config = stack.store_config();
        let dynamodb = DynamoDb::connect(&shared, &config.dynamodb);
        let database = Database::connect(&shared, &config.rds_data);
        Ok(Self {
            admin_token: stack.admin_token().await?,
            http: kassa_devstack::http::client(),
            temporal,
            codec,
            products: Products::new(dynamodb.clone()),
            users: Users::new(dynamodb.clone()),
            valve: PaymentValve::new(dynamodb.clone()),
            reservations: Reservations::new(dynamodb.clone()),
            orders: Orders::new(database),
            notifications: Notifications::new(dynamodb.clone()),
            event_log: EventLog::new(dynamodb.clone()),
            settings: UserSettings::new(dynamodb),
            stack,
        })
    }

    /// An access token of the administrator.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// The address of a path of the API, such as `/api/products`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stack.api_url())
    }

    /// Stops everything in order.
    pub async fn stop(self) -> anyhow::Result<()> {
        Ok(self.stack.stop().await?)
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop").field("api", &self.stack.api_url()).finish_non_exhaustive()
    }
}

/// The codec that worker and API are configured with.
fn codec(stack: &Stack) -> anyhow::Result<Codec> {
    // Of two values, the later one counts; an empty one counts as none.
    let keys = stack.environment().iter().rfind(|(name, _)| name == "KASSA_PAYLOAD_KEYS");
    let keys = keys.map(|(_, keys)| keys.as_str()).filter(|keys| !keys.is_empty());
    Ok(Codec::new(keys.map(PayloadKeys::parse).transpose()?))
}

async fn connect(stack: &Stack, codec: Codec) -> anyhow::Result<Client> {
    let target = format!("http://{}", stack.temporal.address()).parse::<Url>().context("the address of Temporal")?;
    let connection = Connection::connect(ConnectionOptions::new(target).identity("kassa-tests").build()).await?;
    let options = ClientOptions::new(kassa_devstack::temporal::NAMESPACE).data_converter(codec.data_converter());
    Ok(Client::new(connection, options.build())?)
}

/// Runs a test on the one shop that all tests share which neither stop anything in it nor arm faults that could strike
/// another test's orders. It is started by the first of them, and ends with the test process. The oracle judges what each of them
/// leaves.
pub fn on_shared_shop(test: impl AsyncFnOnce(&'static Shop) -> anyhow::Result<()>) -> anyhow::Result<()> {
    static SHARED: OnceCell<Shop> = OnceCell::const_new();
    RUNTIME.block_on(touched::noted(async {
        let shop = SHARED.get_or_try_init(Shop::own).await?;
        test(shop).await?;
        touched::judge(shop).await
    }))
}

/// Runs a test on a shop that nobody else ever sees, with further environment variables for worker and API: for what damages
/// it, and for what looks at all that has ever happened in it. The oracle judges what it leaves.
pub fn on_own_shop(
    environment: &[(&str, &str)],
    test: impl AsyncFnOnce(&mut Shop) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(touched::noted(async {
        let mut shop = Shop::own_with(environment).await?;
        test(&mut shop).await?;
        touched::judge(&shop).await?;
        shop.stop().await
    }))
}
