//! Looking at one order everywhere, to say what is left to do about it.

use std::sync::Arc;

use kassa_domain::{Line, Money, OrderStatus, Parcel, PricedLine, RefundId, parse_currency};
use kassa_store::orders::{HistoryEntry, OrderView, RefundStatus};
use kassa_store::reservations::ReservationStatus;
use kassa_store::{EventLog, Orders, Reservations, StoreError};
use kassa_stripe_client::PooledStripe;
use kassa_workflows::contracts::events::OrderEvent;
use kassa_workflows::contracts::orders::PlaceOrder;
use kassa_workflows::contracts::payments::Captured;
use kassa_workflows::contracts::recovery::{self as contract, Examine, Examined, Left, Unpublished};
use kassa_workflows::contracts::refunds::RefundClaim;
use kassa_workflows::reconciliation::workflow_of_late_payment;
use kassa_workflows::recovery::workflow_id;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use time::Duration;

use crate::alive::alive;
use crate::error::{Classified, activity_error};
use crate::reconciliation::{AtStripe, Engine, ReconciliationError, Stripe, owed, publishers_of, unpublished};

/// Around the time at which an order was placed, its page was opened: not much before by another clock, and after it for as
/// long as steps are retried at most.
const OPENED: (Duration, Duration) = (Duration::minutes(5), Duration::hours(25));

/// The activities of recoveries.
#[derive(Debug)]
pub struct Recoveries {
    orders: Orders,
    reservations: Reservations,
    log: EventLog,
    stripe: Stripe,
}

/// Why an order was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// Something could not be read.
    #[error(transparent)]
    Read(#[from] ReconciliationError),
    /// The books count an event that their history does not tell.
    #[error("the history does not tell event {0}")]
    UntoldEvent(u32),
}

impl Classified for ExamineError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Read(error) => error.kind(),
            Self::UntoldEvent(_) => "UntoldEvent",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Read(error) => error.is_retryable(),
            Self::UntoldEvent(_) => false,
        }
    }
}

impl From<StoreError> for ExamineError {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}

impl From<kassa_stripe_client::Error> for ExamineError {
    fn from(error: kassa_stripe_client::Error) -> Self {
        Self::Read(error.into())
    }
}

impl Recoveries {
    /// The activities over everything that is looked at.
    pub fn new(orders: Orders, reservations: Reservations, log: EventLog, stripe: PooledStripe) -> Self {
        Self { orders, reservations, log, stripe: Stripe::new(stripe) }
    }

    async fn examine_order(&self, engine: &Engine, input: &Examine) -> Result<Examined, ExamineError> {
        let Examine { order_id, taken_back } = input;
        let Some(order) = self.orders.find(order_id).await? else { return Ok(Examined::Unknown) };
        let is_undecided = match order.status {
            OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed => true,
            OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Cancelled => false,
        };
        // A payment that came late for a cancelled order is in no books before it is decided what becomes of it.
        let late = match (order.status, &order.payment) {
            (OrderStatus::Cancelled, None) => self.stripe.payments_of(order_id).await?,
            _ => Vec::new(),
        };
        // A cancellation decides nothing without the checkout that it has asked to stop.
        let alone = is_undecided || *taken_back;
        let others = if alone {
            vec![kassa_workflows::workflow_id(order_id)]
        } else {
            let late = late.iter().map(|payment| workflow_of_late_payment(&payment.payment_intent));
            publishers_of(&order).into_iter().chain(late).collect()
        };
        let own = workflow_id(order_id);
        let others = others.into_iter().filter(|workflow| *workflow != own);
        if let Some(workflow_id) = engine.first_open(others).await.map_err(ReconciliationError::from)? {
            return Ok(Examined::Busy { workflow_id });
        }
        if is_undecided {
            self.undecided(order).await
        } else {
            Ok(Examined::Ended { left: Box::new(self.left(order, &late).await?) })
        }
    }

    async fn undecided(&self, order: OrderView) -> Result<Examined, ExamineError> {
        let (before, after) = OPENED;
        let span = (order.created_at - before, order.created_at + after);
        let payments = self.stripe.payments_of(&order.order_id).await?;
        Ok(Examined::Undecided {
            sessions: self.stripe.sessions_of(&order.order_id, span.0, span.1).await?,
            payment_intents: payments.into_iter().map(|payment| payment.payment_intent).collect(),
            place: Box::new(PlaceOrder {
                lines: order.order.lines.iter().map(line).collect(),
                order_id: order.order_id,
                caller: order.caller,
                email: order.email,
                expected_total: None,
                fingerprint: order.fingerprint,
                request_id: order.request_id,
            }),
            order: order.order,
        })
    }

