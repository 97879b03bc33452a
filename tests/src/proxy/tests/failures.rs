//! Calls that fail, in the words of the system that they go to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use futures::future::join_all;
use kassa_devstack::http::client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::{Call, Failure, Kind, Moment, Proxy, System};

/// A server that counts its calls and says `{"done":true}` to each, with a proxy in front of it.
struct Fixture {
    proxy: Proxy,
    client: reqwest::Client,
    effects: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Fixture {
    async fn start() -> Self {
        let effects = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&effects);
        let app = Router::new().fallback(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            r#"{"done":true}"#
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { proxy: Proxy::start(&url).await.unwrap(), client: client(), effects, serving }
    }

    fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    /// Sends a call as clients of that system do; how it was answered.
    async fn send(&self, system: System) -> Result<(u16, String), reqwest::Error> {
        let (path, target) = match system {
            System::DynamoDb => ("/", "DynamoDB_20120810.TransactWriteItems"),
            System::RdsData => ("/Execute", ""),
            System::Stripe => ("/v1/payment_intents", ""),
            System::Ses => ("/v2/email/outbound-emails", ""),
            System::Sns => ("/", ""),
            System::EventBridge => ("/", "AWSEvents.PutEvents"),
        };
        let request = self.client.post(format!("{}{path}", self.proxy.url())).timeout(Duration::from_secs(1));
        let request = if target.is_empty() { request } else { request.header("x-amz-target", target) };
        let answer = request.body(r#"{"TransactItems":[{},{}]}"#).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

const SYSTEMS: [System; 6] =
    [System::DynamoDb, System::RdsData, System::Stripe, System::Ses, System::Sns, System::EventBridge];

const MOMENTS: [Moment; 2] = [Moment::BeforeEffect, Moment::AfterEffect];

#[tokio::test]
async fn a_failure_strikes_as_often_as_asked_before_or_after_the_effect() {
    // At the same time, because time-outs take their time.
    join_all(SYSTEMS.map(strikes_as_often_as_asked)).await;
}

async fn strikes_as_often_as_asked(system: System) {
    let fixture = Fixture::start().await;
    for moment in MOMENTS {
        for kind in Kind::ALL.into_iter().filter(|kind| system.never(*kind).is_none()) {
            let what = format!("{system:?} {moment:?} {kind}");
            let times = if kind == Kind::TimeOut { 1 } else { 2 };
            let effects = fixture.effects();
            let failing = fixture.proxy.fail(Call::any(), Failure::new(moment, kind).times(times));
            for _ in 0..times {
                let answer = fixture.send(system).await;
                let has_succeeded = answer.is_ok_and(|(status, body)| {
                    status == 200 && serde_json::from_str::<Value>(&body).is_ok_and(|body| body["done"] == true)
                });
                assert!(!has_succeeded, "{what}");
            }
            let had_effect = if moment == Moment::AfterEffect { times } else { 0 };
            assert_eq!((failing.fired(), fixture.effects() - effects), (times, had_effect), "{what}");
            assert_eq!(fixture.send(system).await.unwrap(), (200, r#"{"done":true}"#.to_owned()), "{what}");
            assert_eq!(failing.fired(), times, "{what}");
        }
    }
}

#[tokio::test]
async fn a_system_does_not_fail_as_it_never_does() {
    let fixture = Fixture::start().await;
    let failing = fixture.proxy.fail(Call::any(), Failure::new(Moment::BeforeEffect, Kind::Conflict));
    assert_eq!(fixture.send(System::Ses).await.unwrap().0, 200);
    assert_eq!(failing.fired(), 0);
}

#[tokio::test]
async fn a_reset_is_neither_an_answer_nor_a_time_out() {
    for moment in MOMENTS {
        let fixture = Fixture::start().await;
        fixture.proxy.fail(Call::any(), Failure::new(moment, Kind::Reset));
        let error = fixture.send(System::Stripe).await.unwrap_err();
        assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
        assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
    }
}

#[tokio::test]
async fn a_late_failure_hangs_first() {
    let fixture = Fixture::start().await;
    let late = Duration::from_millis(200);
    let failing = fixture.proxy.fail(Call::any(), Failure::new(Moment::AfterEffect, Kind::Unavailable).late(late));
    let sent = Instant::now();
    assert_eq!(fixture.send(System::Stripe).await.unwrap().0, 503);
    assert!(sent.elapsed() >= late);
    assert_eq!((failing.fired(), fixture.effects()), (1, 1));
}

#[tokio::test]
async fn a_half_answer_is_half_of_the_true_one() {
    let fixture = Fixture::start().await;
    fixture.proxy.fail(Call::any(), Failure::new(Moment::AfterEffect, Kind::Malformed));
    let (status, body) = fixture.send(System::RdsData).await.unwrap();
    assert_eq!(status, 200);
    assert!(!body.is_empty() && r#"{"done":true}"#.starts_with(&body) && body.len() < 13, "{body}");
}

#[tokio::test]
async fn each_system_says_it_in_its_own_words() {
    let fixture = Fixture::start().await;
    let said = async |system, moment, kind| {
        let failing = fixture.proxy.fail(Call::any(), Failure::new(moment, kind));
        let (status, body) = fixture.send(system).await.unwrap();
        assert_eq!(failing.fired(), 1);
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, conflict) = said(System::DynamoDb, Moment::BeforeEffect, Kind::Conflict).await;
    let codes: Vec<_> = conflict["CancellationReasons"].as_array().unwrap().iter().map(|r| &r["Code"]).collect();
    assert_eq!((status, codes), (400, vec![&json!("TransactionConflict"); 2]));
    let (_, condition) = said(System::DynamoDb, Moment::BeforeEffect, Kind::ConditionFailed).await;
    let codes: Vec<_> = condition["CancellationReasons"].as_array().unwrap().iter().map(|r| &r["Code"]).collect();
    assert_eq!(codes, [&json!("ConditionalCheckFailed"), &json!("None")]);
    let (_, deadlock) = said(System::RdsData, Moment::AfterEffect, Kind::Conflict).await;
    assert!(deadlock["message"].as_str().unwrap().ends_with("SQLState: 40P01"), "{deadlock}");
    let (status, locked) = said(System::Stripe, Moment::BeforeEffect, Kind::Conflict).await;
    assert_eq!((status, &locked["error"]["code"]), (409, &json!("lock_timeout")));
    let (status, refused) = said(System::Ses, Moment::BeforeEffect, Kind::Refused).await;
    assert_eq!((status, &refused["__type"]), (400, &json!("MessageRejected")));
}
