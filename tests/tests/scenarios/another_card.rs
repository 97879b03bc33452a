//! Orders whose card was declined, and that wait for another one.

mod failures;
mod races;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, ProductId, StockLevel};
use kassa_stand_ins::stripe::Fault;
use kassa_tests::customer::{GOOD_CARD, SECURE_CARD};
use kassa_tests::valve::QUICK;
use kassa_tests::{Answer, Customer, Page, Shop, eventually, on_exclusive_shop, on_shared_shop};
use kassa_workflows::search_attributes::{FAILURE_REASON, ORDER_STATE};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const BAD_CARD: &str = "pm_card_visa_chargeDeclined";
const CONFIRM: &str = "payment_intents.confirm";

/// So that a declined order waits for another card.
const THREE_CARDS: (&str, &str) = ("KASSA_CARD_ATTEMPTS", "3");
/// So that a test need not wait long for customers who have no other card.
const SHORT_HOLD: (&str, &str) = ("KASSA_PAYMENT_HOLD_MS", "3000");

/// Somebody whose card was declined, and whose order waits.
struct Waiting<'shop> {
    customer: Customer<'shop>,
    declined: Answer,
    order: OrderId,
    product: ProductId,
}

impl<'shop> Waiting<'shop> {
    async fn of(shop: &'shop Shop) -> anyhow::Result<Self> {
        let product = shop.create_product(1250, 4).await?;
        let customer = shop.customer();
        let declined = customer.buys(&product, 1).pays_with(BAD_CARD).send().await?;
        declined.assert_problem(402, "payment_declined");
        let order = declined.order_id().context("the problem names the order")?;
        ensure!(shop.order(&order).await?.body["status"] == "PAYMENT_FAILED", "it does not wait");
        Ok(Self { customer, declined, order, product })
    }

    /// Tries another card, under a key of its own.
    async fn pays(&self, card: &str) -> anyhow::Result<Answer> {
        self.pays_under(card, &Uuid::new_v4().to_string()).await
    }

    async fn pays_under(&self, card: &str, key: &str) -> anyhow::Result<Answer> {
        Answer::of(self.customer.pays_again(&self.declined, card, key)).await
    }

    /// Tries a card that may want an authentication.
    async fn pays_securely(&self, card: &str) -> anyhow::Result<Answer> {
        let request = self.customer.about(Method::POST, &self.declined, "/payment");
        let body = json!({ "payment_method": card, "return_url": "https://shop.example/back" });
        Answer::of(request.header("idempotency-key", Uuid::new_v4().to_string()).json(&body)).await
    }

    async fn cancels(&self) -> anyhow::Result<Answer> {
        Answer::of(self.customer.about(Method::POST, &self.declined, "/cancel").json(&json!({}))).await
    }

    /// One intent, with this many attempts of which so many went through.
    #[track_caller]
    fn assert_charges(&self, shop: &Shop, attempts: usize, successful: usize) {
        let [payment] = shop.payments(&self.order).try_into().expect("one payment intent");
        assert_eq!((payment.charges.len(), payment.successful_charges()), (attempts, successful), "{payment:#?}");
    }

    async fn judged(&self, shop: &Shop) -> anyhow::Result<()> {
        shop.oracle().product(&self.product, 4).order(&self.order).check().await
    }
}

#[track_caller]
fn assert_paid(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (200, &json!("CONFIRMED")), "{answer:#?}");
}

async fn statuses(shop: &Shop, order: &OrderId) -> anyhow::Result<Vec<String>> {
    let timeline = shop.timeline(order).await?;
    let entries = timeline.body["entries"].as_array().context("a list of entries")?;
    Ok(entries.iter().filter_map(|entry| entry["status"].as_str().map(str::to_owned)).collect())
}

async fn state(shop: &Shop, order: &OrderId) -> anyhow::Result<Option<String>> {
    Ok(shop.describe(order).await?.context("a workflow")?.search_attributes().get(&ORDER_STATE))
}

