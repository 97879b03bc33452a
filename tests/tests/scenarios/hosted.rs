//! Orders that are paid on a page of Stripe's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kassa_devstack::stack::STRIPE_WEBHOOK_SECRET;
use kassa_domain::{OrderId, StockLevel};
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::{Answer, Page, Shop, eventually, on_exclusive_shop, on_shared_shop};
use kassa_workflows::search_attributes::{FAILURE_REASON, ORDER_STATE};
use serde_json::{Value, json};
use sha2::Sha256;
use temporalio_client::{WorkflowCancelOptions, WorkflowFetchHistoryOptions};

const THANKS: &str = "https://shop.example/thanks";

/// So that only a webhook can be what wakes an order.
const NO_POLL: (&str, &str) = ("KASSA_PAYMENT_POLL_MS", "600000");
/// So that an order is woken soon without a webhook.
const FAST_POLL: (&str, &str) = ("KASSA_PAYMENT_POLL_MS", "200");
/// So that a test need not wait long for customers who never pay.
const SHORT_HOLD: (&str, &str) = ("KASSA_PAYMENT_HOLD_MS", "2500");

/// Loses every webhook about an order.
fn lose_webhooks(shop: &Shop, order: &OrderId) {
    let lost = Fault::new("webhooks.*", Stage::Before, Outcome::Reset).for_order(order.as_str());
    shop.stack.stripe.faults().add(lost.times(u32::MAX));
}

async fn statuses(shop: &Shop, order: &OrderId) -> anyhow::Result<Vec<String>> {
    let timeline = shop.timeline(order).await?;
    let entries = timeline.body["entries"].as_array().context("a list of entries")?;
    Ok(entries.iter().filter_map(|entry| entry["status"].as_str().map(str::to_owned)).collect())
}

/// How often Stripe was asked whether an order is paid.
fn looks(shop: &Shop, order: &OrderId) -> usize {
    shop.stripe_operations(order).iter().filter(|operation| *operation == "checkout_sessions.retrieve").count()
}

async fn looked_at(shop: &Shop, order: &OrderId, times: usize) -> anyhow::Result<()> {
    eventually("Stripe is asked", async || {
        ensure!(looks(shop, order) >= times, "it was asked {} times", looks(shop, order));
        Ok(())
    })
    .await
}

#[test]
fn order_that_is_paid_on_the_page_is_confirmed_by_the_webhook() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[NO_POLL]).await?;
        let tea = shop.create_product(1250, 5).await?;
        let checkout = shop.customer().buys(&tea, 2).on_page();
        let order = checkout.order_id();

        let answer = checkout.send().await?;

        let page = Page::of(&answer)?;
        assert_eq!(answer.order_id(), Some(order.clone()));
        assert_eq!(answer.body["total"], json!({ "amount": 2500, "currency": "EUR" }));
        assert_eq!(shop.order(&order).await?.body["status"], "AWAITING_PAYMENT");
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 3, reserved: 2, sold: 0 });
        let attributes = shop.describe(&order).await?.context("a workflow")?.search_attributes();
        assert_eq!(attributes.get(&ORDER_STATE).as_deref(), Some("AWAITING_PAYMENT"));
        assert!(shop.current_details(&order).await?.contains("waiting for the customer"));
        let again = checkout.send().await?;
        assert!(again.is_replay() && again.body == answer.body, "{again:#?}");

        assert_eq!(page.pay(GOOD_CARD).await?, (303, THANKS.to_owned()));

        shop.closed(&order).await?;
        assert_eq!(statuses(shop, &order).await?, ["PENDING", "AWAITING_PAYMENT", "CONFIRMED"]);
        let again = checkout.send().await?;
        assert!(again.is_replay() && again.body == answer.body, "the same key gives the same answer: {again:#?}");
        assert_eq!(looks(shop, &order), 1, "the webhook was not what woke the order");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn order_whose_webhooks_are_lost_is_confirmed_all_the_same() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[FAST_POLL]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        lose_webhooks(shop, &checkout.order_id());
        let page = Page::of(&checkout.send().await?)?;
        looked_at(shop, &checkout.order_id(), 1).await?;

        page.pay(GOOD_CARD).await?;

        shop.oracle().product(&tea, 1).order(&checkout.order_id()).check().await
    })
}

