//! Money that comes after its order was cancelled.
//!
//! The issuer takes its time after the customer has authenticated, so Stripe cannot cancel the payment, and operators give up
//! waiting for it.

mod parked;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, ProductId, StockLevel};
use kassa_stand_ins::rds_data::{Fault as DatabaseFault, FaultError};
use kassa_stand_ins::stripe::{Authentication, Fault};
use kassa_tests::customer::SECURE_CARD;
use kassa_tests::{Answer, Customer, Shop, eventually, on_exclusive_shop};
use kassa_workflows::checkout::Checkout;
use kassa_workflows::late_payment::{self, LatePayments};
use kassa_workflows::parking::{Operator, Reasoned};
use kassa_workflows::search_attributes::ORDER_STATE;
use reqwest::Method;
use serde_json::json;
use temporalio_client::WorkflowExecuteUpdateOptions;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;

/// So that nobody has to be waited for long, and what Stripe does not decide soon needs an operator.
const IMPATIENT: [(&str, &str); 2] = [("KASSA_PAYMENT_HOLD_MS", "4000"), ("KASSA_STEP_PATIENCE_MS", "1500")];

/// An order whose payment is on its way.
struct Unpaid<'shop> {
    shop: &'shop Shop,
    customer: Customer<'shop>,
    answer: Answer,
    order: OrderId,
    product: ProductId,
    intent: String,
}

impl<'shop> Unpaid<'shop> {
    /// The customer authenticates, and the issuer takes its time.
    async fn of(shop: &'shop Shop) -> anyhow::Result<Self> {
        let product = shop.create_product(1250, 2).await?;
        let customer = shop.customer();
        let answer = customer.buys(&product, 2).pays_with(SECURE_CARD).can_authenticate().send().await?;
        let order = answer.order_id().context("an order")?;
        let [payment] = shop.payments(&order).try_into().expect("one payment intent");
        ensure!(shop.stack.stripe.authenticate(&payment.id, Authentication::Undecided), "{payment:?}");
        Ok(Self { shop, customer, answer, order, product, intent: payment.id })
    }

    /// The time is over, and an operator gives up first to close the payment and then to take it back.
    async fn expired(shop: &'shop Shop) -> anyhow::Result<Self> {
        let unpaid = Self::of(shop).await?;
        unpaid.parked_at("payments.charge").await?;
        let workflow = shop.workflow(&unpaid.order);
        workflow.execute_update(Checkout::abort, by_kim(), WorkflowExecuteUpdateOptions::default()).await?;
        unpaid.written_off().await?;
        unpaid.assert_cancelled("payment_expired").await?;
        Ok(unpaid)
    }

    /// The customer does not want it any more, and an operator gives up to take the payment back.
    async fn cancelled(shop: &'shop Shop) -> anyhow::Result<Self> {
        let unpaid = Self::of(shop).await?;
        let cancel = unpaid.customer.about(Method::POST, &unpaid.answer, "/cancel").json(&json!({}));
        let cancelling = tokio::spawn(Answer::of(cancel));
        unpaid.written_off().await?;
        let cancelled = cancelling.await??;
        ensure!(cancelled.status == 200, "{cancelled:?}");
        unpaid.assert_cancelled("cancelled_by_customer").await?;
        Ok(unpaid)
    }

    async fn parked_at(&self, step: &str) -> anyhow::Result<()> {
        eventually(&format!("the order waits for an operator at {step}"), async || {
            let details = self.shop.current_details(&self.order).await?;
            ensure!(details.contains(&format!("at `{step}`")), "it shows {details}");
            Ok(())
        })
        .await
    }

    async fn written_off(&self) -> anyhow::Result<()> {
        self.parked_at("payments.refund").await?;
        let workflow = self.shop.workflow(&self.order);
        workflow.execute_update(Checkout::write_off, by_kim(), WorkflowExecuteUpdateOptions::default()).await?;
        self.shop.closed(&self.order).await?;
        Ok(())
    }

    async fn assert_cancelled(&self, reason: &str) -> anyhow::Result<()> {
        let order = self.shop.order(&self.order).await?;
        assert_eq!((&order.body["status"], &order.body["failure_reason"]), (&json!("CANCELLED"), &json!(reason)));
        assert_eq!(self.shop.stock(&self.product).await?, StockLevel { available: 2, reserved: 0, sold: 0 });
        Ok(())
    }

