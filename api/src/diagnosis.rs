//! Everything that works, or has worked, on one order, as Temporal and the workflows themselves tell it.

use futures::future::try_join_all;
use kassa_domain::{OrderId, OrderStatus};
use kassa_store::orders::OrderView;
use kassa_workflows::cancellation::{self, Cancellation};
use kassa_workflows::checkout::Checkout;
use kassa_workflows::fulfilment::{self, FulfilOrder};
use kassa_workflows::late_payment::{self, LatePayments};
use kassa_workflows::parking::Standing;
use kassa_workflows::recovery::{self, Recovery};
use kassa_workflows::refund::{self, Refund};
use kassa_workflows::workflow_id;
use temporalio_client::{WorkflowExecutionDescription, WorkflowExecutionStatus};

use crate::workflows::{WorkflowError, Workflows};

/// A workflow of an order.
#[derive(Debug)]
pub(crate) struct Found {
    /// What Temporal knows about it.
    pub(crate) described: WorkflowExecutionDescription,
    /// Where it stands, as it says itself; nothing of one that is closed, or that no worker answers for at the moment.
    pub(crate) standing: Option<Standing>,
}

/// What an order's workflows do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Checkout,
    Cancellation,
    Refund,
    Fulfilment,
    Recovery,
    LatePayment,
}

/// The workflows of an order that Temporal still knows. All of their ids follow from the order's, and from what the books
/// say: no list has to be searched that is a moment behind.
pub(crate) async fn of(
    workflows: &Workflows,
    order_id: &OrderId,
    order: Option<&OrderView>,
) -> Result<Vec<Found>, WorkflowError> {
    let looked_up = candidates(order_id, order).into_iter().map(|(kind, id)| find(workflows, kind, id));
    Ok(try_join_all(looked_up).await?.into_iter().flatten().collect())
}

/// Every workflow that the order may have, or have had.
fn candidates(order_id: &OrderId, order: Option<&OrderView>) -> Vec<(Kind, String)> {
    let mut found = vec![
        (Kind::Checkout, workflow_id(order_id)),
        (Kind::Cancellation, cancellation::workflow_id(order_id)),
        (Kind::Recovery, recovery::workflow_id(order_id)),
    ];
    let Some(order) = order else { return found };
    found.extend(order.refunds.iter().map(|refund| (Kind::Refund, refund::workflow_id(&refund.refund_id))));
    let paid = order.payment.iter();
    found.extend(paid.map(|payment| (Kind::LatePayment, late_payment::workflow_id(&payment.payment_intent))));
    // A step is named after the version from which it was taken, or is to be.
    for version in 1..=order.version {
        for status in [OrderStatus::Shipped, OrderStatus::Delivered] {
            found.push((Kind::Fulfilment, fulfilment::workflow_id(order_id, status, version)));
        }
    }
    found
}

async fn find(workflows: &Workflows, kind: Kind, id: String) -> Result<Option<Found>, WorkflowError> {
    let Some(described) = workflows.describe(&id).await? else { return Ok(None) };
    let standing = match described.status() {
        WorkflowExecutionStatus::Running => ask(workflows, kind, &id).await,
        // It stands nowhere any more, and asking would have a worker read all of its history.
        _ => None,
    };
    Ok(Some(Found { described, standing }))
}

/// Asks a workflow where it stands. Without a worker, or in the middle of a step at a database, it does not answer in time:
/// what Temporal knows is shown all the same.
async fn ask(workflows: &Workflows, kind: Kind, id: &str) -> Option<Standing> {
    let standing = match kind {
        Kind::Checkout => workflows.query(id, Checkout::standing).await,
        Kind::Cancellation => workflows.query(id, Cancellation::standing).await,
        Kind::Refund => workflows.query(id, Refund::standing).await,
        Kind::Fulfilment => workflows.query(id, FulfilOrder::standing).await,
        Kind::Recovery => workflows.query(id, Recovery::standing).await,
        Kind::LatePayment => workflows.query(id, LatePayments::standing).await,
    };
    standing.inspect_err(|error| tracing::info!(workflow = id, %error, "a workflow did not say where it stands")).ok()
}
