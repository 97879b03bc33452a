//! Money that came after its order had ended: at Stripe, in the books, and in stock.

use std::sync::Arc;

use kassa_domain::{Money, OrderStatus, RefundId};
use kassa_store::orders::{
    CapturedPayment, LatePayment, LatePaymentBooked as Booked, OrderError, OrderView, RefundStatus, RefundView,
    Revived as OrderIsRevived,
};
use kassa_store::reservations::Revived as StockIsRevived;
use kassa_store::{Reservations, StoreError};
use kassa_stripe_client::PooledStripe;
use kassa_workflows::contracts::late_payments::{
    self as contract, Begun, BookLatePayment, BookedOrder, Forgo, LateMoneySeen, LatePaymentBooked, OrderRevived,
    PaymentOfOrder, ReviveOrder, SellAgain, SoldAgain,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::error::activity_error;
use crate::orders::OrderActivityError;
use crate::payments::Payments;
use crate::valve::Gate;

/// The activities at Stripe.
#[derive(Debug)]
pub struct LateMoney {
    payments: Payments,
}

impl LateMoney {
    /// The activities over a connection pool, behind a gate that holds what takes money.
    pub fn new(stripe: PooledStripe, gate: Gate) -> Self {
        Self { payments: Payments::new(stripe, gate) }
    }
}

#[activities]
impl LateMoney {
    /// Asks Stripe, the only one who is believed.
    #[activity(definition = contract::definitions::Look)]
    pub async fn look(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: PaymentOfOrder,
    ) -> Result<LateMoneySeen, ActivityError> {
        self.payments.late_money(&input).await.map_err(|error| activity_error(&error))
    }
}

/// The activities of the books.
#[derive(Debug)]
pub struct LateBooks {
    orders: kassa_store::Orders,
}

impl LateBooks {
    /// The activities over the orders.
    pub fn new(orders: kassa_store::Orders) -> Self {
        Self { orders }
    }

    async fn read_once(&self, payment: &PaymentOfOrder) -> Result<Option<BookedOrder>, StoreError> {
        let Some(order) = self.orders.find(&payment.order_id).await? else { return Ok(None) };
        let begun = self.begun(&order, payment).await?;
        Ok(Some(BookedOrder {
            status: order.status,
            reason: order.failure_reason,
            caller: order.caller,
            email: order.email,
            order: order.order,
            payment_intent: order.payment.map(|payment| payment.payment_intent),
            begun,
        }))
    }

    /// What an earlier attempt has begun about a payment.
    async fn begun(&self, order: &OrderView, payment: &PaymentOfOrder) -> Result<Option<Begun>, StoreError> {
        let refund = RefundId::of_late_payment(&payment.order_id, &payment.payment_intent);
        let claimed = |claim: &RefundView| claim.refund_id == refund && claim.status == RefundStatus::Pending;
        if order.refunds.iter().any(claimed) {
            return Ok(Some(Begun::GivingBack));
        }
        let booked = order.payment.as_ref().map(|payment| payment.payment_intent.as_str());
        if order.status != OrderStatus::Confirmed || booked != Some(payment.payment_intent.as_str()) {
            return Ok(None);
        }
        // The confirmation by a checkout is told by the first event, which no entry carries.
        let history = self.orders.timeline(&payment.order_id).await?;
        let revived = history.iter().any(|entry| entry.event == "order.confirmed" && entry.event_sequence.is_some());
        Ok(revived.then_some(Begun::Revived))
    }

    async fn revive_once(&self, revive: ReviveOrder) -> Result<OrderRevived, OrderError> {
        let ReviveOrder { order_id, reason, payment_id, payment_intent, captured } = revive;
        let payment = CapturedPayment { payment_id, payment_intent, amount: captured };
        Ok(match self.orders.revive(&order_id, &reason, &payment).await? {
            OrderIsRevived::Confirmed { event_sequence } => OrderRevived::Confirmed { sequence: event_sequence },
            OrderIsRevived::Refused => OrderRevived::Refused,
        })
    }

    async fn book_once(&self, book: BookLatePayment) -> Result<LatePaymentBooked, OrderError> {
        let BookLatePayment { order_id, payment_id, payment_intent, captured, refunded, refund_id } = book;
        let payment = CapturedPayment { payment_id, payment_intent, amount: captured };
        let late = LatePayment { payment, refunded: refunded.amount, refund_id };
        Ok(match self.orders.book_late_payment(&order_id, &late).await? {
            Booked::Booked => LatePaymentBooked::Booked,
            Booked::Kept => LatePaymentBooked::Kept,
            Booked::Refused => LatePaymentBooked::Unbooked,
        })
    }
}

fn refused(error: OrderError) -> ActivityError {
    activity_error(&OrderActivityError::from(error))
}

#[activities]
impl LateBooks {
    /// Reads the order; nothing if there is none.
    #[activity(definition = contract::definitions::Read)]
    pub async fn read(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: PaymentOfOrder,
    ) -> Result<Option<BookedOrder>, ActivityError> {
        self.read_once(&input).await.map_err(|error| activity_error(&OrderActivityError::from(error)))
    }

    /// Makes a cancelled order CONFIRMED with its payment, in one statement.
    #[activity(definition = contract::definitions::Revive)]
    pub async fn revive(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: ReviveOrder,
    ) -> Result<OrderRevived, ActivityError> {
        self.revive_once(input).await.map_err(refused)
    }

    /// Records the payment of a cancelled order and claims its refund, in one statement.
    #[activity(definition = contract::definitions::Book)]
    pub async fn book(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: BookLatePayment,
    ) -> Result<LatePaymentBooked, ActivityError> {
        self.book_once(input).await.map_err(refused)
    }
}

/// The activities of the stock.
#[derive(Debug)]
pub struct LateStock {
    reservations: Reservations,
}

impl LateStock {
    /// The activities over the reservations.
    pub fn new(reservations: Reservations) -> Self {
        Self { reservations }
    }
}

#[activities]
impl LateStock {
    /// Moves pieces that were given back from available to sold, all of them or none.
    #[activity(definition = contract::definitions::Sell)]
    pub async fn sell(self: Arc<Self>, _ctx: ActivityContext, input: SellAgain) -> Result<SoldAgain, ActivityError> {
        match self.reservations.revive(&input.order_id, &input.lines).await.map_err(|error| activity_error(&error))? {
            StockIsRevived::Sold => Ok(SoldAgain::Sold),
            StockIsRevived::Gone => Ok(SoldAgain::Gone),
        }
    }

    /// Moves them back; also shuts out a sale that arrives later.
    #[activity(definition = contract::definitions::Forgo)]
    pub async fn forgo(self: Arc<Self>, _ctx: ActivityContext, input: Forgo) -> Result<(), ActivityError> {
        self.reservations.forgo(&input.order_id).await.map_err(|error| activity_error(&error))
    }
}

impl Payments {
    /// What Stripe says of a payment, if it is this order's.
    async fn late_money(&self, payment: &PaymentOfOrder) -> Result<LateMoneySeen, crate::payments::PaymentError> {
        let Some((currency, captured, refunded)) = self.kept(&payment.payment_intent, &payment.order_id).await? else {
            return Ok(LateMoneySeen::Nothing);
        };
        Ok(LateMoneySeen::Captured {
            captured: Money::new(captured, currency),
            refunded: Money::new(refunded, currency),
        })
    }
}
