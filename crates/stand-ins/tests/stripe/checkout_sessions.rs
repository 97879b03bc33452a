//! Pages on which customers pay.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kassa_stand_ins::stripe::{Server, start};
use kassa_stripe_client::{Error, PooledStripe};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession, ListCheckoutSession, ProductData,
    RetrieveCheckoutSession,
};
use stripe_client_core::StripeRequest;
use stripe_core::payment_intent::{CancelPaymentIntent, RetrievePaymentIntent};
use stripe_shared::{
    CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus, CheckoutSessionStatus, PaymentIntentStatus,
};
use stripe_types::Currency;

use crate::support::{StateFile, client, config, get, idempotent, metadata, post, stripe};

/// A page for two products, 25 euros together, that closes this many minutes from now.
fn page(minutes: u64) -> CreateCheckoutSession {
    let item = |name: &str, price, quantity| {
        let mut data = CreateCheckoutSessionLineItemsPriceData::new(Currency::EUR);
        data.unit_amount = Some(price);
        data.product_data = Some(ProductData::new(name));
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price_data = Some(data);
        item.quantity = Some(quantity);
        item
    };
    let mut intent = CreateCheckoutSessionPaymentIntentData::new();
    intent.metadata = Some(metadata("ord_1"));
    let expires = SystemTime::now() + Duration::from_secs(minutes * 60 + 5);
    let expires = expires.duration_since(UNIX_EPOCH).unwrap().as_secs();
    CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .line_items([item("Tea & cake", 1_000, 2), item("Cup", 500, 1)])
        .success_url("https://shop.example/thanks?session={CHECKOUT_SESSION_ID}")
        .cancel_url("https://shop.example/cart")
        .client_reference_id("ord_1")
        .customer_email("customer@example.com")
        .expires_at(i64::try_from(expires).unwrap())
        .metadata(metadata("ord_1"))
        .payment_intent_data(intent)
}

async fn open(client: &PooledStripe) -> CheckoutSession {
    page(30).send(client).await.unwrap()
}

async fn retrieve(client: &PooledStripe, session: &CheckoutSession) -> CheckoutSession {
    RetrieveCheckoutSession::new(session.id.clone()).expand(["payment_intent".to_owned()]).send(client).await.unwrap()
}

fn path(server: &Server, session: &CheckoutSession) -> String {
    session.url.as_deref().unwrap().strip_prefix(&server.url()).unwrap().to_owned()
}

/// What a browser gets that sends the form of the page: the status, and where it is led.
async fn submit(server: &Server, path: &str, form: &str) -> (u16, String) {
    let answer = post(server, path, form).send().await.unwrap();
    let location = answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default())
}

fn types(server: &Server) -> Vec<String> {
    server.events().into_iter().map(|event| event.event_type).collect()
}

#[tokio::test]
async fn the_customer_pays_on_the_page_and_comes_back() {
    let (server, client) = stripe().await;
    let session = open(&client).await;
    assert_eq!(session.status, Some(CheckoutSessionStatus::Open));
    assert_eq!((session.amount_total, session.currency.clone()), (Some(2_500), Some(Currency::EUR)));
    assert!(session.payment_intent.is_none() && session.payment_status == CheckoutSessionPaymentStatus::Unpaid);
    let path = path(&server, &session);
    let shown = get(&server, &path).send().await.unwrap().text().await.unwrap();
    assert!(
        shown.contains("€25.00 EUR") && shown.contains("Tea &amp; cake") && shown.contains("pm_card_visa"),
        "{shown}"
    );

    let thanks = format!("https://shop.example/thanks?session={}", session.id);
    assert_eq!(submit(&server, &path, "payment_method=pm_card_visa").await, (303, thanks.clone()));

    let paid = retrieve(&client, &session).await;
    assert_eq!(paid.status, Some(CheckoutSessionStatus::Complete));
    assert_eq!(paid.payment_status, CheckoutSessionPaymentStatus::Paid);
    assert!(paid.url.is_none());
    let intent = paid.payment_intent.unwrap().into_object().unwrap();
    assert_eq!((intent.status, intent.amount_received), (PaymentIntentStatus::Succeeded, 2_500));
    assert_eq!(intent.metadata["order_id"], "ord_1");
    assert!(
        types(&server).ends_with(&["payment_intent.succeeded".to_owned(), "checkout.session.completed".to_owned()])
    );
    // Whoever comes back to the page is led on, and pays nothing more.
    assert_eq!(submit(&server, &path, "payment_method=pm_card_visa").await, (303, thanks));
    assert_eq!(server.payment_intents()[0].successful_charges(), 1);

    let of_intent = ListCheckoutSession::new().payment_intent(intent.id.as_str()).send(&client).await.unwrap();
    assert_eq!(of_intent.data.len(), 1);
}

#[tokio::test]
async fn a_declined_card_leaves_the_page_open_for_another_one() {
    let (server, client) = stripe().await;
    let session = open(&client).await;
    let path = path(&server, &session);

    let declined = post(&server, &path, "payment_method=pm_card_visa_chargeDeclined").send().await.unwrap();
    assert_eq!(declined.status(), 402);
    assert!(declined.text().await.unwrap().contains("Your card was declined."));
    assert_eq!(retrieve(&client, &session).await.status, Some(CheckoutSessionStatus::Open));
    assert_eq!(submit(&server, &path, "payment_method=pm_card_visa").await.0, 303);

    let payments = server.payment_intents();
    assert_eq!((payments.len(), payments[0].charges.len(), payments[0].successful_charges()), (1, 2, 1));
}

