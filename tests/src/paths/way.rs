//! Going a way: what has to be there before its workflow begins, what its people do, and what has to come of it.

mod operated;

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use kassa_domain::{OrderId, OrderStatus, ProductId};
use kassa_workflows::contracts::notifications::Notice;
use kassa_workflows::contracts::reconciliation::{Finding, FindingKind};
use kassa_workflows::finding::ParkedFinding;
use kassa_workflows::parking::Reasoned;
use kassa_workflows::{
    TASK_QUEUE, cancellation, finding, fulfilment, late_payment, notification, recovery, refund, workflow_id,
};
use reqwest::Method;
use serde_json::json;
use temporalio_client::{WorkflowExecuteUpdateOptions, WorkflowExecutionStatus, WorkflowStartOptions};
use tokio::sync::Mutex;
use tokio::time::sleep;
use uuid::Uuid;

use super::Path;
use crate::customer::{Checkout, GOOD_CARD, SECURE_CARD};
use crate::messages::Addressee;
use crate::reconciliation::at_once;
use crate::refunds::RefundRequest;
use crate::wait::eventually_within;
use crate::{Answer, Customer, Page, Shop};

/// How long a way may take on which a worker dies: the activities that it was at are missed only after their time-outs, one
/// after the other, and the machine may do much else.
const LONG: Duration = Duration::from_mins(5);

/// What every piece costs, in cents.
const PRICE: i64 = 1_250;

/// How many pieces there are.
const STOCK: u64 = 10;

/// Somebody who goes a way.
pub struct Way<'shop> {
    shop: &'shop Shop,
    path: Path,
    workflow: String,
    product: ProductId,
    goes: Goes<'shop>,
    /// Ends what keeps its order from being confirmed.
    mend: Box<dyn Fn() + 'shop>,
}

/// What is done once the way begins.
enum Goes<'shop> {
    /// An order is placed.
    Buys(Box<(Customer<'shop>, Checkout<'shop>)>),
    /// An order is cancelled.
    Cancels(OrderId),
    /// Money is given back.
    Refunds(OrderId, RefundRequest<'shop>),
    /// An order is shipped.
    Ships(OrderId),
    /// A message is sent.
    Sends(Addressee, Box<Notice>),
    /// Everything is compared.
    Reconciles,
    /// A finding waits for its operator.
    Shows(Box<Finding>),
    /// A reconciliation finds what is wrong with an order, and has it mended.
    IsFound(OrderId),
}

impl<'shop> Way<'shop> {
    /// Does everything that comes before the workflow begins. The shop has to have the settings of the path.
    pub async fn prepare(shop: &'shop Shop, path: Path) -> anyhow::Result<Self> {
        let product = shop.create_product(PRICE, STOCK.cast_signed()).await?;
        let customer = shop.customer();
        let checkout = customer.buys(&product, 2);
        let (workflow, goes) = match path {
            Path::Confirmed
            | Path::Compensated
            | Path::ParkedRetried
            | Path::Aborted
            | Path::Held
            | Path::HeldTooLong => buys(customer, checkout),
            Path::Declined | Path::AnotherCard => buys(customer, checkout.pays_with("pm_card_chargeDeclined")),
            Path::Authenticated => buys(customer, checkout.pays_with(SECURE_CARD).can_authenticate()),
            Path::PaidOnPage | Path::NeverPaid | Path::CancelledWaiting => buys(customer, checkout.on_page()),
            Path::OutOfStock => {
                let checkout = customer.buys(&product, 99);
                buys(customer, checkout)
            }
            Path::CartSold => {
                let mut cart = shop.guest_cart();
                cart.add(&product, 2).await?;
                let checkout = cart.checkout(&customer);
                buys(customer, checkout)
            }
            Path::Cancelled => {
                let order = sold(&checkout).await?;
                (cancellation::workflow_id(&order), Goes::Cancels(order))
            }
            Path::Refunded => {
                let order = sold(&checkout).await?;
                let request = shop.refund(&order).of(500);
                (refund::workflow_id(&request.refund_id()), Goes::Refunds(order, request))
            }
            Path::Shipped => {
                let order = sold(&checkout).await?;
                let version = shop.orders.find(&order).await?.context("the order is stored")?.version;
                (fulfilment::workflow_id(&order, OrderStatus::Shipped, version), Goes::Ships(order))
            }
            Path::Sent => {
                let to = Addressee::new();
                let notice = Notice::welcome(&to.user, to.email.clone());
                (notification::workflow_id(&notice.message_id), Goes::Sends(to, Box::new(notice)))
            }
            Path::Reconciled => (format!("reconciliation-rec_{}", Uuid::new_v4().simple()), Goes::Reconciles),
            Path::Shown => {
                let detail = format!("made up by a test: {}", Uuid::new_v4());
                let finding = Finding::new(FindingKind::MoneyWithoutOrder, detail);
                (finding::workflow_id(&finding), Goes::Shows(Box::new(finding)))
            }
            Path::TakenBack => {
                let checkout = checkout.on_page();
                expect(&checkout.send().await?, 201)?;
                let order = checkout.order_id();
                shop.terminate(&workflow_id(&order)).await?;
                (recovery::workflow_id(&order), Goes::IsFound(order))
            }
            Path::PaidLate | Path::GivenBack => {
                let checkout = customer.buys(&product, 99);
                expect(&checkout.send().await?, 409)?;
                let order = checkout.order_id();
                shop.closed(&order).await?;
                let intent = shop.charge_by_hand(99 * PRICE, Some(&order)).await?;
                let late = path == Path::PaidLate;
                let workflow = if late { recovery::workflow_id(&order) } else { late_payment::workflow_id(&intent) };
                (workflow, Goes::IsFound(order))
            }
            Path::Revived => {
                let checkout = checkout.on_page();
                expect(&checkout.send().await?, 201)?;
                let order = checkout.order_id();
                shop.closed(&order).await?;
                let intent = shop.charge_by_hand(2 * PRICE, Some(&order)).await?;
                (late_payment::workflow_id(&intent), Goes::IsFound(order))
            }
        };
        Ok(Self { shop, path, workflow, product, goes, mend: Box::new(|| {}) })
    }

