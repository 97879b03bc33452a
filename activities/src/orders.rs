//! Orders in Aurora `PostgreSQL`, priced from the catalogue in DynamoDB.

use std::sync::Arc;

use kassa_domain::{PricedOrder, ProductId, RefundId};
use kassa_store::orders::{
    CancellationRequest, CancellationResult, CapturedPayment, DeclinedCard, OrderError, OrderIdentity, PlaceResult,
    RefundedCharge,
};
use kassa_store::{Products, StoreError};
use kassa_workflows::checkout::{CheckoutAnswer, Refusal, quote};
use kassa_workflows::contracts::orders::{
    self as contract, AwaitPayment, CancelOrder, CancelSale, ConfirmOrder, Fulfil, Fulfilled, PaymentFailed,
    PlaceOrder, Placed, SaleCancelled, Told,
};
use kassa_workflows::contracts::payments::Captured;
use kassa_workflows::contracts::refunds::RefundClaim;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::error::{Classified, activity_error};

/// The activities of orders.
#[derive(Debug)]
pub struct Orders {
    orders: kassa_store::Orders,
    products: Products,
}

/// Why an order was not changed.
#[derive(Debug, thiserror::Error)]
pub enum OrderActivityError {
    /// The order is not where the change starts from, or the store failed.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An answer cannot be written as JSON, or read from it.
    #[error("the answer that is kept with the order cannot be read or written")]
    Answer(#[from] serde_json::Error),
}

impl Classified for OrderActivityError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Order(OrderError::Store(_)) | Self::Store(_) => "StoreError",
            Self::Order(_) => "OrderRefused",
            Self::Answer(_) => "AnswerUnreadable",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Order(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
            Self::Answer(_) => false,
        }
    }
}

impl Orders {
    /// The activities over the orders and the catalogue that prices them.
    pub fn new(orders: kassa_store::Orders, products: Products) -> Self {
        Self { orders, products }
    }

    async fn place_once(&self, place: PlaceOrder) -> Result<Placed, OrderActivityError> {
        let order_id = place.order_id.clone();
        let order = match self.priced(&place).await? {
            Ok(order) => order,
            // An order that is written keeps the prices it was written with, whatever the catalogue says by now.
            Err(refusal) => match self.orders.find(&order_id).await? {
                Some(written) => written.order,
                None => return Ok(Placed::Refused { refusal }),
            },
        };
        match self.orders.place(&identity(place), &order).await? {
            PlaceResult::Pending(order) => Ok(Placed::Pending { order }),
            PlaceResult::Decided { answer_json } => {
                let decided = self.orders.find(&order_id).await?.ok_or(OrderError::UnknownOrder(order_id))?;
                Ok(Placed::Decided { answer: serde_json::from_str(&answer_json)?, order: decided.order })
            }
        }
    }

    async fn priced(&self, place: &PlaceOrder) -> Result<Result<PricedOrder, Refusal>, StoreError> {
        let ids: Vec<ProductId> = place.lines.iter().map(|line| line.product_id.clone()).collect();
        let catalogue = self.products.get_many(&ids).await?;
        Ok(quote(&place.lines, &catalogue, place.expected_total))
    }

    async fn confirm_once(&self, confirm: ConfirmOrder) -> Result<(), OrderActivityError> {
        let answer = serde_json::to_string::<CheckoutAnswer>(&confirm.answer)?;
        let payment = payment(confirm.payment_id, confirm.captured);
        Ok(self.orders.confirm(&confirm.order_id, &payment, &answer).await?)
    }

    async fn cancel_once(&self, cancel: CancelOrder) -> Result<(), OrderActivityError> {
        let answer = serde_json::to_string::<CheckoutAnswer>(&cancel.answer)?;
        let refunded = cancel.refunded.map(|refunded| RefundedCharge {
            payment: payment(refunded.payment_id, refunded.captured),
            refund_id: refunded.refund_id,
            reference: refunded.reference,
            unsettled: refunded.unsettled,
        });
        Ok(self.orders.cancel(&identity(cancel.order), &cancel.reason, refunded.as_ref(), &answer).await?)
    }

    async fn fulfil_once(&self, fulfil: Fulfil) -> Result<Fulfilled, OrderActivityError> {
        match self.orders.fulfil(&fulfil.order_id, &fulfil.step).await {
            Ok(done) => {
                let told = Told { caller: done.caller, email: done.email, event_sequence: done.event_sequence };
                Ok(Fulfilled::Done { told })
            }
            Err(OrderError::IllegalTransition { .. } | OrderError::OtherParcel { .. }) => Ok(Fulfilled::Refused),
            Err(error) => Err(error.into()),
        }
    }

