//! Money that comes after its order was cancelled.

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, OrderStatus, ProductId};
use kassa_stand_ins::stripe::Authentication;
use kassa_tests::customer::SECURE_CARD;
use kassa_tests::{Shop, eventually};
use kassa_workflows::checkout::Checkout;
use kassa_workflows::parking::Reasoned;
use temporalio_client::WorkflowExecuteUpdateOptions;

use crate::rig::{STOCK, on_sale};

/// So that nobody waits long for a customer, and what Stripe does not decide soon needs an operator.
pub(crate) const IMPATIENT: [(&str, &str); 2] = [("KASSA_PAYMENT_HOLD_MS", "6000"), ("KASSA_STEP_PATIENCE_MS", "4000")];

/// An order that was cancelled while its issuer had not decided. It wanted all pieces there are of its product.
#[derive(Debug, Clone)]
pub(crate) struct Late {
    pub(crate) product: ProductId,
    pub(crate) order: OrderId,
    pub(crate) intent: String,
}

impl Late {
    /// Nobody pays in time, and an operator gives up to close the payment and to take it back. The API is [`IMPATIENT`].
    pub(crate) async fn of(shop: &Shop) -> anyhow::Result<Self> {
        let product = on_sale(shop).await?;
        let card = SECURE_CARD;
        let all = u32::try_from(STOCK)?;
        let checkout = shop.customer().buys(&product, all).pays_with(card).can_authenticate();
        let order = checkout.send_until_decided().await?.order_id().context("an order")?;
        let intent = shop.payments(&order).first().context("an intent")?.id.clone();
        ensure!(shop.stack.stripe.authenticate(&intent, Authentication::Undecided), "nobody waits for it");
        let late = Self { product, order, intent };
        let kim = || Reasoned { operator: "kim".to_owned(), reason: "Stripe does not decide".to_owned(), step: None };
        let now = WorkflowExecuteUpdateOptions::default;
        late.parked_at(shop, "payments.charge").await?;
        shop.workflow(&late.order).execute_update(Checkout::abort, kim(), now()).await?;
        late.parked_at(shop, "payments.refund").await?;
        shop.workflow(&late.order).execute_update(Checkout::write_off, kim(), now()).await?;
        shop.closed(&late.order).await?;
        Ok(late)
    }

    async fn parked_at(&self, shop: &Shop, step: &str) -> anyhow::Result<()> {
        eventually(&format!("it is parked at {step}"), async || {
            let details = shop.current_details(&self.order).await?;
            ensure!(details.contains(&format!("at `{step}`")), "it shows {details}");
            Ok(())
        })
        .await
    }

    /// Somebody else buys a piece, so that not all of them are there any more.
    pub(crate) async fn other_buys(&self, shop: &Shop) -> anyhow::Result<OrderId> {
        let other = shop.customer().buys(&self.product, 1).send_until_decided().await?.assert_confirmed();
        shop.closed(&other).await?;
        Ok(other)
    }

    /// The issuer agrees after all.
    pub(crate) fn comes(&self, shop: &Shop) -> anyhow::Result<()> {
        ensure!(shop.stack.stripe.settle(&self.intent, true), "it is not on its way");
        Ok(())
    }

    /// What the order is.
    pub(crate) async fn status(&self, shop: &Shop) -> anyhow::Result<OrderStatus> {
        Ok(shop.orders.find(&self.order).await?.context("the order is stored")?.status)
    }
}