async fn reason(shop: &Shop, order: &OrderId) -> anyhow::Result<Option<String>> {
    Ok(shop.closed(order).await?.search_attributes().get(&FAILURE_REASON))
}

/// Waits until a card is on its way to Stripe.
async fn card_is_tried(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    eventually("Stripe is asked to confirm", async || {
        ensure!(shop.stripe_operations(order).iter().any(|operation| operation == CONFIRM), "not yet");
        Ok(())
    })
    .await
}

#[test]
fn another_card_pays_the_same_intent_and_the_stock_is_sold_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let waiting = Waiting::of(shop).await?;
        let Waiting { declined, order, product, .. } = &waiting;
        assert_eq!(declined.body["attempts_left"], 2, "{declined:#?}");
        assert!(declined.body["expires_at"].is_string(), "{declined:#?}");
        assert_eq!(shop.stock(product).await?, StockLevel { available: 3, reserved: 1, sold: 0 });
        assert_eq!(state(shop, order).await?.as_deref(), Some("PAYMENT_FAILED"));
        assert!(shop.current_details(order).await?.contains("waiting for another card"));
        let list = Answer::of(shop.as_admin(Method::GET, "/api/orders?scope=all&status=PAYMENT_FAILED")).await?;
        let listed = list.body["items"].as_array().context("a list")?;
        assert!(listed.iter().any(|item| item["id"] == json!(order)), "{list:#?}");
        let key = Uuid::new_v4().to_string();

        let paid = waiting.pays_under(GOOD_CARD, &key).await?;

        assert_paid(&paid);
        assert!(!paid.is_replay());
        let again = waiting.pays_under(GOOD_CARD, &key).await?;
        assert!(again.is_replay() && again.body == paid.body, "{again:#?}");
        shop.closed(order).await?;
        let again = waiting.pays_under(GOOD_CARD, &key).await?;
        assert!(again.is_replay() && again.body == paid.body, "also after the end: {again:#?}");
        waiting.pays_under(BAD_CARD, &key).await?.assert_problem(422, "idempotency_key_reused");
        waiting.pays("pm_card_mastercard").await?.assert_problem(409, "not_awaiting_card");
        assert_eq!(statuses(shop, order).await?, ["PENDING", "PAYMENT_FAILED", "CONFIRMED"]);
        assert_eq!(shop.stock(product).await?, StockLevel { available: 3, reserved: 0, sold: 1 });
        waiting.assert_charges(shop, 2, 1);
        waiting.judged(shop).await
    })
}

#[test]
fn another_card_is_held_while_payments_are_paused() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let [look, settle] = QUICK;
        shop.restart_api(&[THREE_CARDS, look, settle]).await?;
        let waiting = Waiting::of(shop).await?;
        shop.pause_payments().await?;
        let resumed = async {
            shop.held(&waiting.order).await?;
            ensure!(!shop.stripe_operations(&waiting.order).iter().any(|operation| operation == CONFIRM), "not held");
            shop.resume_payments(10).await
        };

        let (answer, resumed) = tokio::join!(waiting.pays(GOOD_CARD), resumed);

        resumed?;
        assert_paid(&answer?);
        waiting.assert_charges(shop, 2, 1);
        shop.closed(&waiting.order).await?;
        waiting.judged(shop).await
    })
}

#[test]
fn checkout_that_was_declined_is_answered_the_same_after_another_card_has_paid() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let customer = shop.customer();
        let checkout = customer.buys(&tea, 1).pays_with(BAD_CARD);
        let declined = checkout.send().await?;
        let paid = Answer::of(customer.pays_again(&declined, GOOD_CARD, "another-card")).await?;
        assert_paid(&paid);

        let again = checkout.send().await?;

        assert!(again.is_replay() && again.body == declined.body, "{again:#?}");
        shop.oracle().product(&tea, 1).order(&checkout.order_id()).check().await
    })
}