#[test]
fn order_whose_customer_does_not_pay_in_time_is_cancelled_and_its_stock_returned() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[SHORT_HOLD]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let page = Page::of(&checkout.send().await?)?;
        assert_eq!(page.submit(&[("action", "back")]).await?, (303, "https://shop.example/cart".to_owned()));
        let order = checkout.order_id();

        let attributes = shop.closed(&order).await?.search_attributes();

        assert_eq!(attributes.get(&FAILURE_REASON).as_deref(), Some("payment_expired"));
        assert_eq!(shop.order(&order).await?.body["failure_reason"], "payment_expired");
        assert_eq!(page.pay(GOOD_CARD).await?.0, 410, "the page is closed");
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 1, reserved: 0, sold: 0 });
        assert_eq!(statuses(shop, &order).await?, ["PENDING", "AWAITING_PAYMENT", "CANCELLED"]);
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn order_that_is_paid_while_its_page_is_being_closed_is_confirmed() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[SHORT_HOLD, NO_POLL]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        lose_webhooks(shop, &order);
        let slow = Fault::slow("checkout_sessions.expire", Duration::from_secs(3)).for_order(order.as_str());
        shop.stack.stripe.faults().add(slow);
        let page = Page::of(&checkout.send().await?)?;
        eventually("Stripe is asked to close the page", async || {
            let asked = shop.stripe_operations(&order).contains(&"checkout_sessions.expire".to_owned());
            ensure!(asked, "not yet");
            Ok(())
        })
        .await?;

        assert_eq!(page.pay(GOOD_CARD).await?.0, 303);

        shop.closed(&order).await?;
        assert_eq!(shop.order(&order).await?.body["status"], "CONFIRMED");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn events_that_come_twice_before_and_after_the_end_confirm_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[FAST_POLL]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;
        looked_at(shop, &order, 1).await?;

        page.pay(GOOD_CARD).await?;

        let stripe = &shop.stack.stripe;
        let completed = || {
            let events = stripe.events().into_iter();
            let mut events = events.filter(|event| event.event_type == "checkout.session.completed");
            events.next_back().context("an event")
        };
        let event = completed()?;
        stripe.deliver_again(&event.id);
        stripe.deliver_again(&event.id);
        shop.closed(&order).await?;
        stripe.deliver_again(&event.id);
        eventually("every delivery is taken", async || {
            let event = completed()?;
            ensure!(event.delivered && event.attempts >= 4, "{event:?}");
            Ok(())
        })
        .await?;
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn event_that_the_api_misses_is_sent_again() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[NO_POLL]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;
        shop.stack.api.stop().await?;

        page.pay(GOOD_CARD).await?;

        shop.restart_api(&[NO_POLL]).await?;
        shop.closed(&order).await?;
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn card_that_is_declined_on_the_page_can_be_followed_by_another_one() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;

        assert_eq!(page.pay("pm_card_visa_chargeDeclined").await?.0, 402);
        assert_eq!(page.pay(GOOD_CARD).await?.0, 303);

        shop.closed(&order).await?;
        let [payment] = shop.payments(&order).try_into().expect("one payment intent");
        assert_eq!((payment.charges.len(), payment.successful_charges()), (2, 1), "{payment:#?}");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn worker_that_dies_while_a_customer_pays_goes_on_where_it_was() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let (order, page) = {
            let checkout = shop.customer().buys(&tea, 1).on_page();
            (checkout.order_id(), Page::of(&checkout.send().await?)?)
        };
        shop.stack.worker.kill().await?;

        page.pay(GOOD_CARD).await?;

        shop.stack.worker.start().await?;
        shop.closed(&order).await?;
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn page_whose_opening_was_answered_to_nobody_is_opened_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        let lost = Fault::new("checkout_sessions.create", Stage::After, Outcome::Reset).for_order(order.as_str());
        shop.stack.stripe.faults().add(lost);

        let page = Page::of(&checkout.send().await?)?;

        page.pay(GOOD_CARD).await?;
        shop.closed(&order).await?;
        let mut opened = shop.stack.stripe.requests();
        opened.retain(|request| {
            request.order_id.as_deref() == Some(order.as_str())
                && request.operation.as_deref() == Some("checkout_sessions.create")
        });
        assert_eq!(opened.iter().filter(|request| !request.replayed).count(), 1, "{opened:#?}");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn page_that_nobody_learnt_of_is_found_and_closed() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_STEP_PATIENCE_MS", "1000")]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        // Longer than patience lasts, and than the first attempt of the undo, which is tried again.
        let lost = Fault::new("checkout_sessions.create", Stage::After, Outcome::Hang).for_order(order.as_str());
        shop.stack.stripe.faults().add(lost);

        let answer = checkout.send().await?;

        answer.assert_problem(503, "checkout_failed");
        shop.closed(&order).await?;
        let operations = shop.stripe_operations(&order);
        assert_eq!(operations.last().map(String::as_str), Some("checkout_sessions.expire"), "{operations:?}");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn order_that_is_cancelled_while_its_customer_could_pay_closes_the_page() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;

        shop.workflow(&order).cancel(WorkflowCancelOptions::default()).await.context("cancelling the workflow")?;

        shop.closed(&order).await?;
        assert_eq!(page.pay(GOOD_CARD).await?.0, 410, "the page is closed");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn total_that_stripe_does_not_take_is_declined_without_a_page() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let penny = shop.create_product(1, 1).await?;
        let checkout = shop.customer().buys(&penny, 1).on_page();

        checkout.send().await?.assert_problem(402, "payment_declined");

        shop.oracle().product(&penny, 1).order(&checkout.order_id()).check().await
    })
}

