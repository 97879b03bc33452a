//! Money that is given back: in parts, in full, at the same time, and when Stripe will not.

mod parked;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use kassa_domain::{OrderId, PaymentId, ProductId};
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_store::orders::{PaymentStatus, RefundStatus};
use kassa_tests::refunds::RefundRequest;
use kassa_tests::{Answer, Shop, on_exclusive_shop, on_shared_shop};
use kassa_workflows::refund::workflow_id;
use reqwest::Method;
use serde_json::json;

/// A confirmed order over 25.00 EUR.
async fn sold(shop: &Shop) -> anyhow::Result<(ProductId, OrderId)> {
    sold_to(shop, "pm_card_visa").await
}

async fn sold_to(shop: &Shop, card: &str) -> anyhow::Result<(ProductId, OrderId)> {
    let tea = shop.create_product(1250, 5).await?;
    let order = shop.customer().buys(&tea, 2).pays_with(card).send().await?.assert_confirmed();
    Ok((tea, order))
}

fn refunded_at_stripe(shop: &Shop, order: &OrderId) -> i64 {
    shop.payments(order).iter().map(|payment| payment.amount_refunded).sum()
}

#[test]
fn part_of_a_payment_is_given_back_and_shown() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold(shop).await?;

        let answer = shop.refund(&order).of(700).send().await?;

        assert_eq!(answer.status, 201, "{answer:#?}");
        assert_eq!(answer.body["status"], "SUCCEEDED");
        assert_eq!(answer.body["amount"], json!({ "amount": 700, "currency": "EUR" }));
        let path = answer.header("location").context("where the payment is")?.to_owned();
        let payment = Answer::of(shop.as_admin(Method::GET, &path)).await?;
        assert_eq!(payment.body["status"], "PARTIALLY_REFUNDED", "{payment:#?}");
        assert_eq!(payment.body["refunded"]["amount"], 700);
        assert_eq!(payment.body["refunds"][0]["id"], answer.body["id"]);
        assert_eq!(payment.body["refunds"][0]["status"], "SUCCEEDED");
        let listed = Answer::of(shop.as_admin(Method::GET, &format!("/api/orders/{order}/payments"))).await?;
        assert_eq!(listed.body["items"], json!([payment.body]));
        assert_eq!(shop.order(&order).await?.body["refunds"], payment.body["refunds"]);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_without_an_amount_gives_back_all_that_is_left() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.refund(&order).of(600).send().await?;

        let rest = shop.refund(&order).send().await?;
        let nothing = shop.refund(&order).send().await?;

        assert_eq!((rest.status.as_u16(), &rest.body["amount"]["amount"]), (201, &json!(1900)), "{rest:#?}");
        nothing.assert_problem(409, "refund_exceeds_captured");
        assert_eq!(nothing.body["left"], json!({ "amount": 0, "currency": "EUR" }));
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert_eq!(stored.payment.map(|payment| payment.status), Some(PaymentStatus::Refunded));
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_of_more_than_is_left_is_refused_with_what_is_left() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        shop.refund(&order).of(2000).send().await?;

        let answer = shop.refund(&order).of(501).send().await?;

        answer.assert_problem(409, "refund_exceeds_captured");
        assert_eq!(answer.body["left"]["amount"], 500, "{answer:#?}");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn fifty_refunds_at_once_never_give_back_more_than_was_captured() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        // Fifty times between 90 and 139 cents are more than twice the 25.00 EUR that were captured.
        let requests: Vec<_> = (0..50).map(|n| shop.refund(&order).of(90 + n)).collect();

        let answers = try_join_all(requests.iter().map(RefundRequest::send)).await?;

        let mut given_back = 0;
        for (request, answer) in requests.iter().zip(&answers) {
            match answer.status.as_u16() {
                201 => given_back += answer.body["amount"]["amount"].as_i64().context("an amount")?,
                409 => answer.assert_problem(409, "refund_exceeds_captured"),
                _ => anyhow::bail!("{}: {answer:#?}", request.refund_id()),
            }
        }
        ensure!(given_back <= 2500, "{given_back} were given back");
        // Whoever was refused found less left than the smallest refund takes.
        ensure!(given_back > 2500 - 139, "only {given_back} were given back");
        assert_eq!(refunded_at_stripe(shop, &order), given_back);
        let replayed = requests[0].send().await?;
        assert!(replayed.is_replay() && replayed.body == answers[0].body, "{replayed:#?}");
        // The oracle compares the books with Stripe, refund by refund.
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn thirty_requests_for_ten_refunds_at_once_give_back_each_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        // Ten times 3.00 EUR are more than the 25.00 EUR that were captured; each is asked for three times at once.
        let requests: Vec<_> = (0..10).map(|_| shop.refund(&order).of(300)).collect();
        let sent = requests.iter().map(|request| try_join_all((0..3).map(|_| request.send())));

        let answers = try_join_all(sent).await?;

        let mut given_back = 0;
        for equal in &answers {
            let [first, rest @ ..] = equal.as_slice() else { anyhow::bail!("nobody has answered") };
            for answer in rest {
                assert_eq!((answer.status, &answer.body), (first.status, &first.body), "{answer:#?}");
            }
            match first.status.as_u16() {
                201 => given_back += 300,
                _ => first.assert_problem(409, "refund_exceeds_captured"),
            }
        }
        assert_eq!((given_back, refunded_at_stripe(shop, &order)), (2400, 2400));
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_asked_for_again_is_answered_the_same_and_given_back_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        let request = shop.refund(&order).of(400);

        let (first, second) = tokio::try_join!(request.send(), request.send())?;
        let third = request.send().await?;

        for answer in [&first, &second, &third] {
            assert_eq!((answer.status, &answer.body), (first.status, &first.body), "{answer:#?}");
        }
        let replays = [&first, &second, &third].iter().filter(|answer| answer.is_replay()).count();
        assert_eq!(replays, 2);
        request.clone().of(401).send().await?.assert_problem(422, "idempotency_key_reused");
        assert_eq!(refunded_at_stripe(shop, &order), 400);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refunds_are_for_administrators_and_payments_for_their_customers() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let answer = customer.buys(&tea, 1).send().await?;
        let order = answer.assert_confirmed();
        let path = format!("/api/payments/{}", PaymentId::of(&order));

        let own = Answer::of(customer.about(Method::GET, &answer, "/payments")).await?;
        assert_eq!(own.status, 200, "{own:#?}");
        assert_eq!(own.body["items"][0]["captured"]["amount"], 1250);
        shop.get(&path).await?.assert_problem(404, "payment_not_found");
        shop.get(&format!("/api/orders/{order}/payments")).await?.assert_problem(404, "order_not_found");

        let body = json!({ "reason": "goodwill" });
        let refund = shop.http.post(shop.url(&format!("{path}/refund"))).header("idempotency-key", "a-key-of-a-guest");
        Answer::of(refund.json(&body)).await?.assert_problem(401, "unauthorized");
        assert_eq!(refunded_at_stripe(shop, &order), 0);
        Ok(())
    })
}

