//! Everything that a Worker can run.

use std::time::Duration;

use kassa_activities::carts::Carts;
use kassa_activities::events::Events;
use kassa_activities::inventory::Inventory;
use kassa_activities::late_payments::{LateBooks, LateMoney, LateStock};
use kassa_activities::notifications::Notifications;
use kassa_activities::orders::Orders;
use kassa_activities::payments::{AwaitedPayments, Payments};
use kassa_activities::reconciliation::Reconciliation;
use kassa_activities::recovery::Recoveries;
use kassa_activities::refunds::Refunds;
use kassa_activities::valve::Valve;
use kassa_workflows::cancellation::Cancellation;
use kassa_workflows::checkout::Checkout;
use kassa_workflows::finding::ParkedFinding;
use kassa_workflows::fulfilment::FulfilOrder;
use kassa_workflows::late_payment::LatePayments;
use kassa_workflows::notification::Notification;
use kassa_workflows::reconciliation::Reconcile;
use kassa_workflows::recovery::Recovery;
use kassa_workflows::refund::Refund;
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::workflows::WorkflowRegistrationError;

/// How long running activities may go on after the order to stop: longer than the longest attempt (30 seconds), so that
/// a charge in flight is finished rather than handed back with its outcome unknown.
const GRACE: Duration = Duration::from_secs(35);

/// The activities of all outside systems.
#[derive(Debug)]
pub struct Activities {
    /// Orders in Aurora PostgreSQL.
    pub orders: Orders,
    /// Stock and reservations in DynamoDB.
    pub inventory: Inventory,
    /// Payments at Stripe.
    pub payments: Payments,
    /// Refunds in Aurora PostgreSQL.
    pub refunds: Refunds,
    /// Payments at Stripe that wait for their customer.
    pub awaited_payments: AwaitedPayments,
    /// The valve before Stripe, in DynamoDB.
    pub valve: Valve,
    /// Money that comes late, at Stripe.
    pub late_money: LateMoney,
    /// Money that comes late, in the books.
    pub late_books: LateBooks,
    /// Money that comes late, and the stock that it may still buy.
    pub late_stock: LateStock,
    /// Messages through SES and SNS.
    pub notifications: Notifications,
    /// Events on EventBridge.
    pub events: Events,
    /// Carts in DynamoDB.
    pub carts: Carts,
    /// What compares all of them.
    pub reconciliation: Reconciliation,
    /// What looks at one order in all of them.
    pub recoveries: Recoveries,
}

/// A Worker that polls `task_queue` for all workflows and activities there are.
pub fn options(task_queue: &str, activities: Activities) -> Result<WorkerOptions, WorkflowRegistrationError> {
    let options = WorkerOptions::new(task_queue)
        .graceful_shutdown_period(GRACE)
        .register_activities(activities.orders)
        .register_activities(activities.inventory)
        .register_activities(activities.payments)
        .register_activities(activities.refunds)
        .register_activities(activities.awaited_payments)
        .register_activities(activities.valve)
        .register_activities(activities.late_money)
        .register_activities(activities.late_books)
        .register_activities(activities.late_stock)
        .register_activities(activities.notifications)
        .register_activities(activities.events)
        .register_activities(activities.carts)
        .register_activities(activities.reconciliation)
        .register_activities(activities.recoveries)
        .register_workflow::<Checkout>()?
        .register_workflow::<Notification>()?
        .register_workflow::<FulfilOrder>()?
        .register_workflow::<Refund>()?
        .register_workflow::<LatePayments>()?
        .register_workflow::<Cancellation>()?
        .register_workflow::<Reconcile>()?
        .register_workflow::<Recovery>()?
        .register_workflow::<ParkedFinding>()?;
    Ok(options.build())
}
