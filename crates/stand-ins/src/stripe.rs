//! A server on this machine that speaks Stripe's HTTP API.
//!
//! It keeps payment intents, checkout sessions, charges, refunds, customers and events, knows Stripe's documented test payment methods, keeps
//! idempotency keys as Stripe documents it, and sends signed webhooks. No money moves, and no account is needed. Requests
//! are checked as strictly as Stripe checks them, so that an application that works here is likely to work there.
//!
//! Tests can ask for faults and look behind the API, in their own process through [`Server`], or over HTTP:
//!
//! | request | what it does |
//! |---|---|
//! | `POST /_control/faults` | arms a [`Fault`], sent as JSON |
//! | `GET /_control/faults` | lists the faults and how often each struck |
//! | `DELETE /_control/faults`, `DELETE /_control/faults/{id}` | disarms all faults, or one |
//! | `GET /_control/stats` | [`Stats`]: connections, requests per operation, time spent in the server |
//! | `GET /_control/requests` | the log of requests, with their idempotency keys |
//! | `GET /_control/payment_intents[?order_id=..]` | every payment with its charges and refunds |
//! | `GET /_control/events` | every event, and whether it was delivered |
//! | `POST /_control/events/{id}/delivery` | delivers an event once more |
//! | `POST /_control/payment_intents/{id}/authentication` | `{"result": "passed"}` or `"failed"`: ends 3-D Secure |
//! | `POST /_control/payment_intents/{id}/settlement` | `{"result": "succeeded"}` or `"failed"`: ends a bank debit |
//! | `POST /_control/refunds/{id}/settlement` | ends a refund that is not final at once |
//! | `POST /_control/clock` | `{"advance_seconds": 86400}`: puts the server's clock forward |
//!
//! It differs from Stripe in two ways that an application could notice: a search finds a payment as soon as it is made, where
//! Stripe may need a minute, and nobody is slowed down by rate limits unless a test asks for them.
//!
//! Customers authenticate on `/_hosted/3ds/{payment intent}`, where `next_action` leads them, and pay for a checkout session on
//! `/_hosted/checkout/{session}`, which is its `url`: post `payment_method=pm_card_visa` there, or `action=back`.

mod api;
mod app;
mod charges;
mod checkout_sessions;
mod clock;
mod control;
mod customers;
mod errors;
mod events;
mod expand;
mod faults;
mod form;
mod hosted;
mod idempotency;
mod ids;
mod lists;
mod money;
mod operations;
mod payment_intents;
mod payment_methods;
mod refunds;
mod search;
mod snapshots;
mod state;
mod stats;
mod store;
mod test_methods;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use self::faults::{Fault, FaultId, FaultReport, Faults, Outcome, Stage};
pub use self::payment_intents::Authentication;
pub use self::snapshots::{ChargeSnapshot, EventSnapshot, PaymentSnapshot, RefundSnapshot};
pub use self::stats::{RequestRecord, Stats};
pub use self::store::StoreError;
pub use self::webhooks::Webhook;

use self::app::App;
use self::operations::Origin;
use self::state::{FollowUp, State};
use self::store::Store;
use self::test_methods::Settlement;
use crate::connections::{Resettable, Switch};

