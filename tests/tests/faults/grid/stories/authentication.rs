//! Orders whose customer is asked to authenticate (3-D Secure), and does not.

use anyhow::{Context as _, bail, ensure};
use kassa_domain::{OrderId, OrderStatus, ProductId};
use kassa_tests::customer::SECURE_CARD;
use kassa_tests::proxy::Call;
use kassa_tests::{Answer, Customer, Page, Shop};
use kassa_workflows::workflow_id;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::grid::case::{Case, Flow, Told};
use crate::grid::fault::Armed;
use crate::rig::on_sale;

/// An order that waits for its customer, and the fault that waits for its intent to be cancelled.
struct Waiting<'shop> {
    customer: Customer<'shop>,
    answer: Answer,
    page: Page,
    product: ProductId,
    order: OrderId,
    armed: Armed,
}

impl<'shop> Waiting<'shop> {
    async fn of(case: Case<'shop>) -> anyhow::Result<Self> {
        let product = on_sale(case.shop).await?;
        let customer = case.shop.customer();
        let checkout = customer.buys(&product, 1).pays_with(SECURE_CARD).can_authenticate();
        let order = checkout.order_id();
        let answer = checkout.send_until_decided().await?;
        let page = Page::of(&answer)?;
        let payments = case.shop.payments(&order);
        let [payment] = payments.as_slice() else { bail!("there are {} intents", payments.len()) };
        // Nothing in the call names the order.
        let cancelling = Call::with(format!("POST /v1/payment_intents/{}/cancel\n", payment.id));
        ensure!(case.proxies.stripe.passed(&cancelling) == 0, "it is cancelled already");
        let armed = case.arm((&case.proxies.stripe, cancelling));
        Ok(Self { customer, answer, page, product, order, armed })
    }

    /// That the order was cancelled for this reason, and can no longer be paid.
    async fn assert_over(&self, shop: &Shop, reason: &str) -> anyhow::Result<()> {
        let stored = shop.orders.find(&self.order).await?.context("the order is stored")?;
        let is_right = stored.status == OrderStatus::Cancelled && stored.failure_reason.as_deref() == Some(reason);
        ensure!(is_right, "it is {}: {:?}", stored.status, stored.failure_reason);
        let payments = shop.payments(&self.order);
        ensure!(payments.iter().all(|payment| payment.status == "canceled"), "not cancelled at Stripe: {payments:?}");
        ensure!(self.page.submit(&[("result", "passed")]).await?.0 == 409, "it can still be authenticated");
        Ok(())
    }
}

/// Nobody authenticates until the hold ends.
pub(in crate::grid) async fn not_authenticated(case: Case<'_>) -> anyhow::Result<Told> {
    let waiting = Waiting::of(case).await?;

    case.see_through(Flow::Checkout, &workflow_id(&waiting.order), &waiting.armed).await?;

    waiting.armed.judge(&waiting.answer, StatusCode::CREATED)?;
    waiting.assert_over(case.shop, "payment_expired").await?;
    Ok(case.told(&waiting.armed, waiting.product, waiting.order))
}

/// The customer cancels instead.
pub(in crate::grid) async fn intent_withdrawn(case: Case<'_>) -> anyhow::Result<Told> {
    let waiting = Waiting::of(case).await?;

    let cancel = waiting.customer.about(Method::POST, &waiting.answer, "/cancel").json(&json!({}));
    let id = workflow_id(&waiting.order);
    let (cancelled, ()) = tokio::try_join!(Answer::of(cancel), case.see_through(Flow::Checkout, &id, &waiting.armed))?;

    waiting.armed.judge(&cancelled, StatusCode::OK)?;
    waiting.assert_over(case.shop, "cancelled_by_customer").await?;
    Ok(case.told(&waiting.armed, waiting.product, waiting.order))
}