    /// With what an operator does about an order that cannot be confirmed, before deciding.
    #[must_use]
    pub fn mended_by(self, mend: impl Fn() + 'shop) -> Self {
        Self { mend: Box::new(mend), ..self }
    }

    /// The path.
    pub fn path(&self) -> Path {
        self.path
    }

    /// The workflow that goes it, which has not begun before [`Way::go`].
    pub fn workflow(&self) -> &str {
        &self.workflow
    }

    /// The order that it is about, if it is.
    pub fn order(&self) -> Option<OrderId> {
        match &self.goes {
            Goes::Buys(buys) => Some(buys.1.order_id()),
            Goes::Cancels(order) | Goes::Refunds(order, _) | Goes::Ships(order) | Goes::IsFound(order) => {
                Some(order.clone())
            }
            Goes::Sends(..) | Goes::Reconciles | Goes::Shows(_) => None,
        }
    }

    /// Who is written to without an order, if somebody is.
    pub fn addressee(&self) -> Option<&Addressee> {
        match &self.goes {
            Goes::Sends(to, _) => Some(to),
            _ => None,
        }
    }

    /// Goes it until its workflow has completed, and looks at what its people are told.
    pub async fn go(&self) -> anyhow::Result<()> {
        self.set_out().await.with_context(|| format!("{:?} ({})", self.path, self.workflow))?;
        self.completes(&self.workflow).await
    }

    async fn completes(&self, id: &str) -> anyhow::Result<()> {
        eventually_within(LONG, &format!("{id} completes"), async || {
            let description = self.shop.describe_workflow(id).await?.context("there is no workflow")?;
            ensure!(description.status() == WorkflowExecutionStatus::Completed, "it is {:?}", description.status());
            Ok(())
        })
        .await
    }

    async fn set_out(&self) -> anyhow::Result<()> {
        let shop = self.shop;
        match &self.goes {
            Goes::Buys(buys) => self.buy(&buys.0, &buys.1).await,
            Goes::Cancels(order) => {
                let cancel = || shop.as_admin(Method::POST, &format!("/api/orders/{order}/cancel")).json(&json!({}));
                expect(&decided(async || Answer::of(cancel()).await).await?, 200)
            }
            Goes::Refunds(_, request) => expect(&decided(async || request.send().await).await?, 201),
            Goes::Ships(order) => {
                let ship = || shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
                let ship = || ship().json(&json!({ "status": "SHIPPED" }));
                expect(&decided(async || Answer::of(ship()).await).await?, 200)
            }
            Goes::Sends(_, notice) => shop.start_message((**notice).clone()).await.map(drop),
            Goes::Reconciles => {
                let report = shop.reconcile_as(&self.workflow, at_once()).await?;
                let found = report.findings.iter().any(|found| found.finding.kind == FindingKind::MoneyWithoutOrder);
                ensure!(report.is_complete() && found, "{report:#?}");
                Ok(())
            }
            Goes::Shows(finding) => self.show(finding).await,
            Goes::IsFound(_) => self.be_found().await,
        }
    }

