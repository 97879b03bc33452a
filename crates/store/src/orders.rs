//! Orders, what was paid and given back for them, and their history.
//!
//! Each change is one SQL statement: it writes the order, its items or its payment, and the entry of its history
//! together, if the order is where the change starts from. Sent again, it finds the change done and writes nothing.

mod cancel_sale;
mod changed;
mod fulfil;
mod late_payment;
mod list;
mod unpaid;
mod view;

use kassa_domain::{
    Caller, Currency, EmailAddress, Fingerprint, IllegalTransition, Money, OrderId, OrderStatus, PaymentId,
    PricedOrder, RefundId,
};
use serde::Deserialize;
use serde_json::json;

pub use cancel_sale::{CancellationRequest, CancellationResult, CancelledSale};
pub use changed::{ChangedFilter, ChangedOrder};
pub use fulfil::Fulfilled;
pub use late_payment::{LatePayment, LatePaymentBooked, Revived};
pub use list::{InvalidOrderCursor, MAX_PAGE, OrderCursor, OrderFilter, OrderPage, OrderSummary};
pub use unpaid::DeclinedCard;
pub use view::{HistoryEntry, OrderView, PaymentStatus, PaymentView, RefundStatus, RefundView, ShipmentView};

use crate::database::{Database, Parameters};
use crate::error::{Service, StoreError};

/// How often a statement is sent that met a concurrent change of its order. It sees the other change the next time,
/// and an order has only a handful of them in its life.
const ATTEMPTS: usize = 4;

/// Access to the orders. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Orders {
    database: Database,
}

/// Which order it is, and who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderIdentity {
    /// The order, derived from caller and key.
    pub order_id: OrderId,
    /// Who buys.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// What was asked for, to tell a repeated request from another one under the same key.
    pub fingerprint: Fingerprint,
    /// The HTTP request that started it all.
    pub request_id: String,
}

/// What came of placing an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceResult {
    /// It is written and undecided, now or by an earlier attempt, with this price snapshot.
    Pending(PricedOrder),
    /// It has been decided before.
    Decided {
        /// What the caller was told then.
        answer_json: String,
    },
}

/// A charge that was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedPayment {
    /// The payment's identifier here.
    pub payment_id: PaymentId,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
    /// What was captured.
    pub amount: Money,
}

/// A charge that was captured and is given back, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundedCharge {
    /// What had been captured.
    pub payment: CapturedPayment,
    /// The refund's identifier here.
    pub refund_id: RefundId,
    /// Stripe's refund (`re_...`), or the operator's reference where the refund was made by hand.
    pub reference: String,
    /// Whether it is still to be settled, and PENDING until then.
    pub unsettled: bool,
}

/// Why an order did not change.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is no such order.
    #[error("there is no order {0}")]
    UnknownOrder(OrderId),
    /// It is not where the change starts from.
    #[error("{order_id} is not where the change starts from")]
    IllegalTransition {
        /// The order.
        order_id: OrderId,
        /// Where it is, and where it should have gone.
        #[source]
        transition: IllegalTransition,
    },
    /// What was captured is not what the order costs.
    #[error("{order_id} costs {total}, but {captured} were captured")]
    AmountMismatch {
        /// The order.
        order_id: OrderId,
        /// What it costs.
        total: Money,
        /// What was captured.
        captured: Money,
    },
    /// The order has another payment than the one that it should be confirmed or cancelled with, or its refund is not
    /// recorded.
    #[error("the payment that is recorded for {order_id} is another one")]
    OtherPayment {
        /// The order.
        order_id: OrderId,
    },
    /// The order is on its way in another parcel.
    #[error("{order_id} is on its way in another parcel")]
    OtherParcel {
        /// The order.
        order_id: OrderId,
    },
    /// The order was placed by a request for something else, and is undecided.
    #[error("{order_id} was placed by a request for something else")]
    OtherRequest {
        /// The order.
        order_id: OrderId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OrderError {
    /// Whether the same call may well succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::UnknownOrder(_)
            | Self::IllegalTransition { .. }
            | Self::AmountMismatch { .. }
            | Self::OtherPayment { .. }
            | Self::OtherParcel { .. }
            | Self::OtherRequest { .. } => false,
        }
    }
}

