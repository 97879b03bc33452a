//! The checkout workflows: starting one, waiting for its answer, and whether Temporal can be reached at all.

use std::fmt::Write;
use std::time::Duration;

use kassa_domain::{OrderId, OrderStatus, PricedOrder};
use kassa_workflows::checkout::{ANSWER_UPDATE_ID, Checkout, CheckoutAnswer, CheckoutInput};
use kassa_workflows::search_attributes::{CUSTOMER_ID, ORDER_STATE, ORDER_TOTAL};
use kassa_workflows::workflow_id;
use temporalio_client::errors::{
    WorkflowInteractionError, WorkflowStartError, WorkflowUpdateError, WorkflowUpdateWithStartError,
};
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{self, IntoRequest};
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, RpcOptions, WorkflowDescribeOptions,
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowUpdateHandle, WorkflowUpdateWithStartOptions,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use temporalio_common::search_attributes::SearchAttributes;
use tokio::sync::watch;

use crate::config::CheckoutConfig;

/// How long a question about a workflow that may or may not exist may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The first and the longest pause between attempts to connect.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Why a checkout has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// The first connection has not come about yet.
    #[error("there is no connection to Temporal yet")]
    NotConnected,
    /// Temporal cannot be reached, or does not say whether the checkout was started.
    #[error("Temporal is unavailable")]
    Unavailable(#[source] Box<tonic::Status>),
    /// Temporal did not say in time whether the checkout was started.
    #[error("Temporal did not answer in time")]
    Silent,
    /// The workflow is durable and still at it.
    #[error("the checkout is not decided yet")]
    Undecided,
    /// The workflow was closed from outside before it had answered.
    #[error("the workflow was closed before it answered")]
    Interrupted,
    /// A defect: messages that cannot be written or read.
    #[error("the checkout could not be asked for its answer")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Starts checkouts and waits for what they answer. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Checkouts {
    client: watch::Receiver<Option<Client>>,
    config: CheckoutConfig,
}

impl Checkouts {
    /// Connects in the background and keeps trying, so that the API starts, and says what it waits for, while Temporal
    /// is still down. Once made, the connection mends itself.
    pub fn connect(connection: ConnectionOptions, client: ClientOptions, config: CheckoutConfig) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let mut pause = RECONNECT.0;
            loop {
                match Connection::connect(connection.clone()).await {
                    Ok(connected) => match Client::new(connected, client) {
                        Ok(client) => {
                            tracing::info!("connected to Temporal");
                            sender.send_replace(Some(client));
                            // The receivers live as long as this sender is wanted.
                            sender.closed().await;
                            return;
                        }
                        Err(error) => {
                            tracing::error!(error = %error, "the Temporal client cannot be made");
                            return;
                        }
                    },
                    Err(error) => {
                        let target = &connection.target;
                        tracing::warn!(temporal = %target, error = %error, "cannot connect to Temporal; trying again");
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = sender.closed() => return,
                }
                pause = (pause * 2).min(RECONNECT.1);
            }
        });
        Self { client: receiver, config }
    }

    /// Uses a client that is connected already; `None` behaves like one that is still connecting.
    pub fn new(client: Option<Client>, config: CheckoutConfig) -> Self {
        Self { client: watch::channel(client).1, config }
    }

    /// How checkouts are started and waited for.
    pub fn config(&self) -> &CheckoutConfig {
        &self.config
    }

    fn client(&self) -> Result<Client, CheckoutError> {
        self.client.borrow().clone().ok_or(CheckoutError::NotConnected)
    }

    /// Starts the checkout, or joins the one that there is for this order, and waits for its answer.
    ///
    /// The answer is the same however often it is asked for: the update has a fixed id, and an order that has ended is
    /// not started again. `priced` is only shown in the web UI; the workflow prices the order itself.
    pub async fn decide(
        &self,
        input: CheckoutInput,
        priced: Option<&PricedOrder>,
    ) -> Result<CheckoutAnswer, CheckoutError> {
        let client = self.client()?;
        let order = input.order.order_id.clone();
        let options = self.start_options(&input, priced);
        // A task of its own: a client that hangs up ends its request, not the start of its checkout.
        let limit = self.config.answer_timeout;
        let start = tokio::spawn(async move {
            let start = client.start_update_with_start_workflow(Checkout::run, input, Checkout::answer, (), options);
            tokio::time::timeout(limit, start).await
        });
        let answer = async {
            let started: Result<WorkflowUpdateHandle<_, _>, _> = match start.await {
                Ok(Ok(started)) => started,
                Ok(Err(_elapsed)) => return Err(CheckoutError::Silent),
                Err(panic) => return Err(CheckoutError::Defect(panic.into())),
            };
            let update = started.map_err(started_not)?;
            update.get_result(RpcOptions::default()).await.map_err(not_answered)
        };
        match tokio::time::timeout(limit, answer).await {
            Ok(Err(CheckoutError::Silent)) | Err(_) => Err(self.undecided(&order).await),
            Ok(result) => result,
        }
    }

    /// Time is up: is there a durable workflow to come back for, or is nothing known?
    async fn undecided(&self, order: &OrderId) -> CheckoutError {
        match self.exists(order).await {
            Ok(true) => CheckoutError::Undecided,
            Ok(false) => CheckoutError::Silent,
            Err(error) => error,
        }
    }

    /// Whether Temporal knows a workflow of this order, open or closed.
    pub async fn exists(&self, order: &OrderId) -> Result<bool, CheckoutError> {
        let handle = self.client()?.get_workflow_handle::<Checkout>(workflow_id(order));
        let describe = handle.describe(WorkflowDescribeOptions::default());
        match tokio::time::timeout(LOOKUP_TIMEOUT, describe).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(WorkflowInteractionError::NotFound(_))) => Ok(false),
            Ok(Err(WorkflowInteractionError::Rpc(status))) => Err(CheckoutError::Unavailable(Box::new(status))),
            Ok(Err(error)) => Err(CheckoutError::Defect(error.into())),
            Err(_) => Err(CheckoutError::Silent),
        }
    }

    /// Whether Temporal answers and has the namespace.
    pub async fn ping(&self) -> Result<(), CheckoutError> {
        let mut client = self.client()?;
        let request = DescribeNamespaceRequest { namespace: client.options().namespace.clone(), ..Default::default() };
        WorkflowService::describe_namespace(&mut client, request.into_request())
            .await
            .map_err(|status| CheckoutError::Unavailable(Box::new(status)))?;
        Ok(())
    }

    fn start_options(&self, input: &CheckoutInput, priced: Option<&PricedOrder>) -> WorkflowUpdateWithStartOptions {
        let mut attributes = vec![
            ORDER_STATE.value_set(OrderStatus::Pending.as_str().to_owned()),
            CUSTOMER_ID.value_set(input.order.caller.as_str().to_owned()),
        ];
        if let Some(priced) = priced {
            attributes.push(ORDER_TOTAL.value_set(priced.total.amount));
        }
        WorkflowUpdateWithStartOptions::new(
            self.config.task_queue.clone(),
            workflow_id(&input.order.order_id),
            WorkflowIdConflictPolicy::UseExisting,
        )
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .update_id(ANSWER_UPDATE_ID)
        .search_attributes(SearchAttributes::new(attributes))
        .static_summary(summary(input, priced))
        .maybe_static_details(priced.map(details))
        .build()
    }
}

