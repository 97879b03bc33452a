//! A database or the AWS services are away for ten seconds, while customers buy, and others cancel and get money back. Everybody
//! is told the truth, and everything comes to rest.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use kassa_domain::{OrderId, ProductId};
use kassa_tests::cable::Cable;
use kassa_tests::customer::Checkout;
use kassa_tests::{Answer, Shop, eventually, on_exclusive_shop, on_own_shop};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::rig::{Rig, STOCK, on_sale};

/// How long the outage is.
const OUTAGE: Duration = Duration::from_secs(10);

/// How many customers buy while it lasts.
const BUYERS: usize = 5;

/// A request that is sent during an outage, and as often afterwards as it takes.
struct Asked {
    what: &'static str,
    request: RequestBuilder,
    /// What it is answered once it is decided.
    expected: StatusCode,
}

impl Asked {
    async fn send(&self) -> anyhow::Result<Answer> {
        Answer::of(self.request.try_clone().context("it can be repeated")?).await
    }

    /// Sends it during the outage. Whoever is not told what was decided is told so, by a problem that says to ask again or by
    /// a 202.
    async fn during(&self) -> anyhow::Result<Answer> {
        let answer = self.send().await?;
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE => answer.assert_problem(503, "temporarily_unavailable"),
            StatusCode::ACCEPTED => {}
            status => ensure!(status == self.expected, "{} is answered {answer:#?}", self.what),
        }
        Ok(answer)
    }

    /// Sends it again until it is decided; what was said to be decided before is decided like that.
    async fn afterwards(&self, during: &Answer) -> anyhow::Result<()> {
        let decided = eventually(&format!("{} is decided", self.what), async || {
            let answer = self.send().await?;
            ensure!(answer.status == self.expected, "{answer:?}");
            Ok(answer)
        })
        .await?;
        let was_decided = during.status == self.expected;
        ensure!(!was_decided || decided.body == during.body, "{}: {during:#?}, and then {decided:#?}", self.what);
        Ok(())
    }
}

/// What goes on while a server is away.
struct Scene {
    product: ProductId,
    orders: Vec<OrderId>,
    asked: Vec<Asked>,
}

impl Scene {
    async fn prepare(shop: &Shop) -> anyhow::Result<Self> {
        let product = on_sale(shop).await?;
        let mut scene = Self { product, orders: Vec::new(), asked: Vec::new() };
        let sold = async || {
            let order = shop.customer().buys(&scene.product, 1).send_until_decided().await?.assert_confirmed();
            shop.closed(&order).await?;
            anyhow::Ok(order)
        };
        let (cancelled, refunded) = tokio::try_join!(sold(), sold())?;
        let cancel = shop.as_admin(Method::POST, &format!("/api/orders/{cancelled}/cancel")).json(&json!({}));
        scene.ask("cancelling", cancel, StatusCode::OK);
        let refund = shop.refund(&refunded).of(300).request();
        scene.ask("refunding", refund, StatusCode::CREATED);
        scene.orders.extend([cancelled, refunded]);
        for _ in 0..BUYERS {
            let checkout = shop.customer().buys(&scene.product, 1);
            scene.orders.push(checkout.order_id());
            scene.ask("buying", checkout.request(), StatusCode::CREATED);
        }
        Ok(scene)
    }

    fn ask(&mut self, what: &'static str, request: RequestBuilder, expected: StatusCode) {
        self.asked.push(Asked { what, request, expected });
    }

    /// Everybody asks while the server is away.
    async fn during(&self) -> anyhow::Result<Vec<Answer>> {
        try_join_all(self.asked.iter().map(Asked::during)).await
    }

    /// Everybody asks again when it is back, and everything comes to rest.
    async fn afterwards(&self, shop: &Shop, during: &[Answer]) -> anyhow::Result<()> {
        let told: Vec<_> = during.iter().map(|answer| answer.status.as_u16()).collect();
        println!("during the outage: {told:?}");
        try_join_all(self.asked.iter().zip(during).map(|(asked, during)| asked.afterwards(during))).await?;
        shop.oracle().product(&self.product, STOCK).orders(&self.orders).check().await
    }
}