impl Orders {
    /// Uses this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Writes an order as PENDING with its price snapshot. If the order is there already, it stays as it is.
    pub async fn place(&self, identity: &OrderIdentity, order: &PricedOrder) -> Result<PlaceResult, OrderError> {
        let lines = order.lines.iter().enumerate().map(|(index, line)| {
            json!({
                "line_no": index + 1,
                "product_id": line.product_id,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price": line.unit_price.amount,
                "total": line.total.amount,
            })
        });
        let lines = lines.collect::<serde_json::Value>().to_string();
        let detail = json!({ "total": order.total, "lines": order.lines.len() }).to_string();
        for _ in 0..ATTEMPTS {
            let parameters = identity
                .parameters()
                .text("currency", order.total.currency.code())
                .integer("total", order.total.amount)
                .text("lines", lines.as_str())
                .text("detail", detail.as_str());
            let found: Vec<PlaceRow> = self.database.query(include_str!("orders/place.sql"), parameters).await?;
            match found.into_iter().next() {
                Some(PlaceRow { placed: true, .. }) => return Ok(PlaceResult::Pending(order.clone())),
                Some(PlaceRow { answer: Some(answer_json), .. }) => return Ok(PlaceResult::Decided { answer_json }),
                Some(PlaceRow { fingerprint, .. }) if fingerprint.as_ref() != Some(&identity.fingerprint) => {
                    return Err(OrderError::OtherRequest { order_id: identity.order_id.clone() });
                }
                Some(_) => match self.find(&identity.order_id).await? {
                    Some(OrderView { answer_json: Some(answer_json), .. }) => {
                        return Ok(PlaceResult::Decided { answer_json });
                    }
                    Some(found) => return Ok(PlaceResult::Pending(found.order)),
                    None => return Err(OrderError::UnknownOrder(identity.order_id.clone())),
                },
                // Placed by somebody else after this statement had begun, so neither written nor seen by it.
                None => {}
            }
        }
        Err(contended())
    }

    /// Makes an order CONFIRMED and records its payment, which has to be what the order costs.
    pub async fn confirm(
        &self,
        order_id: &OrderId,
        payment: &CapturedPayment,
        answer_json: &str,
    ) -> Result<(), OrderError> {
        let detail = json!({
            "payment_id": payment.payment_id,
            "payment_intent": payment.payment_intent,
            "captured": payment.amount,
        });
        for _ in 0..ATTEMPTS {
            let parameters = Parameters::new()
                .text("order_id", order_id.as_str())
                // A cancelled order is confirmed by reviving it, and in no other way.
                .text("from_statuses", statuses_before(OrderStatus::Confirmed, |from| from != OrderStatus::Cancelled))
                .text("answer", answer_json)
                .text("payment_id", payment.payment_id.as_str())
                .text("payment_intent", payment.payment_intent.as_str())
                .integer("amount", payment.amount.amount)
                .text("currency", payment.amount.currency.code())
                .text("detail", detail.to_string());
            let found: Vec<ConfirmRow> = self.database.query(include_str!("orders/confirm.sql"), parameters).await?;
            let Some(found) = found.into_iter().next() else {
                return Err(OrderError::UnknownOrder(order_id.clone()));
            };
            if found.changed {
                return Ok(());
            }
            let total = Money::new(found.total_amount, found.currency);
            match found.status {
                OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered => {
                    let same = found.payment_id.as_ref() == Some(&payment.payment_id)
                        && found.payment_intent.as_ref() == Some(&payment.payment_intent)
                        && total == payment.amount;
                    return if same { Ok(()) } else { Err(OrderError::OtherPayment { order_id: order_id.clone() }) };
                }
                OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed => {
                    if total != payment.amount {
                        return Err(OrderError::AmountMismatch {
                            order_id: order_id.clone(),
                            total,
                            captured: payment.amount,
                        });
                    }
                    // Somebody else changed the order after this statement had begun: look again.
                }
                // It was confirmed with this very answer, and its customer has cancelled it since.
                OrderStatus::Cancelled if found.same_answer == Some(true) => return Ok(()),
                OrderStatus::Cancelled => return Err(illegal(order_id, found.status, OrderStatus::Confirmed)),
            }
        }
        Err(contended())
    }

