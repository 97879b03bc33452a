//! Records histories anew, from orders of a real shop.

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, OrderStatus};
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_tests::customer::{Checkout, GOOD_CARD};
use kassa_tests::messages::Addressee;
use kassa_tests::reconciliation::at_once;
use kassa_tests::valve::QUICK;
use kassa_tests::{Answer, Customer, Page, Shop, eventually};
use kassa_workflows::contracts::notifications::Notice;
use kassa_workflows::contracts::reconciliation::FindingKind;
use kassa_workflows::finding::ParkedFinding;
use kassa_workflows::parking::Reasoned;
use kassa_workflows::{cancellation, fulfilment, late_payment, notification, recovery, refund, workflow_id};
use reqwest::Method;
use serde_json::{Value, json};
use temporalio_client::WorkflowExecuteUpdateOptions;

use crate::histories::Path;

/// Long enough to pay in, short enough to wait for.
const HOLD: (&str, &str) = ("KASSA_PAYMENT_HOLD_MS", "4000");

/// For orders that wait for another card.
const CARDS: (&str, &str) = ("KASSA_CARD_ATTEMPTS", "4");

/// Without a key nothing is encrypted: recorded histories are there to be read, also by people.
const PLAIN: [(&str, &str); 2] = [("KASSA_PAYLOAD_KEYS", ""), ("KASSA_CODEC_ENDPOINT", "")];

/// Records all paths.
pub(crate) async fn all() -> anyhow::Result<()> {
    let [look, settle] = QUICK;
    let [key, endpoint] = PLAIN;
    let usual = Shop::own_with(&[HOLD, look, settle, key, endpoint]).await?;
    let patient = Shop::own_with(&[CARDS, key, endpoint]).await?;
    for path in Path::ALL {
        let shop = if path == Path::AnotherCard { &patient } else { &usual };
        let workflow = go(shop, path).await.with_context(|| format!("{path:?} cannot be recorded"))?;
        shop.completed(&workflow).await?;
        let mut history = serde_json::from_slice(&shop.history_json(&workflow).await?)?;
        anonymise(&mut history);
        std::fs::write(path.file(), format!("{}\n", serde_json::to_string_pretty(&history)?))?;
    }
    usual.stop().await?;
    patient.stop().await
}

/// Goes a way, and names the workflow that went it.
async fn go(shop: &Shop, path: Path) -> anyhow::Result<String> {
    let product = shop.create_product(1_250, 10).await?;
    let customer = shop.customer();
    let checkout = customer.buys(&product, 2);
    match path {
        Path::Confirmed => buy(&checkout, 201).await.map(|order| workflow_id(&order)),
        Path::Declined => {
            buy(&checkout.pays_with("pm_card_chargeDeclined"), 402).await.map(|order| workflow_id(&order))
        }
        Path::Compensated => {
            shop.stack.rds_data.faults().inject(Fault::fail_before("WITH confirmed AS").with_error(violation()));
            buy(&checkout, 503).await.map(|order| workflow_id(&order))
        }
        Path::CartSold => {
            let mut cart = shop.guest_cart();
            cart.add(&product, 2).await?;
            buy(&cart.checkout(&customer), 201).await.map(|order| workflow_id(&order))
        }
        Path::PaidOnPage => {
            let checkout = checkout.on_page();
            Page::of(&checkout.send().await?)?.pay(GOOD_CARD).await?;
            Ok(workflow_id(&checkout.order_id()))
        }
        Path::Held => {
            shop.pause_payments().await?;
            let order = buy(&checkout, 202).await?;
            shop.held(&order).await?;
            shop.resume_payments(1).await?;
            Ok(workflow_id(&order))
        }
        Path::HeldTooLong => {
            shop.pause_payments().await?;
            let order = buy(&checkout, 202).await?;
            shop.closed(&order).await?;
            shop.resume_payments(1).await?;
            Ok(workflow_id(&order))
        }
        Path::NeverPaid => buy(&checkout.on_page(), 201).await.map(|order| workflow_id(&order)),
        Path::AnotherCard => with_another_card(shop, &customer, checkout).await.map(|order| workflow_id(&order)),
        Path::Cancelled => {
            let order = buy(&checkout, 201).await?;
            let cancel = shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel"));
            expect(&Answer::of(cancel.json(&json!({}))).await?, 200)?;
            Ok(cancellation::workflow_id(&order))
        }
        Path::Refunded => {
            let order = buy(&checkout, 201).await?;
            let request = shop.refund(&order).of(500);
            expect(&request.send().await?, 201)?;
            Ok(refund::workflow_id(&request.refund_id()))
        }
        Path::Shipped => {
            let order = buy(&checkout, 201).await?;
            let version = shop.orders.find(&order).await?.context("the order is stored")?.version;
            let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
            expect(&Answer::of(ship.json(&json!({ "status": "SHIPPED" }))).await?, 200)?;
            Ok(fulfilment::workflow_id(&order, OrderStatus::Shipped, version))
        }
        Path::Sent => {
            let to = Addressee::new();
            let notice = Notice::welcome(&to.user, to.email);
            let id = notification::workflow_id(&notice.message_id);
            shop.deliver(notice).await?;
            Ok(id)
        }
        Path::Reconciled => {
            shop.charge_by_hand(700, None).await?;
            shop.finds(FindingKind::MoneyWithoutOrder).await?;
            let id = "reconciliation-rec_recorded".to_owned();
            shop.reconcile_as(&id, at_once()).await?;
            Ok(id)
        }
        Path::Shown => {
            shop.charge_by_hand(700, None).await?;
            let found = shop.finds(FindingKind::MoneyWithoutOrder).await?;
            let id = found.started.workflow_id().to_owned();
            let by = Reasoned { operator: "kim".to_owned(), reason: "a recording".to_owned() };
            let workflow = shop.temporal.get_workflow_handle::<ParkedFinding>(&id);
            workflow.execute_update(ParkedFinding::write_off, by, WorkflowExecuteUpdateOptions::default()).await?;
            Ok(id)
        }
        Path::TakenBack => {
            let checkout = checkout.on_page();
            expect(&checkout.send().await?, 201)?;
            shop.terminate(&workflow_id(&checkout.order_id())).await?;
            shop.finds(FindingKind::StockHeld).await?;
            Ok(recovery::workflow_id(&checkout.order_id()))
        }
        Path::PaidLate | Path::GivenBack => {
            let order = buy(&customer.buys(&product, 99), 409).await?;
            let intent = shop.charge_by_hand(99 * 1_250, Some(&order)).await?;
            shop.finds(FindingKind::MoneyOfCancelledOrder).await?;
            shop.completed(&recovery::workflow_id(&order)).await?;
            let is_recovery = path == Path::PaidLate;
            Ok(if is_recovery { recovery::workflow_id(&order) } else { late_payment::workflow_id(&intent) })
        }
    }
}

