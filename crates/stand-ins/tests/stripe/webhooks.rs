//! Events and their delivery.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kassa_stand_ins::stripe::{Fault, Outcome, Server, Stage, start};
use stripe_core::payment_intent::{CancelPaymentIntent, CapturePaymentIntent};
use stripe_core::refund::CreateRefund;
use stripe_shared::PaymentIntentCaptureMethod;
use stripe_webhook::{Event, EventObject, Webhook};

use crate::support::{StateFile, client, eventually, get, intent, json, metadata, payment, raw, with_webhook};

const SECRET: &str = "whsec_kassa";

/// An endpoint that takes events, after refusing as many deliveries as it is told to.
#[derive(Clone, Default)]
struct Endpoint {
    refusals: Arc<Mutex<u32>>,
    deliveries: Arc<Mutex<Vec<(String, String)>>>,
}

impl Endpoint {
    async fn start(self) -> String {
        async fn take(State(endpoint): State<Endpoint>, headers: HeaderMap, body: String) -> StatusCode {
            let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
            endpoint.deliveries.lock().unwrap().push((body, signature));
            let mut refusals = endpoint.refusals.lock().unwrap();
            if *refusals > 0 {
                *refusals -= 1;
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            StatusCode::OK
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/stripe", listener.local_addr().unwrap());
        let app = Router::new().fallback(take).with_state(self);
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    fn events(&self) -> Vec<Event> {
        let deliveries = self.deliveries.lock().unwrap();
        deliveries.iter().map(|(body, signature)| Webhook::construct_event(body, signature, SECRET).unwrap()).collect()
    }

    fn types(&self) -> Vec<String> {
        let mut types: Vec<_> = self.events().iter().map(|event| event.type_.to_string()).collect();
        types.sort_unstable();
        types
    }
}

async fn stripe_with(endpoint: &Endpoint) -> Server {
    let url = endpoint.clone().start().await;
    start(with_webhook(url, SECRET)).await.unwrap()
}

async fn all_delivered(server: &Server) {
    eventually("all events are delivered", async || server.events().iter().all(|event| event.delivered)).await;
}

#[tokio::test]
async fn events_are_signed_and_can_be_parsed() {
    let endpoint = Endpoint::default();
    let server = stripe_with(&endpoint).await;
    let client = client(&server);
    let paid = payment("pm_card_visa").metadata(metadata("ord_1")).send(&client).await.unwrap();
    CreateRefund::new().payment_intent(paid.id.as_str()).send(&client).await.unwrap();
    all_delivered(&server).await;

    assert_eq!(
        endpoint.types(),
        ["charge.refunded", "charge.succeeded", "payment_intent.created", "payment_intent.succeeded", "refund.created"]
    );
    let events = endpoint.events();
    let succeeded = events.iter().find(|event| event.type_.to_string() == "payment_intent.succeeded").unwrap();
    let EventObject::PaymentIntentSucceeded(intent) = &succeeded.data.object else { panic!("it is a payment intent") };
    assert_eq!((intent.id.as_str(), intent.metadata["order_id"].as_str()), (paid.id.as_str(), "ord_1"));
    let refunded = events.iter().find(|event| event.type_.to_string() == "charge.refunded").unwrap();
    let EventObject::ChargeRefunded(charge) = &refunded.data.object else { panic!("it is a charge") };
    assert!(charge.refunded);

    let (body, signature) = endpoint.deliveries.lock().unwrap()[0].clone();
    assert!(Webhook::construct_event(&body, &signature, "whsec_other").is_err());
    assert!(Webhook::construct_event(&body.replace("2500", "2501"), &signature, SECRET).is_err());
}

#[tokio::test]
async fn every_change_of_a_payment_is_told() {
    let endpoint = Endpoint::default();
    let server = stripe_with(&endpoint).await;
    let client = client(&server);
    let authorized =
        payment("pm_card_visa").capture_method(PaymentIntentCaptureMethod::Manual).send(&client).await.unwrap();
    CapturePaymentIntent::new(authorized.id).send(&client).await.unwrap();
    payment("pm_card_visa_chargeDeclined").send(&client).await.unwrap_err();
    payment("pm_card_authenticationRequired").send(&client).await.unwrap();
    CancelPaymentIntent::new(intent().send(&client).await.unwrap().id).send(&client).await.unwrap();
    let failing = payment("pm_card_refundFail").send(&client).await.unwrap();
    CreateRefund::new().payment_intent(failing.id.as_str()).send(&client).await.unwrap();
    eventually("the failed refund is told", async || endpoint.types().contains(&"refund.failed".to_owned())).await;
    all_delivered(&server).await;

    let types = endpoint.types();
    for expected in [
        "payment_intent.amount_capturable_updated",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "charge.captured",
        "charge.failed",
        "refund.updated",
    ] {
        assert!(types.iter().any(|event_type| event_type == expected), "{expected} is missing in {types:?}");
    }
}

#[tokio::test]
async fn a_delivery_is_repeated_until_it_is_taken() {
    let endpoint = Endpoint::default();
    *endpoint.refusals.lock().unwrap() = 3;
    let server = stripe_with(&endpoint).await;
    intent().send(&client(&server)).await.unwrap();
    all_delivered(&server).await;
    let ids: Vec<String> = endpoint.events().iter().map(|event| event.id.to_string()).collect();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(server.events()[0].attempts, 4);
}

#[tokio::test]
async fn events_can_be_lost_late_and_doubled() {
    let endpoint = Endpoint::default();
    let server = stripe_with(&endpoint).await;
    let faults = server.faults();
    faults.add(Fault::new("webhooks.payment_intent.created", Stage::After, Outcome::Reset).for_order("ord_1"));
    let late = faults.add(Fault::slow("webhooks.charge.succeeded", Duration::from_millis(300)));
    let lost = faults.add(Fault::new("webhooks.payment_intent.succeeded", Stage::Before, Outcome::Reset).times(2));
    payment("pm_card_visa").metadata(metadata("ord_1")).send(&client(&server)).await.unwrap();
    all_delivered(&server).await;

    assert_eq!(endpoint.types().iter().filter(|event_type| *event_type == "payment_intent.created").count(), 2);
    assert_eq!((faults.fired(late), faults.fired(lost)), (1, 2));
    let succeeded = server.events().into_iter().find(|event| event.event_type == "payment_intent.succeeded").unwrap();
    assert_eq!(succeeded.attempts, 3);
}

#[tokio::test]
async fn an_event_is_delivered_once_more_on_request() {
    let endpoint = Endpoint::default();
    let server = stripe_with(&endpoint).await;
    intent().send(&client(&server)).await.unwrap();
    all_delivered(&server).await;
    let id = server.events()[0].id.clone();
    let again = raw(reqwest::Method::POST, &server, &format!("/_control/events/{id}/delivery")).send().await.unwrap();
    assert_eq!(again.status(), 202);
    eventually("it comes again", async || endpoint.deliveries.lock().unwrap().len() == 2).await;
}

#[tokio::test]
async fn events_are_listed_and_retrieved() {
    let endpoint = Endpoint::default();
    let server = stripe_with(&endpoint).await;
    let paid = payment("pm_card_visa").send(&client(&server)).await.unwrap();
    let (_, all) = json(get(&server, "/v1/events?limit=100")).await;
    assert_eq!(all["data"].as_array().unwrap().len(), 3);
    let (_, some) = json(get(&server, "/v1/events?types[]=payment_intent.succeeded&types[]=refund.created")).await;
    assert_eq!(some["data"].as_array().unwrap().len(), 1);
    assert_eq!(some["data"][0]["data"]["object"]["id"], paid.id.as_str());
    let id = some["data"][0]["id"].as_str().unwrap();
    let (status, event) = json(get(&server, &format!("/v1/events/{id}"))).await;
    assert_eq!((status, event["type"].as_str()), (200, Some("payment_intent.succeeded")));
}

#[tokio::test]
async fn what_was_not_delivered_is_delivered_after_a_restart() {
    let file = StateFile::new();
    let mut config = with_webhook("http://127.0.0.1:9/nobody".to_owned(), SECRET);
    config.state = Some(file.0.clone());
    let server = start(config).await.unwrap();
    intent().send(&client(&server)).await.unwrap();
    eventually("a delivery failed", async || server.events()[0].attempts > 0).await;
    server.shutdown().await;

    let endpoint = Endpoint::default();
    let mut config = with_webhook(endpoint.clone().start().await, SECRET);
    config.state = Some(file.0.clone());
    let server = start(config).await.unwrap();
    all_delivered(&server).await;
    assert_eq!(endpoint.types(), ["payment_intent.created"]);
    server.shutdown().await;
}