    /// What is left of an order that has ended, with these payments that may have come late.
    async fn left(&self, order: OrderView, late: &[AtStripe]) -> Result<Left, ExamineError> {
        let is_sold = order.status != OrderStatus::Cancelled;
        let reservation = self.reservations.get(&order.order_id).await?.map(|reservation| reservation.status);
        let intent = order.payment.as_ref().map(|payment| payment.payment_intent.clone());
        let pending = order.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
        let pending = pending.filter_map(|refund| {
            let payment_intent = intent.clone()?;
            Some(RefundClaim { refund_id: refund.refund_id.clone(), payment_intent, amount: refund.amount })
        });
        Ok(Left {
            is_sold,
            holds_stock: reservation == Some(ReservationStatus::Reserved),
            has_stock: reservation == Some(ReservationStatus::Sold),
            late: late.iter().find(|payment| payment.kept() > 0).and_then(captured),
            owed: owed(&order),
            pending: pending.collect(),
            reason: order.failure_reason.clone(),
            refunded: given_back(&order),
            unpublished: self.unpublished(&order).await?,
            caller: order.caller,
            email: order.email,
            order: order.order,
        })
    }

    async fn unpublished(&self, order: &OrderView) -> Result<Vec<Unpublished>, ExamineError> {
        let missing = unpublished(&self.log, &order.order_id, order.events).await?;
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let history = self.orders.timeline(&order.order_id).await?;
        let told = missing.into_iter().map(|sequence| {
            let event = event(order, &history, sequence).ok_or(ExamineError::UntoldEvent(sequence))?;
            Ok(Unpublished { sequence, event })
        });
        told.collect()
    }
}

fn line(line: &PricedLine) -> Line {
    Line { product_id: line.product_id.clone(), quantity: line.quantity }
}

fn captured(payment: &AtStripe) -> Option<Captured> {
    let currency = parse_currency(&payment.currency).ok()?;
    Some(Captured { payment_intent: payment.payment_intent.clone(), amount: Money::new(payment.received, currency) })
}

/// What a cancelled order's customer got back, or will, because it was cancelled.
fn given_back(order: &OrderView) -> Option<Money> {
    let ids = [RefundId::of_undo(&order.order_id), RefundId::of_cancellation(&order.order_id)];
    let refund = order.refunds.iter().find(|refund| ids.contains(&refund.refund_id))?;
    matches!(refund.status, RefundStatus::Pending | RefundStatus::Succeeded).then_some(refund.amount)
}

/// The event with this number: the first one tells how the checkout ended, every other one an entry of the history.
fn event(order: &OrderView, history: &[HistoryEntry], sequence: u32) -> Option<OrderEvent> {
    let taken_back = history.iter().find(|entry| entry.event == "order.cancelled" && entry.event_sequence.is_none());
    let entry = match sequence {
        1 => match taken_back {
            Some(entry) => entry,
            None => return Some(OrderEvent::Confirmed { total: order.order.total }),
        },
        _ => history.iter().find(|entry| entry.event_sequence == Some(sequence))?,
    };
    let text = |name: &str| entry.detail[name].as_str().map(str::to_owned);
    match entry.event.as_str() {
        "order.cancelled" => Some(OrderEvent::Cancelled { reason: text("reason")? }),
        // Revived by a payment that came late.
        "order.confirmed" => Some(OrderEvent::Confirmed { total: order.order.total }),
        "order.shipped" => {
            let shipment = order.shipment.clone()?;
            let parcel = Parcel { carrier: shipment.carrier, tracking_number: shipment.tracking_number };
            Some(OrderEvent::Shipped { parcel })
        }
        "order.delivered" => Some(OrderEvent::Delivered),
        "order.refunded" => {
            let refund_id: RefundId = text("refund_id")?.parse().ok()?;
            let amount = order.refunds.iter().find(|refund| refund.refund_id == refund_id)?.amount;
            Some(OrderEvent::Refunded { refund_id, amount })
        }
        _ => None,
    }
}

#[activities]
impl Recoveries {
    /// Looks at an order everywhere, and says what is left to do. Changes nothing.
    #[activity(definition = contract::definitions::Examine)]
    pub async fn examine(self: Arc<Self>, ctx: ActivityContext, input: Examine) -> Result<Examined, ActivityError> {
        let engine = Engine::new(ctx.client());
        alive(&ctx, self.examine_order(&engine, &input)).await.map_err(|error| activity_error(&error))
    }
}
