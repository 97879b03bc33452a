mod failures;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use kassa_devstack::http::client;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Call, Moment, Proxy, Refusal};

/// A server that counts its calls, with a proxy in front of it.
struct Fixture {
    proxy: Proxy,
    effects: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Fixture {
    async fn start() -> Self {
        let effects = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&effects);
        let echo = async move |headers: HeaderMap, body: String| {
            counted.fetch_add(1, Ordering::SeqCst);
            format!("{} {body}", headers.get("x-amz-target").map_or("", |value| value.to_str().unwrap()))
        };
        let app = Router::new().route("/v1/things", post(echo));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { proxy: Proxy::start(&url).await.unwrap(), effects, serving }
    }

    fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    fn send(&self, body: &'static str) -> JoinHandle<(u16, String)> {
        let url = format!("{}/v1/things?q=1", self.proxy.url());
        tokio::spawn(async move {
            let answer = client().post(url).header("X-Amz-Target", "Things.Do").body(body).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test]
async fn calls_and_answers_pass_unchanged() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.send("ord_1").await.unwrap(), (200, "Things.Do ord_1".to_owned()));
    assert_eq!(fixture.proxy.passed(&Call::with("POST /v1/things").and("ord_1")), 1);
    assert_eq!(fixture.proxy.passed(&Call::with("ord_2")), 0);
}

#[tokio::test]
async fn a_call_held_before_its_effect_has_none_until_it_is_delivered() {
    let fixture = Fixture::start().await;
    let call = Call::with("x-amz-target: Things.Do").and("ord_1");
    let mut hold = fixture.proxy.hold(call, Moment::BeforeEffect);
    let sent = fixture.send("ord_1");
    hold.caught().await.unwrap();
    assert_eq!(fixture.effects(), 0);
    assert_eq!(fixture.send("ord_2").await.unwrap().0, 200, "another call is not held");

    hold.deliver();
    assert_eq!(sent.await.unwrap().0, 200);
    assert_eq!(fixture.effects(), 2);
}

#[tokio::test]
async fn a_call_held_after_its_effect_is_not_answered_once_discarded() {
    let fixture = Fixture::start().await;
    let mut hold = fixture.proxy.hold(Call::with("ord_1"), Moment::AfterEffect);
    let sent = fixture.send("ord_1");
    hold.caught().await.unwrap();
    assert_eq!(fixture.effects(), 1);

    hold.discard();
    // The next one is answered, and the lost one still is not.
    assert_eq!(fixture.send("ord_1").await.unwrap().0, 200);
    assert!(!sent.is_finished());
    sent.abort();
}

#[tokio::test]
async fn a_held_call_arrives_even_after_its_sender_has_given_up() {
    let fixture = Fixture::start().await;
    let mut hold = fixture.proxy.hold(Call::with("late"), Moment::BeforeEffect);
    let sent = fixture.send("late");
    hold.caught().await.unwrap();
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());

    hold.deliver();
    let arrived = crate::eventually("the call arrives", async || {
        anyhow::ensure!(fixture.effects() == 1, "it has not");
        Ok(())
    });
    arrived.await.unwrap();
}

#[tokio::test]
async fn a_refused_call_never_reaches_the_server() {
    let fixture = Fixture::start().await;
    fixture.proxy.refuse(Call::with("ord_1"), Refusal::unavailable().times(1));
    let (status, body) = fixture.send("ord_1").await.unwrap();
    assert_eq!((status, fixture.effects()), (503, 0));
    assert!(body.contains("ServiceUnavailableError"), "{body}");
    assert_eq!(fixture.send("ord_1").await.unwrap().0, 200);
}