/// How long requests that are under way may go on after the server was told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// How to run the server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The loopback address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The key that requests have to bring, such as `sk_test_...`.
    pub secret_key: String,
    /// Where events are sent, if anywhere.
    pub webhook: Option<Webhook>,
    /// The file that keeps the state over a restart. Without it the server forgets everything when it ends.
    pub state: Option<PathBuf>,
}

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not one of this machine alone. The switches for tests are not meant for a network.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on, for example because another program does.
    #[error("{address} cannot be listened on")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The folder of the state file cannot be made.
    #[error("the folder of the state file {path} cannot be made")]
    Folder {
        /// The state file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The state file cannot be used.
    #[error("the state file {path} cannot be used")]
    State {
        /// The state file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The client that delivers events cannot be set up.
    #[error("the client for webhooks cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A running server. It stops when this is dropped; [`Server::shutdown`] also waits until it has.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
    following_up: JoinHandle<()>,
}

/// Starts a server.
pub async fn start(config: Config) -> Result<Server, StartError> {
    if !config.listen.ip().is_loopback() {
        return Err(StartError::NotLoopback(config.listen));
    }
    let cannot_bind = |source| StartError::Bind { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(cannot_bind)?;
    let address = listener.local_addr().map_err(cannot_bind)?;

    let (store, mut state) = open_state(config.state)?;
    state.base_url = format!("http://{address}");
    state.webhook_events = config.webhook.as_ref().map(|webhook| webhook.events.clone()).unwrap_or_default();
    let unfinished = unfinished(&state);
    let webhook = match config.webhook {
        Some(webhook) => Some((webhook, webhooks::client().map_err(StartError::Client)?)),
        None => None,
    };

    let (follow_ups, to_follow_up) = mpsc::unbounded_channel();
    let (stop, stopping) = watch::channel(false);
    let app = Arc::new(App::new(config.secret_key, state, store, follow_ups, stopping));
    let following_up = tokio::spawn(webhooks::follow_up(Arc::clone(&app), webhook, to_follow_up));
    for follow_up in unfinished {
        app.follow_up(follow_up);
    }

    let counters = Arc::clone(&app.counters);
    let listener = Resettable(listener.tap_io(move |_| counters.connection_accepted()));
    let service = router(Arc::clone(&app)).into_make_service_with_connect_info::<Switch>();
    let until = Arc::clone(&app);
    let serving = tokio::spawn(async move {
        axum::serve(listener, service).with_graceful_shutdown(async move { until.stopped().await }).await
    });
    Ok(Server { address, app, stop, serving, following_up })
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .nest("/_control", control::routes())
        .route("/_hosted/3ds/{id}", get(hosted::page).post(hosted::submit))
        .route("/_hosted/checkout/{id}", get(checkout_sessions::page).post(checkout_sessions::submit))
        .fallback(api::handle)
        .with_state(app)
}

fn open_state(path: Option<PathBuf>) -> Result<(Store, State), StartError> {
    let mut state = State::default();
    let Some(path) = path else { return Ok((Store::Forgetful, state)) };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|source| StartError::Folder { path: path.clone(), source })?;
    }
    let opened = Store::open(&path).and_then(|store| store.load(&mut state).map(|()| store));
    match opened {
        Ok(store) => Ok((store, state)),
        Err(source) => Err(StartError::State { path, source }),
    }
}

/// What an earlier server with the same state file did not get to.
fn unfinished(state: &State) -> Vec<FollowUp> {
    let events = state.events.oldest_first().filter(|event| event.pending && !state.webhook_events.is_empty());
    let refunds = state.refunds.oldest_first().filter(|refund| !refund.settled);
    let payments =
        state.payment_intents.oldest_first().filter(|intent| intent.status == payment_intents::Status::Processing);
    events
        .map(|event| FollowUp::Deliver(event.id.clone()))
        .chain(refunds.map(|refund| FollowUp::SettleRefund(refund.id.clone())))
        .chain(payments.map(|intent| FollowUp::SettlePayment(intent.id.clone())))
        .collect()
}

impl Server {
    /// The address that the server listens on.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The address as clients are configured with it: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The faults that strike requests.
    pub fn faults(&self) -> &Faults {
        &self.app.faults
    }

    /// How much the server had to do so far.
    pub fn stats(&self) -> Stats {
        self.app.counters.stats()
    }

    /// The log of requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.counters.records()
    }

    /// Every payment with its charges and refunds, oldest first.
    pub fn payment_intents(&self) -> Vec<PaymentSnapshot> {
        self.app.read(snapshots::payment_intents)
    }

    /// Every event and whether it was delivered, oldest first.
    pub fn events(&self) -> Vec<EventSnapshot> {
        self.app.read(snapshots::events)
    }

    /// Lets the customer pass or fail 3-D Secure, or the issuer take its time. False when the payment intent does not wait for that.
    pub fn authenticate(&self, payment_intent: &str, authentication: Authentication) -> bool {
        let origin = Origin::automatic(self.app.clock.now());
        let authenticate =
            |state: &mut State| payment_intents::authenticate(state, &origin, payment_intent, authentication).is_ok();
        self.app.change(authenticate).unwrap_or(false)
    }

    /// Lets a payment that is on its way come in, or fail. False when the payment intent is not on its way.
    pub fn settle(&self, payment_intent: &str, succeeds: bool) -> bool {
        let origin = Origin::automatic(self.app.clock.now());
        let settlement = if succeeds { Settlement::Succeeds } else { Settlement::Fails };
        let settle =
            |state: &mut State| payment_intents::settle(state, &origin, payment_intent, Some(settlement)).is_ok();
        self.app.change(settle).unwrap_or(false)
    }

    /// Delivers an event to the webhook endpoint once more.
    pub fn deliver_again(&self, event: &str) {
        self.app.follow_up(FollowUp::Deliver(event.to_owned()));
    }

    /// Puts the server's clock forward, for example to let it forget idempotency keys. Fails if the state file cannot
    /// be written.
    pub fn advance_clock(&self, by: Duration) -> Result<(), StoreError> {
        self.app.advance_clock(by)
    }

    /// Stops the server and waits until its port and its state file are free again.
    pub async fn shutdown(mut self) {
        // Nobody listening means that everything has stopped already.
        let _ = self.stop.send(true);
        if tokio::time::timeout(SHUTDOWN_GRACE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
        let _ = (&mut self.following_up).await;
        self.app.close();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}