/// One card is declined, the customer fails to authenticate the next one, and pays with a third.
async fn with_another_card(shop: &Shop, customer: &Customer<'_>, checkout: Checkout<'_>) -> anyhow::Result<OrderId> {
    let declined = checkout.pays_with("pm_card_chargeDeclined").send().await?;
    expect(&declined, 402)?;
    let another = |card: &str| {
        let request = customer.about(Method::POST, &declined, "/payment");
        let body = json!({ "payment_method": card, "return_url": "https://shop.example/back" });
        Answer::of(request.header("idempotency-key", format!("with-{card}")).json(&body))
    };
    expect(&another("pm_card_chargeDeclined").await?, 402)?;
    let secure = another("pm_card_threeDSecure2Required").await?;
    Page::of(&secure)?.submit(&[("result", "failed")]).await?;
    let order = declined.order_id().context("the problem names the order")?;
    eventually("the order waits for another card", async || {
        let status = shop.order(&order).await?.body["status"].clone();
        ensure!(status == "PAYMENT_FAILED", "it is {status}");
        Ok(())
    })
    .await?;
    expect(&another(GOOD_CARD).await?, 200)?;
    Ok(order)
}

/// What a database says that will say the same the next time.
fn violation() -> FaultError {
    FaultError::Database { sql_state: "23514".to_owned(), message: "new row violates check constraint".to_owned() }
}

async fn buy(checkout: &Checkout<'_>, status: u16) -> anyhow::Result<OrderId> {
    expect(&checkout.send().await?, status)?;
    Ok(checkout.order_id())
}

fn expect(answer: &Answer, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status == status, "{answer:?}");
    Ok(())
}

/// Takes out who recorded it: an identity is a process id and perhaps the name of a machine, and the names of some task
/// queues begin with it.
fn anonymise(history: &mut Value) {
    let mut identities = Vec::new();
    collect_identities(history, &mut identities);
    replace(history, &identities);
}

fn collect_identities(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_identities(value, found)),
        Value::Object(members) => {
            let identity = members.get("identity").and_then(Value::as_str).filter(|identity| !identity.is_empty());
            found.extend(identity.map(str::to_owned));
            members.values().for_each(|value| collect_identities(value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn replace(value: &mut Value, identities: &[String]) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, identities)),
        Value::Object(members) => members.values_mut().for_each(|value| replace(value, identities)),
        Value::String(text) => {
            for identity in identities {
                *text = text.replace(identity, "recorded");
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