    async fn buy(&self, customer: &Customer<'_>, checkout: &Checkout<'_>) -> anyhow::Result<()> {
        match self.path {
            // It is held, which is what its customer is told, unless it took too long for that.
            Path::Held | Path::HeldTooLong => {
                let status = checkout.send().await?.status.as_u16();
                ensure!([201, 202, 503].contains(&status), "it is answered {status}");
                Ok(())
            }
            Path::Declined => expect(&decided(async || checkout.send().await).await?, 402),
            Path::Compensated => expect(&decided(async || checkout.send().await).await?, 503),
            Path::OutOfStock => expect(&decided(async || checkout.send().await).await?, 409),
            Path::ParkedRetried => self.buy_with_an_operator(checkout, 201).await,
            Path::Aborted => self.buy_with_an_operator(checkout, 503).await,
            Path::PaidOnPage => buy_on_page(checkout, ("payment_method", GOOD_CARD)).await,
            Path::Authenticated => buy_on_page(checkout, ("result", "passed")).await,
            Path::CancelledWaiting => self.buy_and_cancel(customer, checkout).await,
            Path::AnotherCard => self.buy_with_another_card(customer, checkout).await,
            _ => expect(&decided(async || checkout.send().await).await?, 201),
        }
    }

    /// The customer is led to a page, and does not want the order any more.
    async fn buy_and_cancel(&self, customer: &Customer<'_>, checkout: &Checkout<'_>) -> anyhow::Result<()> {
        let waits = decided(async || checkout.send().await).await?;
        Page::of(&waits)?;
        let cancel = || customer.about(Method::POST, &waits, "/cancel").json(&json!({ "reason": "changed_mind" }));
        expect(&decided(async || Answer::of(cancel()).await).await?, 200)?;
        // The longer the checkout takes to end, the longer the pause before it is looked again whether it has.
        self.completes(&cancellation::workflow_id(&checkout.order_id())).await
    }

    /// One card is declined, another one as well, the customer fails to authenticate the next, and pays with a fourth.
    async fn buy_with_another_card(&self, customer: &Customer<'_>, checkout: &Checkout<'_>) -> anyhow::Result<()> {
        let declined = decided(async || checkout.send().await).await?;
        expect(&declined, 402)?;
        let another = async |card: &str| {
            let request = || {
                let request = customer.about(Method::POST, &declined, "/payment");
                let body = json!({ "payment_method": card, "return_url": "https://shop.example/back" });
                request.header("idempotency-key", format!("with-{card}")).json(&body)
            };
            decided(async || Answer::of(request()).await).await
        };
        expect(&another("pm_card_chargeDeclined").await?, 402)?;
        let secure = another(SECURE_CARD).await?;
        Page::of(&secure)?.submit(&[("result", "failed")]).await?;
        let order = checkout.order_id();
        eventually_within(LONG, "the order waits for another card", async || {
            let status = self.shop.order(&order).await?.body["status"].clone();
            ensure!(status == "PAYMENT_FAILED", "it is {status}");
            Ok(())
        })
        .await?;
        // The books say so a moment before the order takes another card.
        let paid = async || {
            let paid = another(GOOD_CARD).await?;
            ensure!(paid.code() != Some("not_awaiting_card"), "another card is still being tried");
            Ok(paid)
        };
        expect(&eventually_within(LONG, "a card is taken", paid).await?, 200)
    }