/// One line for the list of workflows. Never personal data: it is stored in clear text.
fn summary(input: &CheckoutInput, priced: Option<&PricedOrder>) -> String {
    let count = input.order.lines.len();
    let lines = if count == 1 { "line" } else { "lines" };
    match priced {
        Some(priced) => format!("Checkout of {count} {lines}, {}", priced.total),
        None => format!("Checkout of {count} {lines}"),
    }
}

/// What was ordered, as a Markdown table. Never personal data: it is stored in clear text.
fn details(priced: &PricedOrder) -> String {
    // Temporal refuses more than 20,000 bytes of details; that many lines stay below it, however long their names are.
    const SHOWN: usize = 15;
    let mut text = String::from("| pieces | product | each | total |\n|---:|---|---:|---:|\n");
    for line in priced.lines.iter().take(SHOWN) {
        let (quantity, name) = (line.quantity.get(), line.name.replace('|', "\\|"));
        writeln!(text, "| {quantity} | {name} (`{}`) | {} | {} |", line.product_id, line.unit_price, line.total)
            .expect("writing into a String does not fail");
    }
    if let Some(more @ 1..) = priced.lines.len().checked_sub(SHOWN) {
        writeln!(text, "\n… and {more} more").expect("writing into a String does not fail");
    }
    text
}

fn started_not(error: WorkflowUpdateWithStartError) -> CheckoutError {
    match error {
        // The workflow has ended without ever having been asked: somebody else ended it.
        WorkflowUpdateWithStartError::Start(WorkflowStartError::AlreadyStarted { .. }) => CheckoutError::Interrupted,
        WorkflowUpdateWithStartError::Start(WorkflowStartError::Rpc(status))
        | WorkflowUpdateWithStartError::Rpc(status) => CheckoutError::Unavailable(Box::new(status)),
        WorkflowUpdateWithStartError::Update(error) => not_answered(error),
        error => CheckoutError::Defect(error.into()),
    }
}

fn not_answered(error: WorkflowUpdateError) -> CheckoutError {
    match error {
        WorkflowUpdateError::Rpc(status) => CheckoutError::Unavailable(Box::new(status)),
        // The update answers with outcomes only; what fails it is the end of its workflow.
        WorkflowUpdateError::NotFound(_) | WorkflowUpdateError::Failed(_) => CheckoutError::Interrupted,
        error => CheckoutError::Defect(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use kassa_domain::{Currency, Money, PricedLine, Quantity};

    use super::*;

    fn priced(lines: usize) -> PricedOrder {
        let line = |n: usize| PricedLine {
            product_id: format!("prod_{n}").parse().expect("an id"),
            name: "Tea | green".to_owned(),
            quantity: Quantity::new(2).expect("a quantity"),
            unit_price: Money::new(250, Currency::EUR),
            total: Money::new(500, Currency::EUR),
        };
        PricedOrder { lines: (0..lines).map(line).collect(), total: Money::new(500, Currency::EUR) }
    }

    #[test]
    fn details_show_each_line_and_stay_short() {
        assert!(details(&priced(1)).ends_with("| 2 | Tea \\| green (`prod_0`) | 2.50 EUR | 5.00 EUR |\n"));
        assert!(!details(&priced(15)).contains("more"));
        assert!(details(&priced(99)).ends_with("… and 84 more\n"));
    }
}