#[test]
fn refund_that_makes_no_sense_is_refused_and_names_the_field() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        for (field, value, named) in [
            ("amount", json!({ "amount": 0, "currency": "EUR" }), "amount.amount"),
            ("amount", json!({ "amount": -1, "currency": "EUR" }), "amount.amount"),
            ("amount", json!({ "amount": 1.5, "currency": "EUR" }), "amount.amount"),
            ("amount", json!({ "amount": 100, "currency": "USD" }), "amount.currency"),
            ("reason", json!("because"), "reason"),
            ("status", json!("SUCCEEDED"), "status"),
            ("order_id", json!(order), "order_id"),
        ] {
            let answer = shop.refund(&order).field(field, value).send().await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [named], "{answer:#?}");
        }
        let nobody = "ord_00000000000000000000000000000000".parse()?;
        shop.refund(&nobody).send().await?.assert_problem(404, "payment_not_found");
        assert_eq!(refunded_at_stripe(shop, &order), 0);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_that_stripe_refuses_gives_its_claim_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        let refusal = Fault::new("refunds.create", Stage::Before, Outcome::status(400));
        shop.stack.stripe.faults().add(refusal.for_order(order.as_str()).times(u32::MAX));
        let request = shop.refund(&order).of(500);

        request.send().await?.assert_problem(409, "refund_failed");

        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert_eq!(stored.refunds.iter().map(|refund| refund.status).collect::<Vec<_>>(), [RefundStatus::Failed]);
        assert_eq!(stored.payment.map(|payment| payment.refund_pending.amount), Some(0));
        shop.stack.stripe.faults().clear();
        let replayed = request.send().await?;
        replayed.assert_problem(409, "refund_failed");
        assert!(replayed.is_replay(), "{replayed:#?}");
        assert_eq!(shop.refund(&order).send().await?.body["amount"]["amount"], 2500);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_whose_answer_was_lost_is_found_and_made_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (tea, order) = sold(shop).await?;
        let lost = Fault::new("refunds.create", Stage::After, Outcome::status(500));
        shop.stack.stripe.faults().add(lost.for_order(order.as_str()).times(2));

        let answer = shop.refund(&order).of(500).send().await?;

        assert_eq!(answer.status, 201, "{answer:#?}");
        assert_eq!(refunded_at_stripe(shop, &order), 500);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

#[test]
fn refund_that_stripe_calls_pending_is_answered_as_pending_and_settled_later() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, order) = sold_to(shop, "pm_card_pendingRefund").await?;
        let request = shop.refund(&order).of(500);

        let answer = request.send().await?;

        assert_eq!((answer.status.as_u16(), &answer.body["status"]), (202, &json!("PENDING")), "{answer:#?}");
        assert!(answer.header("retry-after").is_some(), "{answer:#?}");
        shop.completed(&workflow_id(&request.refund_id())).await?;
        let stored = shop.orders.find(&order).await?.context("the order is stored")?;
        assert_eq!(stored.refunds[0].status, RefundStatus::Succeeded);
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}
