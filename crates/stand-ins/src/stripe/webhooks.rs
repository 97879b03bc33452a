//! Delivery of events to the webhook endpoint, and the other things that happen by themselves.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::{Semaphore, mpsc};

use super::app::App;
use super::clock::real_now;
use super::faults::{Outcome, Stage};
use super::ids::hex;
use super::operations::Origin;
use super::state::FollowUp;
use super::{payment_intents, refunds};

/// Where events are sent.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The address of the endpoint.
    pub url: String,
    /// The secret that deliveries are signed with, such as `whsec_...`.
    pub secret: String,
    /// The types of the events that the endpoint wants, such as `charge.succeeded`; `charge.*` stands for all of a
    /// resource, `*` for all.
    pub events: Vec<String>,
}

/// How many deliveries may be under way at once.
const CONCURRENT_DELIVERIES: usize = 32;
/// How long one delivery may take.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a delivery is tried. With the pauses between them that is about a quarter of an hour.
const MAX_ATTEMPTS: u32 = 40;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long refunds and payments that end later take to do so.
const SETTLEMENT: Duration = Duration::from_millis(300);

/// The client that delivers events.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()
}

/// Takes care of everything that follows from changes, until the server stops.
pub(crate) async fn follow_up(
    app: Arc<App>,
    webhook: Option<(Webhook, reqwest::Client)>,
    mut follow_ups: mpsc::UnboundedReceiver<FollowUp>,
) {
    let deliverer = webhook.map(|(webhook, client)| {
        Arc::new(Deliverer { app: Arc::clone(&app), webhook, client, slots: Semaphore::new(CONCURRENT_DELIVERIES) })
    });
    loop {
        let follow_up = tokio::select! {
            follow_up = follow_ups.recv() => follow_up,
            () = app.stopped() => None,
        };
        match follow_up {
            None => return,
            Some(FollowUp::Deliver(event)) => {
                if let Some(deliverer) = &deliverer {
                    tokio::spawn(Arc::clone(deliverer).deliver(event));
                }
            }
            Some(FollowUp::SettleRefund(id)) => {
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    if app.sleep(SETTLEMENT).await {
                        settle_refund(&app, &id);
                    }
                });
            }
            Some(FollowUp::SettlePayment(id)) => {
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    if app.sleep(SETTLEMENT).await {
                        settle_payment(&app, &id);
                    }
                });
            }
        }
    }
}

fn settle_refund(app: &App, id: &str) {
    let origin = Origin::automatic(app.clock.now());
    if let Err(error) = app.change(|state| refunds::settle(state, &origin, id).map(drop).is_ok()) {
        tracing::error!(error = &error as &dyn std::error::Error, "a refund could not be settled");
    }
}

fn settle_payment(app: &App, id: &str) {
    let origin = Origin::automatic(app.clock.now());
    // A payment that was canceled meanwhile has nothing to settle.
    if let Err(error) = app.change(|state| payment_intents::settle(state, &origin, id, None).map(drop).is_ok()) {
        tracing::error!(error = &error as &dyn std::error::Error, "a payment could not be settled");
    }
}

struct Deliverer {
    app: Arc<App>,
    webhook: Webhook,
    client: reqwest::Client,
    slots: Semaphore,
}

impl Deliverer {
    async fn deliver(self: Arc<Self>, event: String) {
        let mut pause = FIRST_PAUSE;
        for _ in 0..MAX_ATTEMPTS {
            let delivered = tokio::select! {
                delivered = self.attempt(&event) => delivered,
                () = self.app.stopped() => return,
            };
            let saved = self.app.change(|state| {
                if let Some(event) = state.events.get_mut(&event) {
                    event.attempts += 1;
                    event.pending = !delivered;
                }
            });
            if let Err(error) = saved {
                tracing::error!(error = &error as &dyn std::error::Error, "a delivery could not be recorded");
            }
            if delivered || !self.app.sleep(pause).await {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        tracing::warn!(event, "the webhook endpoint did not take an event");
    }

    /// Sends the event once. True when the endpoint took it.
    async fn attempt(&self, id: &str) -> bool {
        let Ok(_slot) = self.slots.acquire().await else { return false };
        let event = self.app.read(|state| {
            let event = state.events.get(id)?;
            let order_id = event.object["metadata"]["order_id"].as_str().map(str::to_owned);
            Some((format!("webhooks.{}", event.kind), order_id, event.render().to_string()))
        });
        let Some((operation, order_id, payload)) = event else { return true };
        if self.lost(Stage::Before, &operation, order_id.as_deref()).await {
            return false;
        }
        let answer = self
            .client
            .post(&self.webhook.url)
            .timeout(DELIVERY_TIMEOUT)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", sign(&self.webhook.secret, real_now(), &payload))
            .body(payload)
            .send()
            .await;
        let taken = answer.is_ok_and(|answer| answer.status().is_success());
        taken && !self.lost(Stage::After, &operation, order_id.as_deref()).await
    }

    /// Whether a fault strikes the delivery on its way there, or its answer on the way back.
    async fn lost(&self, stage: Stage, operation: &str, order_id: Option<&str>) -> bool {
        let Some(fault) = self.app.faults.strike(stage, operation, order_id, true) else { return false };
        self.app.sleep(Duration::from_millis(fault.delay_ms)).await;
        fault.outcome != Outcome::Pass
    }
}

/// The header `Stripe-Signature`.
fn sign(secret: &str, timestamp: i64, payload: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.{payload}").as_bytes());
    format!("t={timestamp},v1={}", hex(&mac.finalize().into_bytes()))
}