    /// The issuer decides.
    fn settles(&self, succeeds: bool) -> anyhow::Result<()> {
        ensure!(self.shop.stack.stripe.settle(&self.intent, succeeds), "it is not on its way");
        Ok(())
    }

    /// Waits until the late payment has been dealt with.
    async fn dealt_with(&self) -> anyhow::Result<()> {
        self.shop.completed(&late_payment::workflow_id(&self.intent)).await.map(drop)
    }

    async fn subjects(&self) -> anyhow::Result<Vec<String>> {
        let mut subjects: Vec<_> = self.shop.mails(&self.order).await?.into_iter().map(|mail| mail.subject).collect();
        subjects.sort();
        Ok(subjects)
    }

    async fn events(&self) -> anyhow::Result<Vec<String>> {
        let mut events = self.shop.events(&self.order).await?;
        events.sort_by_key(|event| event.detail["sequence"].as_u64());
        Ok(events.into_iter().map(|event| event.detail_type).collect())
    }

    async fn judged(&self) -> anyhow::Result<()> {
        self.shop.oracle().product(&self.product, 2).order(&self.order).check().await
    }

    async fn assert_revived(&self) -> anyhow::Result<()> {
        let order = self.shop.order(&self.order).await?;
        assert_eq!(order.body["status"], "CONFIRMED", "{order:#?}");
        assert_eq!(order.body["payment"]["status"], "CAPTURED", "{order:#?}");
        assert_eq!(self.shop.stock(&self.product).await?, StockLevel { available: 0, reserved: 0, sold: 2 });
        Ok(())
    }

    async fn assert_refunded(&self) -> anyhow::Result<()> {
        let order = self.shop.order(&self.order).await?;
        assert_eq!(order.body["status"], "CANCELLED", "{order:#?}");
        assert_eq!(order.body["payment"]["status"], "REFUNDED", "{order:#?}");
        assert_eq!(order.body["refunds"][0]["reason"], "late_payment", "{order:#?}");
        let [payment] = self.shop.payments(&self.order).try_into().expect("one payment intent");
        assert_eq!((payment.amount_captured, payment.amount_refunded, payment.refunds.len()), (2500, 2500, 1));
        Ok(())
    }
}

fn by_kim() -> Reasoned {
    Reasoned { operator: "kim".to_owned(), reason: "Stripe does not decide".to_owned(), step: None }
}

#[test]
fn late_money_revives_an_order_that_had_run_out_of_time() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;
        let order = &unpaid.order;

        unpaid.settles(true)?;

        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        unpaid.assert_revived().await?;
        assert_eq!(unpaid.events().await?, ["order.cancelled", "order.confirmed"]);
        let expected = [format!("Your order {order} is confirmed"), format!("Your order {order} was not paid")];
        assert_eq!(unpaid.subjects().await?, expected);
        let description = shop.completed(&late_payment::workflow_id(&unpaid.intent)).await?;
        assert_eq!(description.search_attributes().get(&ORDER_STATE).as_deref(), Some("CONFIRMED"));
        unpaid.judged().await
    })
}

#[test]
fn late_money_goes_back_when_the_pieces_are_gone() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;
        let other = shop.customer().buys(&unpaid.product, 1).send().await?.assert_confirmed();

        unpaid.settles(true)?;

        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        unpaid.assert_refunded().await?;
        assert_eq!(unpaid.events().await?, ["order.cancelled", "order.refunded"]);
        let subjects = unpaid.subjects().await?;
        assert!(subjects.contains(&format!("A refund for your order {}", unpaid.order)), "{subjects:?}");
        shop.oracle().product(&unpaid.product, 2).order(&unpaid.order).order(&other).check().await
    })
}

#[test]
fn late_money_of_a_customer_who_had_cancelled_goes_back_always() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_STEP_PATIENCE_MS", "1500")]).await?;
        let unpaid = Unpaid::cancelled(shop).await?;

        unpaid.settles(true)?;

        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        unpaid.assert_refunded().await?;
        assert_eq!(shop.stock(&unpaid.product).await?, StockLevel { available: 2, reserved: 0, sold: 0 });
        unpaid.judged().await
    })
}