    async fn cancel_sale_once(&self, cancel: CancelSale) -> Result<SaleCancelled, OrderActivityError> {
        let CancelSale { order_id, reason, motive } = cancel;
        let refund_id = RefundId::of_cancellation(&order_id);
        let request = CancellationRequest { order_id, refund_id: refund_id.clone(), reason, motive };
        Ok(match self.orders.cancel_sale(&request).await? {
            CancellationResult::Cancelled(sale) => SaleCancelled::Cancelled {
                told: Told { caller: sale.caller, email: sale.email, event_sequence: sale.event_sequence },
                owed: sale.owed.map(|(amount, payment_intent)| RefundClaim { refund_id, payment_intent, amount }),
            },
            CancellationResult::NotSold { reason } => SaleCancelled::NotSold { reason },
            CancellationResult::TooLate { status } => SaleCancelled::TooLate { status },
            CancellationResult::Undecided => SaleCancelled::Undecided,
        })
    }
}

fn identity(place: PlaceOrder) -> OrderIdentity {
    OrderIdentity {
        order_id: place.order_id,
        caller: place.caller,
        email: place.email,
        fingerprint: place.fingerprint,
        request_id: place.request_id,
    }
}

fn payment(payment_id: kassa_domain::PaymentId, captured: Captured) -> CapturedPayment {
    CapturedPayment { payment_id, payment_intent: captured.payment_intent, amount: captured.amount }
}

#[activities]
impl Orders {
    /// Loads the products, prices the order and writes it as PENDING in one statement.
    #[activity(definition = contract::definitions::Place)]
    pub async fn place(self: Arc<Self>, _ctx: ActivityContext, input: PlaceOrder) -> Result<Placed, ActivityError> {
        self.place_once(input).await.map_err(|error| activity_error(&error))
    }

    /// Writes status and history of an order whose customer is to pay, in one statement.
    #[activity(definition = contract::definitions::AwaitPayment)]
    pub async fn await_payment(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: AwaitPayment,
    ) -> Result<(), ActivityError> {
        let waited = self.orders.await_payment(&input.order_id, input.attempt, input.expires_at).await;
        waited.map_err(|error| activity_error(&OrderActivityError::from(error)))
    }

    /// Writes status and history of an order whose card was declined and that waits for another one, in one statement.
    #[activity(definition = contract::definitions::PaymentFailed)]
    pub async fn payment_failed(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: PaymentFailed,
    ) -> Result<(), ActivityError> {
        let PaymentFailed { order_id, attempt, code, expires_at } = input;
        let waited = self.orders.payment_failed(&order_id, &DeclinedCard { attempt, code, expires_at }).await;
        waited.map_err(|error| activity_error(&OrderActivityError::from(error)))
    }

    /// Writes status, payment and history of a confirmed order in one statement.
    #[activity(definition = contract::definitions::Confirm)]
    pub async fn confirm(self: Arc<Self>, _ctx: ActivityContext, input: ConfirmOrder) -> Result<(), ActivityError> {
        self.confirm_once(input).await.map_err(|error| activity_error(&error))
    }

    /// Writes status, payment, refund and history of a cancelled order in one statement.
    #[activity(definition = contract::definitions::Cancel)]
    pub async fn cancel(self: Arc<Self>, _ctx: ActivityContext, input: CancelOrder) -> Result<(), ActivityError> {
        self.cancel_once(input).await.map_err(|error| activity_error(&error))
    }

    /// Writes status, shipment and history of an order on its way in one statement, which also numbers the event.
    #[activity(definition = contract::definitions::Fulfil)]
    pub async fn fulfil(self: Arc<Self>, _ctx: ActivityContext, input: Fulfil) -> Result<Fulfilled, ActivityError> {
        self.fulfil_once(input).await.map_err(|error| activity_error(&error))
    }

    /// Makes a confirmed order CANCELLED and claims the refund of what is left of its payment, in one statement.
    #[activity(definition = contract::definitions::CancelSale)]
    pub async fn cancel_sale(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: CancelSale,
    ) -> Result<SaleCancelled, ActivityError> {
        self.cancel_sale_once(input).await.map_err(|error| activity_error(&error))
    }
}