/// Short enough that a request which nobody can decide is answered before the outage is over.
const ANSWER: (&str, &str) = ("KASSA_ANSWER_TIMEOUT_MS", "4000");

#[test]
fn ten_seconds_without_postgres_lose_nothing() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[ANSWER]).await?;
        let _rig = Rig::set_up(shop).await?;
        let scene = Scene::prepare(shop).await?;
        let end = Instant::now() + OUTAGE;
        shop.stack.postgres.stop().await?;

        let during = scene.during().await?;

        ensure!(during.iter().all(|answer| !answer.status.is_success() || answer.status == 202), "{during:#?}");
        sleep_until(end).await;
        shop.stack.postgres.start_again().await?;
        scene.afterwards(shop, &during).await
    })
}

#[test]
fn ten_seconds_without_dynamodb_lose_nothing() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let dynamodb = shop.stack.store_config().dynamodb.endpoint.context("an endpoint")?;
        let dynamodb = dynamodb.trim_start_matches("http://").parse().context("an address")?;
        let mut cable = Cable::plug_in(dynamodb).await?;
        let (endpoint, url) = ("KASSA_DYNAMODB_ENDPOINT", cable.url());
        shop.restart_api(&[ANSWER, (endpoint, &url)]).await?;
        let _rig = Rig::set_up_with(shop, vec![(endpoint.to_owned(), url)]).await?;
        let scene = Scene::prepare(shop).await?;
        ensure!(cable.connections() > 1, "nobody goes through the cable");
        let end = Instant::now() + OUTAGE;
        cable.pull().await;

        let during = scene.during().await?;

        sleep_until(end).await;
        cable.put_back().await?;
        scene.afterwards(shop, &during).await
    })
}

/// On a shop of its own: whoever had signed in, and every mail, is forgotten.
#[test]
fn ten_seconds_without_mail_and_events_hold_up_no_order() -> anyhow::Result<()> {
    on_own_shop(&[], async |shop| {
        let aws = shop.stack.aws.endpoint().trim_start_matches("http://").parse().context("an address")?;
        let mut cable = Cable::plug_in(aws).await?;
        let endpoints = ["KASSA_SES_ENDPOINT", "KASSA_SNS_ENDPOINT", "KASSA_EVENTBRIDGE_ENDPOINT"];
        let endpoints = endpoints.map(|name| (name.to_owned(), cable.url()));
        let _rig = Rig::set_up_with(shop, endpoints.into()).await?;
        let product = on_sale(shop).await?;
        let buyers: Vec<_> = (0..BUYERS).map(|_| shop.customer().buys(&product, 1)).collect();
        let orders: Vec<_> = buyers.iter().map(Checkout::order_id).collect();
        let requests: Vec<_> = buyers.iter().map(Checkout::request).collect();
        drop(buyers);
        let end = Instant::now() + OUTAGE;
        shop.stack.aws.kill().await?;
        // Until the new one knows the sender and the bus, which real services do not forget.
        cable.pull().await;

        for answer in try_join_all(requests.into_iter().map(Answer::of)).await? {
            answer.assert_confirmed();
        }

        for order in &orders {
            let workflow = shop.describe(order).await?.context("a workflow")?;
            ensure!(
                workflow.status() == temporalio_client::WorkflowExecutionStatus::Running,
                "nobody was told of {order}"
            );
        }
        sleep_until(end).await;
        shop.stack.aws.start_again().await?;
        cable.put_back().await?;
        for order in &orders {
            shop.closed(order).await?;
        }
        ensure!(cable.connections() > 0, "nobody goes through the cable");
        // The mailbox is new, so all that the oracle finds in it has come after the outage.
        shop.oracle().product(&product, STOCK).orders(&orders).check().await
    })
}