    /// Makes an order CANCELLED for a reason (a stable code), and records the charge that was given back, if there was
    /// one; a confirmed order is only cancelled with its refund. An order that was never placed is written as
    /// CANCELLED, without items, so that placing it later does not bring it to life.
    pub async fn cancel(
        &self,
        identity: &OrderIdentity,
        reason: &str,
        refunded: Option<&RefundedCharge>,
        answer_json: &str,
    ) -> Result<(), OrderError> {
        let order_id = &identity.order_id;
        let from =
            statuses_before(OrderStatus::Cancelled, |status| refunded.is_some() || status != OrderStatus::Confirmed);
        let detail = json!({
            "reason": reason,
            "refund": refunded.map(|refunded| json!({
                "refund_id": refunded.refund_id,
                "payment_id": refunded.payment.payment_id,
                "amount": refunded.payment.amount,
            })),
        });
        for _ in 0..ATTEMPTS {
            let payment = refunded.map(|refunded| &refunded.payment);
            let parameters = identity
                .parameters()
                .text("from_statuses", from.as_str())
                .text("reason", reason)
                .text("answer", answer_json)
                .text("detail", detail.to_string())
                .optional_text("payment_id", payment.map(|payment| payment.payment_id.as_str()))
                .optional_text("payment_intent", payment.map(|payment| payment.payment_intent.as_str()))
                .optional_integer("captured_amount", payment.map(|payment| payment.amount.amount))
                .optional_text("captured_currency", payment.map(|payment| payment.amount.currency.code()))
                .optional_text("refund_id", refunded.map(|refunded| refunded.refund_id.as_str()))
                .optional_text("reference", refunded.map(|refunded| refunded.reference.as_str()))
                .text(
                    "refund_status",
                    if refunded.is_some_and(|refunded| refunded.unsettled) { "PENDING" } else { "SUCCEEDED" },
                );
            let found: Vec<CancelRow> = self.database.query(include_str!("orders/cancel.sql"), parameters).await?;
            let found = found.into_iter().next().ok_or_else(|| StoreError::corrupt("cancelling returned no row"))?;
            if found.changed {
                return Ok(());
            }
            match found.status {
                Some(OrderStatus::Cancelled) if refunded.is_none() || found.refund_recorded => return Ok(()),
                // The money that was given back would be in no book.
                Some(OrderStatus::Cancelled) => return Err(OrderError::OtherPayment { order_id: order_id.clone() }),
                Some(OrderStatus::Confirmed) if refunded.is_some() => {
                    if found.payment()
                        != payment
                            .map(|payment| (&payment.payment_id, payment.payment_intent.as_str(), payment.amount, 0))
                    {
                        return Err(OrderError::OtherPayment { order_id: order_id.clone() });
                    }
                }
                Some(status @ (OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered)) => {
                    return Err(illegal(order_id, status, OrderStatus::Cancelled));
                }
                // Somebody else changed or placed the order after this statement had begun: look again.
                Some(OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed) | None => {}
            }
        }
        Err(contended())
    }
}

#[derive(Deserialize)]
struct PlaceRow {
    placed: bool,
    fingerprint: Option<Fingerprint>,
    answer: Option<String>,
}

#[derive(Deserialize)]
struct ConfirmRow {
    changed: bool,
    status: OrderStatus,
    currency: Currency,
    total_amount: i64,
    payment_id: Option<PaymentId>,
    payment_intent: Option<String>,
    same_answer: Option<bool>,
}

#[derive(Deserialize)]
struct CancelRow {
    changed: bool,
    status: Option<OrderStatus>,
    payment_id: Option<PaymentId>,
    payment_intent: Option<String>,
    amount: Option<i64>,
    currency: Option<Currency>,
    refunded_amount: Option<i64>,
    refund_recorded: bool,
}

impl CancelRow {
    /// The payment that is recorded: id, intent, captured and refunded amount.
    fn payment(&self) -> Option<(&PaymentId, &str, Money, i64)> {
        Some((
            self.payment_id.as_ref()?,
            self.payment_intent.as_deref()?,
            Money::new(self.amount?, self.currency?),
            self.refunded_amount?,
        ))
    }
}

impl OrderIdentity {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .text("order_id", self.order_id.as_str())
            .text("caller", self.caller.as_str())
            .text("email", self.email.expose())
            .text("fingerprint", self.fingerprint.as_str())
            .text("request_id", self.request_id.as_str())
    }
}

/// The statuses from which an order may go to `next`, as far as they are `allowed` here.
fn statuses_before(next: OrderStatus, allowed: impl Fn(OrderStatus) -> bool) -> String {
    let statuses = OrderStatus::ALL.into_iter().filter(|status| status.can_become(next) && allowed(*status));
    statuses.map(OrderStatus::as_str).collect::<Vec<_>>().join(",")
}

fn illegal(order_id: &OrderId, from: OrderStatus, to: OrderStatus) -> OrderError {
    OrderError::IllegalTransition { order_id: order_id.clone(), transition: IllegalTransition { from, to } }
}

fn contended() -> OrderError {
    StoreError::Contended { service: Service::RdsData }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_says_where_a_change_starts_from() {
        assert_eq!(
            statuses_before(OrderStatus::Confirmed, |_| true),
            "PENDING,AWAITING_PAYMENT,PAYMENT_FAILED,CANCELLED"
        );
        assert_eq!(
            statuses_before(OrderStatus::Cancelled, |status| status != OrderStatus::Confirmed),
            "PENDING,AWAITING_PAYMENT,PAYMENT_FAILED"
        );
    }
}
