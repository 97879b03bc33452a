//! Many requests.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use kassa_stand_ins::stripe::{Config, start};

use crate::support::{StateFile, client, config, metadata, payment, stripe};

#[tokio::test]
async fn one_connection_serves_many_requests_in_a_row() {
    let (server, client) = stripe().await;
    for number in 0..50 {
        payment("pm_card_visa").metadata(metadata(&format!("ord_{number}"))).send(&client).await.unwrap();
        payment("pm_card_visa_chargeDeclined").send(&client).await.unwrap_err();
    }
    let stats = server.stats();
    assert_eq!((stats.connections, stats.requests), (1, 100));
    assert_eq!(stats.operations["payment_intents.create"], 100);
    assert!(stats.busy > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_payments_at_once_are_all_made_and_kept() {
    const PAYMENTS: usize = 400;
    let file = StateFile::new();
    let server = start(Config { state: Some(file.0.clone()), ..config() }).await.unwrap();
    let client = client(&server);
    let began = Instant::now();
    let paid = stream::iter(0..PAYMENTS)
        .map(|number| {
            let client = client.clone();
            async move { payment("pm_card_visa").metadata(metadata(&format!("ord_{number}"))).send(&client).await }
        })
        .buffer_unordered(50)
        .filter(|answer| std::future::ready(answer.is_ok()))
        .count()
        .await;
    println!("{PAYMENTS} payments in {:?}, of which in the server {:?}", began.elapsed(), server.stats().busy);
    assert_eq!(paid, PAYMENTS);
    assert!(server.stats().connections <= 60, "{}", server.stats().connections);
    let captured: i64 = server.payment_intents().iter().map(|payment| payment.amount_captured).sum();
    assert_eq!(captured, 2_500 * i64::try_from(PAYMENTS).unwrap());
    server.shutdown().await;
}