#[test]
fn event_that_comes_twice_and_at_the_same_time_revives_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;
        unpaid.settles(true)?;
        let stripe = &shop.stack.stripe;
        let succeeded = || {
            let mut events = stripe.events().into_iter();
            events.rfind(|event| event.event_type == "payment_intent.succeeded").context("an event")
        };
        let event = succeeded()?;
        for _ in 0..5 {
            stripe.deliver_again(&event.id);
        }
        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        stripe.deliver_again(&event.id);
        eventually("every delivery is taken", async || {
            let event = succeeded()?;
            ensure!(event.delivered && event.attempts >= 7, "{event:?}");
            Ok(())
        })
        .await?;

        unpaid.assert_revived().await?;
        unpaid.judged().await
    })
}

#[test]
fn late_money_of_a_customer_who_cancels_while_the_order_is_taken_back_goes_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::of(shop).await?;
        unpaid.parked_at("payments.charge").await?;
        let workflow = shop.workflow(&unpaid.order);
        workflow.execute_update(Checkout::abort, by_kim(), WorkflowExecuteUpdateOptions::default()).await?;
        unpaid.parked_at("payments.refund").await?;
        let cancel = || unpaid.customer.about(Method::POST, &unpaid.answer, "/cancel").json(&json!({}));
        let cancelling = tokio::spawn(Answer::of(cancel()));
        eventually("the checkout knows that it is cancelled", async || {
            let history = shop.history(&unpaid.order).await?;
            let mut kinds = history.iter().map(HistoryEvent::event_type);
            ensure!(kinds.any(|kind| kind == EventType::WorkflowExecutionCancelRequested), "it does not");
            Ok(())
        })
        .await?;

        unpaid.written_off().await?;
        let cancelled = cancelling.await??;
        ensure!(cancelled.status == 200, "{cancelled:?}");
        unpaid.assert_cancelled("cancelled_by_customer").await?;
        unpaid.settles(true)?;

        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        unpaid.assert_refunded().await?;
        assert_eq!(Answer::of(cancel()).await?.body["status"], "CANCELLED");
        unpaid.judged().await
    })
}

#[test]
fn undo_that_waits_for_an_operator_gives_back_what_came_in_meanwhile() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::of(shop).await?;
        unpaid.parked_at("payments.charge").await?;
        let workflow = shop.workflow(&unpaid.order);
        workflow.execute_update(Checkout::abort, by_kim(), WorkflowExecuteUpdateOptions::default()).await?;
        unpaid.parked_at("payments.refund").await?;

        unpaid.settles(true)?;
        let retry = Operator { operator: "kim".to_owned(), step: None };
        workflow.execute_update(Checkout::retry, retry, WorkflowExecuteUpdateOptions::default()).await?;

        shop.closed(&unpaid.order).await?;
        let [payment] = shop.payments(&unpaid.order).try_into().expect("one payment intent");
        assert_eq!((payment.amount_captured, payment.amount_refunded), (2500, 2500));
        unpaid.judged().await
    })
}

#[test]
fn closing_that_waits_for_an_operator_confirms_what_came_in_meanwhile() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::of(shop).await?;
        unpaid.parked_at("payments.charge").await?;

        unpaid.settles(true)?;
        let retry = Operator { operator: "kim".to_owned(), step: None };
        let workflow = shop.workflow(&unpaid.order);
        workflow.execute_update(Checkout::retry, retry, WorkflowExecuteUpdateOptions::default()).await?;

        shop.closed(&unpaid.order).await?;
        unpaid.assert_revived().await?;
        unpaid.judged().await
    })
}

#[test]
fn payment_that_fails_late_changes_nothing() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;

        unpaid.settles(false)?;

        eventually("the event is taken", async || {
            let mut events = shop.stack.stripe.events().into_iter();
            let event =
                events.rfind(|event| event.event_type == "payment_intent.payment_failed").context("an event")?;
            ensure!(event.delivered, "{event:?}");
            Ok(())
        })
        .await?;
        assert!(shop.describe_workflow(&late_payment::workflow_id(&unpaid.intent)).await?.is_none());
        unpaid.judged().await
    })
}