#[tokio::test]
async fn the_customer_authenticates_on_the_way_back_to_the_shop() {
    let (server, client) = stripe().await;
    let session = open(&client).await;
    let path = path(&server, &session);
    let local = |location: String| location.strip_prefix(&server.url()).unwrap().to_owned();

    let (_, location) = submit(&server, &path, "payment_method=pm_card_threeDSecure2Required").await;
    let (_, back) = submit(&server, &local(location.clone()), "result=failed").await;
    assert_eq!(get(&server, &local(back)).send().await.unwrap().status(), 200, "the page is open again");
    let (_, again) = submit(&server, &path, "payment_method=pm_card_threeDSecure2Required").await;
    assert_eq!(again, location);
    let (_, back) = submit(&server, &local(again), "result=passed").await;
    let led = get(&server, &local(back)).send().await.unwrap();
    assert!(led.headers()["location"].to_str().unwrap().starts_with("https://shop.example/thanks"));
    assert_eq!(retrieve(&client, &session).await.payment_status, CheckoutSessionPaymentStatus::Paid);
}

#[tokio::test]
async fn the_customer_can_go_back_without_paying() {
    let (server, client) = stripe().await;
    let session = open(&client).await;
    let back = submit(&server, &path(&server, &session), "action=back").await;
    assert_eq!(back, (303, "https://shop.example/cart".to_owned()));
    assert_eq!(retrieve(&client, &session).await.status, Some(CheckoutSessionStatus::Open));
    assert!(server.payment_intents().is_empty());
}

#[tokio::test]
async fn an_expired_page_takes_no_money_and_cancels_what_was_begun() {
    let (server, client) = stripe().await;
    let session = open(&client).await;
    let path = path(&server, &session);
    submit(&server, &path, "payment_method=pm_card_visa_chargeDeclined").await;

    let expired = ExpireCheckoutSession::new(session.id.clone()).send(&client).await.unwrap();
    assert_eq!((expired.status, expired.url), (Some(CheckoutSessionStatus::Expired), None));
    assert_eq!(submit(&server, &path, "payment_method=pm_card_visa").await.0, 410);
    assert_eq!(server.payment_intents()[0].status, "canceled");
    assert!(types(&server).contains(&"checkout.session.expired".to_owned()));
    let again = ExpireCheckoutSession::new(session.id).send(&client).await.unwrap_err();
    assert_eq!(again.status(), Some(400), "{again}");
}

#[tokio::test]
async fn a_paid_page_cannot_be_expired_nor_its_payment_be_cancelled() {
    let (server, client) = stripe().await;
    let session = open(&client).await;
    let path = path(&server, &session);
    submit(&server, &path, "payment_method=pm_card_visa_chargeDeclined").await;
    let intent = retrieve(&client, &session).await.payment_intent.unwrap().into_object().unwrap();
    assert!(CancelPaymentIntent::new(intent.id.clone()).send(&client).await.is_err(), "its session is to be expired");
    submit(&server, &path, "payment_method=pm_card_visa").await;

    let refused = ExpireCheckoutSession::new(session.id.clone()).send(&client).await.unwrap_err();
    assert!(matches!(refused, Error::Api { status: 400, .. }), "{refused}");
    assert_eq!(retrieve(&client, &session).await.payment_status, CheckoutSessionPaymentStatus::Paid);
    let intent = RetrievePaymentIntent::new(intent.id).send(&client).await.unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::Succeeded);
}

#[tokio::test]
async fn a_page_closes_by_itself_when_its_time_is_over() {
    let (server, client) = stripe().await;
    for minutes in [29, 24 * 60] {
        assert!(page(minutes).send(&client).await.is_err(), "{minutes} minutes are not allowed");
    }
    let session = open(&client).await;
    server.advance_clock(Duration::from_mins(31)).unwrap();
    assert_eq!(types(&server), ["checkout.session.expired"]);
    assert_eq!(retrieve(&client, &session).await.status, Some(CheckoutSessionStatus::Expired));
}

#[tokio::test]
async fn the_same_key_opens_the_same_page() {
    let (_server, client) = stripe().await;
    let request = page(30);
    let first = request.customize().request_strategy(idempotent("page")).send(&client).await.unwrap();
    let again = request.customize().request_strategy(idempotent("page")).send(&client).await.unwrap();
    assert_eq!((first.id, first.url), (again.id, again.url));
    let other = page(40).customize().request_strategy(idempotent("page")).send(&client).await.unwrap_err();
    assert!(other.is_idempotency_mismatch(), "{other}");
}

#[tokio::test]
async fn a_page_survives_a_restart() {
    let file = StateFile::new();
    let with_state = || start(kassa_stand_ins::stripe::Config { state: Some(file.0.clone()), ..config() });
    let server = with_state().await.unwrap();
    let session = open(&client(&server)).await;
    let path = path(&server, &session);
    server.shutdown().await;

    let server = with_state().await.unwrap();
    assert_eq!(submit(&server, &path, "payment_method=pm_card_visa").await.0, 303);
    server.shutdown().await;
}