    /// A finding is opened, and an operator leaves it as it is.
    async fn show(&self, finding: &Finding) -> anyhow::Result<()> {
        let temporal = &self.shop.temporal;
        let options = WorkflowStartOptions::new(TASK_QUEUE, self.workflow.as_str()).build();
        temporal.start_workflow(ParkedFinding::run, finding.clone(), options).await.context("starting a workflow")?;
        let workflow = temporal.get_workflow_handle::<ParkedFinding>(&self.workflow);
        eventually_within(LONG, "an operator has decided", async || {
            let by = Reasoned { operator: "kim".to_owned(), reason: "a test".to_owned(), step: None };
            let options = WorkflowExecuteUpdateOptions::default();
            match workflow.execute_update(ParkedFinding::write_off, by, options).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    let description = self.shop.describe_workflow(&self.workflow).await?.context("no workflow")?;
                    let is_over = description.status() == WorkflowExecutionStatus::Completed;
                    if is_over { Ok(()) } else { Err(error).context("writing off") }
                }
            }
        })
        .await
    }

    /// Everything is compared until what mends the order has begun.
    async fn be_found(&self) -> anyhow::Result<()> {
        // One comparison finds what all of them wait for.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
        let has_begun = async || -> anyhow::Result<()> {
            let begun = self.shop.describe_workflow(&self.workflow).await?;
            begun.map(drop).context("it has not begun")
        };
        let found = async {
            loop {
                let _turn = ONE_AT_A_TIME.lock().await;
                if has_begun().await.is_err() {
                    self.shop.reconcile(at_once()).await?;
                }
            }
        };
        let begins = format!("{} begins", self.workflow);
        tokio::select! {
            begun = eventually_within(LONG, &begins, has_begun) => begun,
            failed = found => failed,
        }
    }

    /// Judges what has come of it from outside.
    pub async fn judge(&self) -> anyhow::Result<()> {
        let shop = self.shop;
        if let Some(to) = self.addressee() {
            let mails = shop.mails_to(to.email.expose()).await?.len();
            ensure!(mails == 1, "{mails} mails were sent");
        }
        let Some(order) = self.order() else { return Ok(()) };
        let oracle = shop.oracle().product(&self.product, STOCK).order(&order);
        // What was ended from outside has been mended by the recovery.
        let oracle = if self.path == Path::TakenBack { oracle.ended_from_outside() } else { oracle };
        oracle.check().await?;
        let status = shop.order(&order).await?.body["status"].clone();
        let expected: &[&str] = match self.path {
            Path::Confirmed
            | Path::ParkedRetried
            | Path::CartSold
            | Path::PaidOnPage
            | Path::Authenticated
            | Path::Held
            | Path::AnotherCard
            | Path::Refunded
            | Path::Revived => &["CONFIRMED"],
            Path::Shipped => &["SHIPPED"],
            Path::Declined
            | Path::Compensated
            | Path::OutOfStock
            | Path::Aborted
            | Path::NeverPaid
            | Path::CancelledWaiting
            | Path::HeldTooLong
            | Path::Cancelled
            | Path::TakenBack
            | Path::PaidLate
            | Path::GivenBack => &["CANCELLED"],
            Path::Sent | Path::Reconciled | Path::Shown => bail!("there is no order on this way"),
        };
        ensure!(expected.iter().any(|expected| status == *expected), "the order is {status}, not {expected:?}");
        Ok(())
    }
}

fn buys<'shop>(customer: Customer<'shop>, checkout: Checkout<'shop>) -> (String, Goes<'shop>) {
    (workflow_id(&checkout.order_id()), Goes::Buys(Box::new((customer, checkout))))
}

/// Buys, and waits until mail and event are out: they are not those that the way is about.
async fn sold(checkout: &Checkout<'_>) -> anyhow::Result<OrderId> {
    let order = checkout.send_until_decided().await?.assert_confirmed();
    checkout.shop().closed(&order).await?;
    Ok(order)
}

/// The customer is led to a page, and sends its form.
async fn buy_on_page(checkout: &Checkout<'_>, field: (&str, &str)) -> anyhow::Result<()> {
    let page = Page::of(&decided(async || checkout.send().await).await?)?;
    let (status, _) = page.submit(&[field]).await?;
    ensure!(status == 303, "the page answers {status}");
    Ok(())
}

/// Asks until it is decided. Whoever is told that nothing is known to have been done asks again, too, and not before the time
/// that is asked for.
async fn decided(ask: impl AsyncFn() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
    eventually_within(LONG, "it is decided", async || {
        let answer = ask().await?;
        let is_undecided = answer.status == 202 || answer.code() == Some("temporarily_unavailable");
        if is_undecided {
            let pause = answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or(1);
            sleep(Duration::from_secs(pause)).await;
            bail!("still undecided: {answer:?}");
        }
        Ok(answer)
    })
    .await
}

fn expect(answer: &Answer, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status == status, "expected {status}: {answer:?}");
    Ok(())
}