#[test]
fn order_is_cancelled_when_there_were_enough_cards() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let waiting = Waiting::of(shop).await?;

        let second = waiting.pays("pm_card_chargeDeclinedInsufficientFunds").await?;
        let third = waiting.pays(BAD_CARD).await?;

        second.assert_problem(402, "payment_declined");
        assert_eq!(second.body["attempts_left"], 1, "{second:#?}");
        assert_eq!(second.body["decline"]["decline_code"], "insufficient_funds", "{second:#?}");
        assert_eq!(second.body["expires_at"], waiting.declined.body["expires_at"], "a decline holds nothing longer");
        third.assert_problem(402, "payment_declined");
        assert_eq!(third.body["attempts_left"], Value::Null, "{third:#?}");
        assert_eq!(reason(shop, &waiting.order).await?.as_deref(), Some("payment_declined"));
        waiting.pays(GOOD_CARD).await?.assert_problem(409, "not_awaiting_card");
        let all = ["PENDING", "PAYMENT_FAILED", "PAYMENT_FAILED", "CANCELLED"];
        assert_eq!(statuses(shop, &waiting.order).await?, all);
        assert!(shop.mails(&waiting.order).await?.is_empty(), "the customer was there all the time");
        waiting.assert_charges(shop, 3, 0);
        waiting.judged(shop).await
    })
}

#[test]
fn order_that_nobody_pays_is_cancelled_at_the_end_of_the_hold() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS, SHORT_HOLD]).await?;
        let waiting = Waiting::of(shop).await?;

        assert_eq!(reason(shop, &waiting.order).await?.as_deref(), Some("payment_expired"));

        waiting.pays(GOOD_CARD).await?.assert_problem(409, "not_awaiting_card");
        let [payment] = shop.payments(&waiting.order).try_into().expect("one payment intent");
        assert_eq!(payment.status, "canceled");
        let [mail] = shop.mails(&waiting.order).await?.try_into().expect("one mail");
        assert_eq!(mail.subject, format!("Your order {} was not paid", waiting.order));
        waiting.judged(shop).await
    })
}

#[test]
fn order_that_waits_for_a_card_can_be_cancelled() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let waiting = Waiting::of(shop).await?;

        let cancelled = waiting.cancels().await?;

        assert_eq!(cancelled.body["failure_reason"], "cancelled_by_customer", "{cancelled:#?}");
        waiting.pays(GOOD_CARD).await?.assert_problem(409, "not_awaiting_card");
        waiting.assert_charges(shop, 1, 0);
        waiting.judged(shop).await
    })
}

#[test]
fn card_that_was_taken_before_the_hold_ended_counts() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS, SHORT_HOLD]).await?;
        let waiting = Waiting::of(shop).await?;
        // Longer than the hold.
        let slow = Fault::slow(CONFIRM, Duration::from_secs(4)).for_order(waiting.order.as_str());
        shop.stack.stripe.faults().add(slow);

        assert_paid(&waiting.pays(GOOD_CARD).await?);

        waiting.assert_charges(shop, 2, 1);
        waiting.judged(shop).await
    })
}

#[test]
fn card_that_wants_an_authentication_is_waited_for() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        // No poll: the webhook has to find the order, which the first card could not have announced.
        shop.restart_api(&[THREE_CARDS, ("KASSA_PAYMENT_POLL_MS", "600000")]).await?;
        let waiting = Waiting::of(shop).await?;

        let answer = waiting.pays_securely(SECURE_CARD).await?;

        assert_eq!(answer.status, 200, "{answer:#?}");
        assert_eq!(answer.body["expires_at"], waiting.declined.body["expires_at"], "a card holds nothing longer");
        assert_eq!(state(shop, &waiting.order).await?.as_deref(), Some("AWAITING_PAYMENT"));
        waiting.pays(GOOD_CARD).await?.assert_problem(409, "not_awaiting_card");
        Page::of(&answer)?.submit(&[("result", "passed")]).await?;
        shop.closed(&waiting.order).await?;
        let all = ["PENDING", "PAYMENT_FAILED", "AWAITING_PAYMENT", "CONFIRMED"];
        assert_eq!(statuses(shop, &waiting.order).await?, all);
        waiting.judged(shop).await?;

        let without_a_way_back = Waiting::of(shop).await?;
        let answer = without_a_way_back.pays(SECURE_CARD).await?;
        Page::within(shop, &answer)?.submit(&[("result", "passed")]).await?;
        shop.closed(&without_a_way_back.order).await?;
        assert_eq!(statuses(shop, &without_a_way_back.order).await?, all);
        without_a_way_back.judged(shop).await
    })
}