#[test]
fn order_that_the_books_refuse_to_revive_is_not_sold_and_its_money_goes_back() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;
        let violation = FaultError::Database {
            sql_state: "23514".to_owned(),
            message: "new row violates check constraint".to_owned(),
        };
        shop.stack.rds_data.faults().inject(DatabaseFault::fail_before("WITH revived AS").with_error(violation));

        unpaid.settles(true)?;

        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        unpaid.assert_refunded().await?;
        assert_eq!(shop.stock(&unpaid.product).await?, StockLevel { available: 2, reserved: 0, sold: 0 });
        unpaid.judged().await
    })
}

#[test]
fn confirmation_that_took_effect_without_anybody_learning_of_it_counts() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;
        let violation = FaultError::Database { sql_state: "23514".to_owned(), message: "it seems".to_owned() };
        shop.stack.rds_data.faults().inject(DatabaseFault::fail_after("WITH revived AS").with_error(violation));

        unpaid.settles(true)?;

        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        unpaid.assert_revived().await?;
        unpaid.judged().await
    })
}

#[test]
fn refund_that_is_slow_while_the_worker_dies_is_made_once() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_STEP_PATIENCE_MS", "1500")]).await?;
        let (order, product, intent) = {
            let unpaid = Unpaid::cancelled(shop).await?;
            let slow = Fault::slow("refunds.create", Duration::from_secs(1)).for_order(unpaid.order.as_str());
            shop.stack.stripe.faults().add(slow);
            unpaid.settles(true)?;
            eventually("Stripe is asked to give the money back", async || {
                let operations = shop.stripe_operations(&unpaid.order);
                ensure!(operations.iter().any(|operation| operation == "refunds.create"), "{operations:?}");
                Ok(())
            })
            .await?;
            (unpaid.order, unpaid.product, unpaid.intent)
        };

        shop.stack.worker.kill().await?;
        shop.stack.worker.start().await?;

        let late = late_payment::workflow_id(&intent);
        // Patience is shorter than it takes to notice that a worker is dead.
        shop.parked_workflow(&late).await?;
        let retry = Operator { operator: "kim".to_owned(), step: None };
        let workflow = shop.temporal.get_workflow_handle::<LatePayments>(late.as_str());
        workflow.execute_update(LatePayments::retry, retry, WorkflowExecuteUpdateOptions::default()).await?;
        shop.completed(&late).await?;
        let [payment] = shop.payments(&order).try_into().expect("one payment intent");
        assert_eq!((payment.amount_refunded, payment.refunds.len()), (2500, 1));
        shop.oracle().product(&product, 2).order(&order).check().await
    })
}

#[test]
fn event_that_cannot_be_dealt_with_now_is_sent_again() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;
        let fault = DatabaseFault::fail_before("orders.fingerprint").with_error(FaultError::StatementTimeout);
        shop.stack.rds_data.faults().inject(fault.times(6));

        unpaid.settles(true)?;

        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;
        let mut events = shop.stack.stripe.events().into_iter();
        let event = events.rfind(|event| event.event_type == "payment_intent.succeeded").context("an event")?;
        assert!(event.attempts > 1, "the first delivery was not refused: {event:?}");
        unpaid.assert_revived().await?;
        unpaid.judged().await
    })
}

#[test]
fn revived_order_can_be_cancelled_by_its_customer() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let unpaid = Unpaid::expired(shop).await?;
        unpaid.settles(true)?;
        eventually("the payment is dealt with", async || unpaid.dealt_with().await).await?;

        let cancel = unpaid.customer.about(Method::POST, &unpaid.answer, "/cancel").json(&json!({}));
        let cancelled = Answer::of(cancel).await?;

        assert_eq!(cancelled.body["status"], "CANCELLED", "{cancelled:#?}");
        shop.settled(&unpaid.order).await?;
        let events = unpaid.events().await?;
        assert_eq!(events, ["order.cancelled", "order.confirmed", "order.cancelled", "order.refunded"]);
        assert_eq!(shop.stock(&unpaid.product).await?, StockLevel { available: 2, reserved: 0, sold: 0 });
        unpaid.judged().await
    })
}
