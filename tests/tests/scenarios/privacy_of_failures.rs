//! Outside systems repeat in their errors what they were sent, and whatever else they like. None of their words gets
//! further than the call.

use anyhow::{Context as _, ensure};
use axum::http::StatusCode;
use kassa_domain::{OrderId, ProductId};
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_tests::proxy::{Call, Proxies, Refusal};
use kassa_tests::{Markers, Shop, eventually, on_own_shop};
use kassa_workflows::checkout::Checkout;
use kassa_workflows::parking::Reasoned;
use kassa_workflows::workflow_id;
use serde_json::json;
use temporalio_client::WorkflowExecuteUpdateOptions;

/// So that what is repeated for ever fails soon.
const IMPATIENT: [(&str, &str); 2] = [("KASSA_STEP_PATIENCE_MS", "1500"), ("KASSA_REFUND_PATIENCE_MS", "1500")];

/// Words such as outside systems use, with something in them that nobody may see.
fn words(markers: &mut Markers) -> String {
    markers.plant("Email address anna.", "@example.com is not verified; Key (email)=(4242424242424242) already exists")
}

/// Asks Stripe to answer an operation for an order with an error that says too much.
fn stripe_says(shop: &Shop, markers: &mut Markers, order: &OrderId, operation: &str, error: (u16, &str, &str)) {
    let (status, error_type, code) = error;
    let outcome = Outcome::Error {
        status,
        error_type: Some(error_type.to_owned()),
        code: Some(code.to_owned()),
        decline_code: (status == 402).then(|| "generic_decline".to_owned()),
        message: Some(words(markers)),
        should_retry: None,
        saved: None,
    };
    let fault = Fault::new(operation, Stage::Before, outcome).for_order(order.as_str());
    shop.stack.stripe.faults().add(fault.times(u32::MAX));
}

/// What makes an order fail in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Declined,
    ChargeRefused,
    ChargeUnreadable,
    ReserveRefused,
    ReserveUnreadable,
    PlaceRefused,
    ConfirmAndRefundRefused,
    MailRefused,
    EventRefused,
    EventNotTaken,
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    TakenBack,
    Parked,
    Retried,
}

impl Case {
    const ALL: [Self; 10] = [
        Self::Declined,
        Self::ChargeRefused,
        Self::ChargeUnreadable,
        Self::ReserveRefused,
        Self::ReserveUnreadable,
        Self::PlaceRefused,
        Self::ConfirmAndRefundRefused,
        Self::MailRefused,
        Self::EventRefused,
        Self::EventNotTaken,
    ];

    /// What becomes of the order.
    fn end(self) -> End {
        match self {
            Self::ConfirmAndRefundRefused | Self::MailRefused | Self::EventNotTaken => End::Parked,
            Self::EventRefused => End::Retried,
            Self::Declined
            | Self::ChargeRefused
            | Self::ChargeUnreadable
            | Self::ReserveRefused
            | Self::ReserveUnreadable
            | Self::PlaceRefused => End::TakenBack,
        }
    }

    /// Makes the calls of an order fail.
    fn arm(self, shop: &Shop, proxies: &Proxies, markers: &mut Markers, order: &OrderId) {
        let of_order = |text: &str| Call::with(text).and(order.as_str());
        let charge = || Call::with("POST /v1/payment_intents").and("confirm=true").and(order.as_str());
        let transaction =
            || of_order("DynamoDB_20120810.TransactWriteItems").and("\"RESERVED\"").and("attribute_not_exists");
        let violation = |markers: &mut Markers| {
            let message =
                format!("ERROR: new row violates check constraint\n  Detail: {}; SQLState: 23514", words(markers));
            Refusal::error(StatusCode::BAD_REQUEST, "DatabaseErrorException").saying(message)
        };
        let refusal =
            |markers: &mut Markers, error| Refusal::error(StatusCode::BAD_REQUEST, error).saying(words(markers));
        match self {
            Self::Declined => {
                stripe_says(shop, markers, order, "payment_intents.create", (402, "card_error", "card_declined"));
            }
            Self::ChargeRefused => {
                let error =
                    json!({ "type": "invalid_request_error", "code": "email_invalid", "message": words(markers) });
                let body = json!({ "error": error });
                proxies.stripe.refuse(charge(), Refusal::answer(StatusCode::BAD_REQUEST, body.to_string()));
            }
            Self::ChargeUnreadable => {
                let body = json!({ "id": words(markers), "object": "payment_intent", "amount": words(markers) });
                proxies.stripe.refuse(charge(), Refusal::answer(StatusCode::OK, body.to_string()));
            }
            Self::ReserveRefused => proxies.dynamodb.refuse(transaction(), refusal(markers, "ValidationException")),
            Self::ReserveUnreadable => {
                proxies.dynamodb.refuse(transaction(), Refusal::answer(StatusCode::OK, words(markers)));
            }
            Self::PlaceRefused => {
                proxies.rds_data.refuse(of_order("INSERT INTO order_items"), violation(markers));
            }
            Self::ConfirmAndRefundRefused => {
                proxies.rds_data.refuse(of_order("WITH confirmed AS"), violation(markers));
                let error = (400, "invalid_request_error", "charge_disputed");
                stripe_says(shop, markers, order, "refunds.create", error);
            }
            Self::MailRefused => {
                let mail = of_order("POST /v2/email/outbound-emails");
                proxies.aws.refuse(mail, refusal(markers, "MessageRejected"));
            }
            Self::EventRefused => {
                proxies.aws.refuse(of_order("AWSEvents.PutEvents"), refusal(markers, "ValidationException"));
            }
            Self::EventNotTaken => {
                let entry = json!({ "ErrorCode": "MalformedDetail", "ErrorMessage": words(markers) });
                let body = json!({ "FailedEntryCount": 1, "Entries": [entry] });
                let refusal = Refusal::answer(StatusCode::OK, body.to_string());
                proxies.aws.refuse(of_order("AWSEvents.PutEvents"), refusal);
            }
        }
    }