#[test]
fn customer_who_fails_to_authenticate_is_told_and_may_pay_with_another_card() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let waiting = Waiting::of(shop).await?;
        let answer = waiting.pays_securely(SECURE_CARD).await?;

        Page::of(&answer)?.submit(&[("result", "failed")]).await?;

        eventually("the order waits for another card, and its customer is told", async || {
            let state = state(shop, &waiting.order).await?;
            ensure!(state.as_deref() == Some("PAYMENT_FAILED"), "it is {state:?}");
            let mails = shop.mails(&waiting.order).await?;
            ensure!(mails.len() == 1, "{mails:?}");
            ensure!(mails[0].subject == format!("Your order {} is not paid yet", waiting.order), "{mails:?}");
            Ok(())
        })
        .await?;
        assert_paid(&waiting.pays(GOOD_CARD).await?);
        let all = ["PENDING", "PAYMENT_FAILED", "AWAITING_PAYMENT", "PAYMENT_FAILED", "CONFIRMED"];
        assert_eq!(statuses(shop, &waiting.order).await?, all);
        waiting.judged(shop).await
    })
}

#[test]
fn declined_order_does_not_wait_unless_the_shop_says_so() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let customer = shop.customer();
        let declined = customer.buys(&tea, 1).pays_with(BAD_CARD).send().await?;
        let order = declined.order_id().context("the problem names the order")?;
        assert_eq!(declined.body["attempts_left"], Value::Null, "{declined:#?}");
        shop.closed(&order).await?;

        let answer = Answer::of(customer.pays_again(&declined, GOOD_CARD, "another-card")).await?;

        answer.assert_problem(409, "not_awaiting_card");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn payment_method_that_does_not_exist_ends_no_order_that_waits() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let waiting = Waiting::of(shop).await?;

        let unknown = waiting.pays("pm_0000000000000000000000").await?;

        unknown.assert_problem(402, "payment_declined");
        assert_eq!(unknown.body["attempts_left"], 1, "it counts: {unknown:#?}");
        assert_paid(&waiting.pays(GOOD_CARD).await?);
        waiting.judged(shop).await
    })
}

#[test]
fn customers_can_try_only_so_many_cards_within_a_span_of_time() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_CARD_ATTEMPTS", "10"), ("KASSA_LIMIT_PAYMENT", "2/1000/3600")]).await?;
        let waiting = Waiting::of(shop).await?;
        for _ in 0..2 {
            waiting.pays(BAD_CARD).await?.assert_problem(402, "payment_declined");
        }

        waiting.pays(GOOD_CARD).await?.assert_problem(429, "rate_limited");

        waiting.assert_charges(shop, 3, 0);
        waiting.cancels().await?;
        waiting.judged(shop).await
    })
}

#[test]
fn only_its_customer_pays_for_an_order() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[THREE_CARDS]).await?;
        let waiting = Waiting::of(shop).await?;
        let path = format!("/api/orders/{}/payment", waiting.order);
        let stranger = shop.http.post(shop.url(&path)).header("idempotency-key", "a-stranger");

        let answer = Answer::of(stranger.json(&json!({ "payment_method": GOOD_CARD }))).await?;

        answer.assert_problem(404, "order_not_found");
        waiting.assert_charges(shop, 1, 0);
        assert_paid(&waiting.pays(GOOD_CARD).await?);
        waiting.judged(shop).await
    })
}