#[test]
fn customers_are_led_nowhere_but_to_the_shop() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let page = || shop.customer().buys(&tea, 1).on_page();
        for (checkout, field) in [
            (page().field("success_url", json!("https://evil.example/thanks")), "success_url"),
            (page().field("cancel_url", json!("https://shop.example.evil.example/")), "cancel_url"),
            (page().field("success_url", json!("javascript:alert(1)")), "success_url"),
            (page().field("success_url", Value::Null), "success_url"),
            (page().field("payment", json!("invoice")), "payment"),
            (page().field("return_url", json!("https://shop.example/back")), "return_url"),
            (page().pays_with(GOOD_CARD), "payment"),
            (shop.customer().buys(&tea, 1).field("return_url", json!("http://shop.example/back")), "return_url"),
            (shop.customer().buys(&tea, 1).field("cancel_url", json!("https://shop.example/cart")), "cancel_url"),
        ] {
            let answer = checkout.send().await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [field], "{answer:#?}");
            assert!(shop.describe(&checkout.order_id()).await?.is_none(), "nothing was started");
        }
        Ok(())
    })
}

/// Sends an event to the API as Stripe does, signed with a secret at a time.
async fn send_event(shop: &Shop, event: &Value, secret: &str, signed_at: u64) -> anyhow::Result<Answer> {
    let body = event.to_string();
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    let mac = mac.chain_update(format!("{signed_at}.{body}")).finalize().into_bytes();
    let mac: Vec<_> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("t={signed_at},v1={}", mac.concat());
    let request = shop.http.post(shop.url("/api/webhooks/stripe")).header("stripe-signature", signature);
    Answer::of(request.header("content-type", "application/json").body(body)).await
}

#[test]
fn no_event_is_believed_and_only_signed_ones_are_taken() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).on_page();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;
        let metadata = json!({ "order_id": order, "kassa_awaited": "true" });
        let event = |id: &str| {
            json!({
                "id": id, "object": "event", "type": "checkout.session.completed",
                "data": { "object": { "payment_status": "paid", "amount_total": 1250, "metadata": metadata } },
            })
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();

        for (secret, signed_at) in
            [("whsec_other", now), ("", now), (STRIPE_WEBHOOK_SECRET, now - 400), (STRIPE_WEBHOOK_SECRET, now + 400)]
        {
            let answer = send_event(shop, &event("evt_forged"), secret, signed_at).await?;
            answer.assert_problem(400, "invalid_signature");
        }
        let unsigned = shop.http.post(shop.url("/api/webhooks/stripe")).body(event("evt_unsigned").to_string());
        Answer::of(unsigned).await?.assert_problem(400, "invalid_signature");
        assert_eq!(looks(shop, &order), 0, "nobody woke the order");

        // Even one that is signed only makes the order ask Stripe, who knows better.
        assert_eq!(send_event(shop, &event("evt_lie"), STRIPE_WEBHOOK_SECRET, now).await?.status, 200);
        looked_at(shop, &order, 1).await?;
        assert_eq!(shop.order(&order).await?.body["status"], "AWAITING_PAYMENT");
        for other in [json!({ "type": "customer.created" }), json!({}), json!([]), event("evt_lie")] {
            assert_eq!(send_event(shop, &other, STRIPE_WEBHOOK_SECRET, now).await?.status, 200, "{other}");
        }

        page.pay(GOOD_CARD).await?;
        shop.closed(&order).await?;
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn card_that_is_charged_at_once_is_not_woken_by_events() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let order = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();
        let [payment] = shop.payments(&order).try_into().expect("one payment intent");
        eventually("the event is taken", async || {
            let mut events = shop.stack.stripe.events().into_iter();
            let succeeded =
                events.find(|event| event.object_id == payment.id && event.event_type == "payment_intent.succeeded");
            ensure!(succeeded.context("an event")?.attempts > 0, "not delivered yet");
            Ok(())
        })
        .await?;
        shop.closed(&order).await?;
        let history = shop.workflow(&order).fetch_history(WorkflowFetchHistoryOptions::default());
        let kinds: Vec<_> =
            history.into_events().await?.iter().map(|event| format!("{:?}", event.event_type())).collect();
        assert!(!kinds.iter().any(|kind| kind.contains("Signaled")), "{kinds:?}");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}