    /// Buys a piece, and returns the order.
    async fn run(
        self,
        shop: &Shop,
        proxies: &Proxies,
        markers: &mut Markers,
        tea: &ProductId,
    ) -> anyhow::Result<OrderId> {
        let checkout = shop.customer().buys(tea, 1);
        let order = checkout.order_id();
        self.arm(shop, proxies, markers, &order);
        let answer = checkout.send_until_decided().await?;
        // What Stripe says about a card is meant for its owner, who has the answer to oneself.
        if self != Self::Declined {
            markers.assert_absent("an answer", &answer.body.to_string());
        }
        let ended = match self.end() {
            End::TakenBack => shop.closed(&order).await.map(drop),
            End::Parked => shop.parked(&order).await.map(drop),
            End::Retried => retried(shop, &order).await,
        };
        ended.with_context(|| format!("{self:?}"))?;
        Ok(order)
    }
}

/// Waits until an activity of an order has failed and is to be tried again.
async fn retried(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    eventually(&format!("an activity of {order} is retried"), async || {
        let workflow = shop.describe(order).await?.context("there is no workflow")?;
        let failed = workflow.raw().pending_activities.iter().any(|activity| activity.last_failure.is_some());
        ensure!(failed, "no activity of it has failed");
        Ok(())
    })
    .await
}

#[test]
fn words_of_outside_systems_get_nowhere() -> anyhow::Result<()> {
    on_own_shop(&IMPATIENT, async |shop| {
        shop.stack.worker.stop().await?;
        let proxies = Proxies::start(&shop.stack).await?;
        let mut worker = shop.stack.another_worker("worker-behind-proxies")?;
        worker.start_with(&proxies.environment()).await?;
        let tea = shop.create_product(1250, 50).await?;
        let mut markers = Markers::default();

        let mut orders = Vec::new();
        for case in Case::ALL {
            orders.push((case, case.run(shop, &proxies, &mut markers, &tea).await?));
        }

        for (case, order) in &orders {
            let checked = markers.assert_absent_in_workflow(shop, &workflow_id(order)).await;
            checked.with_context(|| format!("{case:?}"))?;
            let timeline = shop.timeline(order).await?;
            markers.assert_absent("a timeline", &timeline.body.to_string());
        }
        let query = "OrderState = 'NeedsOperator'";
        let parked = Case::ALL.into_iter().filter(|case| case.end() == End::Parked).count();
        eventually("everything that is parked is listed", async || {
            let listed = markers.assert_absent_in_list(shop, query).await?;
            ensure!(listed == parked, "{listed} are listed");
            Ok(())
        })
        .await?;
        markers.assert_absent_in_list(shop, "").await?;
        markers.assert_absent_in_events(shop).await?;
        markers.assert_absent_in_rows(shop).await?;
        markers.assert_absent_in_metrics(shop, worker.ready_url()).await?;
        markers.assert_absent_in_logs(shop, "/api/checkout")?;

        // What an operator writes down may name a customer, too.
        proxies.clear();
        shop.stack.stripe.faults().clear();
        for (case, order) in orders.iter().filter(|(case, _)| case.end() == End::Parked) {
            let reason = markers.plant("anna.", "@example.com was told on the phone");
            let reasoned = Reasoned { operator: "kim".to_owned(), reason, step: None };
            let options = WorkflowExecuteUpdateOptions::default();
            let written_off = shop.workflow(order).execute_update(Checkout::write_off, reasoned, options).await;
            written_off.with_context(|| format!("{case:?}"))?;
            shop.closed(order).await?;
            let raw = shop.raw_history_of(&workflow_id(order)).await?;
            markers.assert_absent("an event", &format!("{raw:?}"));
        }
        for (case, order) in orders.iter().filter(|(case, _)| case.end() == End::Retried) {
            shop.closed(order).await.with_context(|| format!("{case:?}"))?;
        }
        markers.assert_absent_in_list(shop, "").await?;
        markers.assert_absent_in_logs(shop, "/api/checkout")?;
        let right = orders.iter().filter(|(case, _)| case.end() != End::Parked).map(|(_, order)| order);
        shop.oracle().orders(right).check().await?;
        // What was written off is not what an oracle calls right.
        let objection =
            shop.oracle().product(&tea, 50).orders(orders.iter().map(|(_, order)| order)).objection().await?;
        markers.assert_absent("an objection", &objection);
        Ok(worker.stop().await?)
    })
}
