//! One act that fails once in one way.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, ProductId};
use kassa_tests::Shop;
use kassa_tests::proxy::{Call, Proxies, Proxy};
use kassa_tests::wait::eventually_within;
use kassa_workflows::cancellation::Cancellation;
use kassa_workflows::checkout::{Checkout, Step};
use kassa_workflows::contracts::payments;
use kassa_workflows::fulfilment::FulfilOrder;
use kassa_workflows::late_payment::LatePayments;
use kassa_workflows::parking::Operator;
use kassa_workflows::refund::Refund;
use kassa_workflows::search_attributes::{NEEDS_OPERATOR, ORDER_STATE};
use temporalio_client::{WorkflowExecuteUpdateOptions, WorkflowExecutionStatus};

use super::act::{Act, Refused, Story};
use super::fault::{Armed, Fault, When};
use super::stories;
use crate::effects::Deed;
use crate::late::Late;
use crate::rig::{STOCK, on_sale};

/// How long a case may take, on a machine that does much else: the longest faults take forty seconds, and many are told at
/// once.
pub(super) const PATIENCE: Duration = Duration::from_mins(4);

/// An order under which a call fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'shop> {
    pub(super) shop: &'shop Shop,
    pub(super) proxies: &'shop Proxies,
    pub(super) act: Act,
    fault: Fault,
}

/// What became of a case, for the oracle and for the table.
#[derive(Debug)]
pub(super) struct Told {
    /// How many calls the fault has struck.
    pub(super) fired: usize,
    /// What was sold, and how much of it there was.
    pub(super) product: ProductId,
    pub(super) received: u64,
    /// All orders of it.
    pub(super) orders: Vec<OrderId>,
    pub(super) mail_may_repeat: bool,
}

/// What has come first.
#[derive(Debug)]
pub(super) enum Begun<'shop> {
    Nothing,
    Held(Box<HeldOrder<'shop>>),
    Late(Late),
}

/// An order that is held, and will fail at its turn.
#[derive(Debug)]
pub(super) struct HeldOrder<'shop> {
    pub(super) product: ProductId,
    pub(super) checkout: kassa_tests::customer::Checkout<'shop>,
    pub(super) armed: Armed,
}

/// The workflows that operators see parked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flow {
    Checkout,
    Refund,
    Cancellation,
    Fulfilment,
    Late,
}

impl<'shop> Case<'shop> {
    pub(super) fn new(shop: &'shop Shop, proxies: &'shop Proxies, act: Act, fault: Fault) -> Self {
        Self { shop, proxies, act, fault }
    }

    pub(super) async fn tell(self, begun: Begun<'shop>) -> anyhow::Result<Told> {
        match (self.act.story(), begun) {
            (Story::Sold | Story::Unconfirmable | Story::Declined, _) => stories::checkout(self).await,
            (Story::CartSold, _) => stories::cart(self).await,
            (Story::PaidOnPage, _) => stories::paid_on_page(self).await,
            (Story::NotPaid, _) => stories::not_paid(self).await,
            (Story::PageWithdrawn, _) => stories::page_withdrawn(self).await,
            (Story::NotAuthenticated, _) => stories::not_authenticated(self).await,
            (Story::IntentWithdrawn, _) => stories::intent_withdrawn(self).await,
            (Story::AnotherCard, _) => stories::another_card(self).await,
            (Story::Refunded, _) => stories::refunded(self).await,
            (Story::SaleCancelled, _) => stories::sale_cancelled(self).await,
            (Story::Shipped, _) => stories::shipped(self).await,
            (Story::Held, Begun::Held(held)) => stories::resumed(self, *held).await,
            (Story::Revived | Story::GivenBack, Begun::Late(late)) => stories::late(self, late).await,
            (Story::Held | Story::Revived | Story::GivenBack, _) => anyhow::bail!("it was not begun"),
        }
    }

    /// Has the calls of the act fail from now on.
    pub(super) fn arm(&self, (proxy, call): (&Proxy, Call)) -> Armed {
        self.fault.arm(self.act, proxy, call)
    }

    /// Waits until a workflow has ended. If it has to be parked, it is, for everybody to see, and an operator has it tried
    /// again.
    pub(super) async fn see_through(&self, flow: Flow, id: &str, armed: &Armed) -> anyhow::Result<()> {
        let mut parked = 0;
        eventually_within(PATIENCE, &format!("{id} completes"), async || {
            let found = self.shop.describe_workflow(id).await?.context("there is no workflow")?;
            if found.status() == WorkflowExecutionStatus::Completed {
                return Ok(());
            }
            let state = found.search_attributes().get(&ORDER_STATE);
            ensure!(state.as_deref() == Some(NEEDS_OPERATOR), "it is {:?} and {state:?}", found.status());
            let details = self.shop.operator().details_of(id).await?;
            let place = format!("**Needs an operator** at `{}`", self.parked_at());
            ensure!(details.contains(&place), "it shows {details}");
            self.retry(flow, id).await?;
            parked += 1;
            anyhow::bail!("it was tried again")
        })
        .await?;
        let right = usize::from(armed.refused() == Some(Refused::Parked));
        let forgotten = armed.may_be_forgotten() && parked == 0;
        ensure!(parked == right || forgotten, "it was parked {parked} times, and not {right}");
        Ok(())
    }

    /// What the step is called where it is shown parked.
    fn parked_at(&self) -> &'static str {
        match self.act {
            // However it was to be paid, the undo is called after the charge that it takes back.
            Act::WithdrawPage => payments::REFUND,
            Act::ClosePage | Act::CloseIntent => payments::CHARGE,
            act => act.activity(),
        }
    }

    /// What the oracle has to know.
    pub(super) fn told(&self, armed: &Armed, product: ProductId, order: OrderId) -> Told {
        // Nothing tells a mail that was sent before from one that was not.
        let mail_may_repeat = self.act == Act::Deed(Deed::Step(Step::Notify)) && self.fault.when != When::Before;
        Told { fired: armed.fired(), product, received: STOCK, orders: vec![order], mail_may_repeat }
    }

    /// A sold order, whose own mail and event are out.
    pub(super) async fn sold(&self) -> anyhow::Result<(ProductId, OrderId)> {
        let product = on_sale(self.shop).await?;
        let order = self.shop.customer().buys(&product, 1).send_until_decided().await?.assert_confirmed();
        self.shop.closed(&order).await?;
        Ok((product, order))
    }

    async fn retry(&self, flow: Flow, id: &str) -> anyhow::Result<()> {
        let by = Operator { operator: "kim".to_owned(), step: None };
        let now = WorkflowExecuteUpdateOptions::default;
        let temporal = &self.shop.temporal;
        match flow {
            Flow::Checkout => {
                temporal.get_workflow_handle::<Checkout>(id).execute_update(Checkout::retry, by, now()).await?;
            }
            Flow::Refund => {
                temporal.get_workflow_handle::<Refund>(id).execute_update(Refund::retry, by, now()).await?;
            }
            Flow::Cancellation => {
                temporal.get_workflow_handle::<Cancellation>(id).execute_update(Cancellation::retry, by, now()).await?;
            }
            Flow::Fulfilment => {
                temporal.get_workflow_handle::<FulfilOrder>(id).execute_update(FulfilOrder::retry, by, now()).await?;
            }
            Flow::Late => {
                temporal.get_workflow_handle::<LatePayments>(id).execute_update(LatePayments::retry, by, now()).await?;
            }
        }
        Ok(())
    }
}
