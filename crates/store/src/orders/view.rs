//! Reading orders.

use kassa_domain::{
    Caller, Currency, EmailAddress, Fingerprint, Label, Money, OrderId, OrderStatus, PaymentId, PricedLine,
    PricedOrder, ProductId, Quantity, RefundId,
};
use serde::Deserialize;
use time::OffsetDateTime;

use super::Orders;
use crate::database::{Parameters, json_column, microseconds, optional_microseconds};
use crate::error::StoreError;

/// An order with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// The order.
    pub order_id: OrderId,
    /// Who buys.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// Where it is.
    pub status: OrderStatus,
    /// The price snapshot; without lines, and in the currency XXX, if it was cancelled before it was placed.
    pub order: PricedOrder,
    /// What was captured, if something was.
    pub payment: Option<PaymentView>,
    /// What was given back, oldest first.
    pub refunds: Vec<RefundView>,
    /// How it is on its way, if it is.
    pub shipment: Option<ShipmentView>,
    /// The stable code of the reason why it was cancelled.
    pub failure_reason: Option<String>,
    /// What the caller of the checkout was told, once it was decided.
    pub answer_json: Option<String>,
    /// What was asked for.
    pub fingerprint: Fingerprint,
    /// The HTTP request that started it all.
    pub request_id: String,
    /// When it was placed.
    pub created_at: OffsetDateTime,
    /// When it changed last.
    pub updated_at: OffsetDateTime,
    /// Counts its changes; the sequence of its latest history entry.
    pub version: u32,
    /// How many events tell of it.
    pub events: u32,
}

/// Where a payment is. The wire form is the name in capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// Captured; nothing given back.
    Captured,
    /// A part was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentView {
    /// Its identifier here.
    pub payment_id: PaymentId,
    /// Stripe's intent (`pi_...`).
    pub payment_intent: String,
    /// Where it is.
    pub status: PaymentStatus,
    /// What was captured.
    pub captured: Money,
    /// What was given back of it.
    pub refunded: Money,
    /// What is claimed by refunds that are not settled yet.
    pub refund_pending: Money,
    /// When it was recorded.
    pub created_at: OffsetDateTime,
}

/// Where a refund is. The wire form is the name in capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundStatus {
    /// Claimed in the books; the money has not gone back yet.
    Pending,
    /// The money went back.
    Succeeded,
    /// The payment provider did not make it; its claim was given back.
    Failed,
    /// An operator gave it up; its claim was given back.
    WrittenOff,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundView {
    /// Its identifier here.
    pub refund_id: RefundId,
    /// The payment that it gives back.
    pub payment_id: PaymentId,
    /// How much of it.
    pub amount: Money,
    /// Why, as a stable code.
    pub reason: String,
    /// Where it is.
    pub status: RefundStatus,
    /// Stripe's refund (`re_...`), or what the operator noted who made it by hand or wrote it off; there once it is
    /// settled.
    pub reference: Option<String>,
    /// Why the payment provider did not make it, as a stable code.
    pub failure: Option<String>,
    /// When it was recorded.
    pub created_at: OffsetDateTime,
}

/// An order on its way, or at its customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ShipmentView {
    /// Who carries it.
    pub carrier: Option<Label>,
    /// Under which number the carrier knows it.
    pub tracking_number: Option<Label>,
    /// When it was sent.
    #[serde(with = "microseconds")]
    pub shipped_at: OffsetDateTime,
    /// When it arrived.
    #[serde(with = "optional_microseconds")]
    pub delivered_at: Option<OffsetDateTime>,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HistoryEntry {
    /// Counts the entries of the order from 1, without gaps.
    pub sequence: u32,
    /// Where the order went.
    pub status: OrderStatus,
    /// What happened, such as `order.confirmed`.
    pub event: String,
    /// More about it; no personal data.
    #[serde(with = "json_column")]
    pub detail: serde_json::Value,
    /// When it happened.
    #[serde(with = "microseconds")]
    pub at: OffsetDateTime,
    /// The number of the event that tells of it, if it is another one than the first event of the checkout.
    pub event_sequence: Option<u32>,
}

impl Orders {
    /// An order with everything that belongs to it.
    pub async fn find(&self, order_id: &OrderId) -> Result<Option<OrderView>, StoreError> {
        let parameters = Parameters::new().text("order_id", order_id.as_str());
        let orders: Vec<OrderRow> = self.database.query(include_str!("find.sql"), parameters).await?;
        let Some(order) = orders.into_iter().next() else { return Ok(None) };
        // A query of its own: all lines in one row could exceed the 64 KB that the Data API allows. Items never
        // change after they were written with the order, so the two answers fit together.
        let parameters = Parameters::new().text("order_id", order_id.as_str());
        let items: Vec<ItemRow> = self.database.query(include_str!("items.sql"), parameters).await?;
        Ok(Some(order.with_items(items)))
    }

    /// Whose order it is; nobody's if there is no such order.
    pub async fn caller(&self, order_id: &OrderId) -> Result<Option<Caller>, StoreError> {
        let parameters = Parameters::new().text("order_id", order_id.as_str());
        let rows: Vec<CallerRow> = self.database.query(include_str!("caller.sql"), parameters).await?;
        Ok(rows.into_iter().next().map(|row| row.caller))
    }

    /// The order that a payment is for, with everything that belongs to it.
    pub async fn of_payment(&self, payment_id: &PaymentId) -> Result<Option<OrderView>, StoreError> {
        let parameters = Parameters::new().text("payment_id", payment_id.as_str());
        let found: Vec<PaymentOrderRow> = self.database.query(include_str!("of_payment.sql"), parameters).await?;
        match found.into_iter().next() {
            Some(row) => self.find(&row.order_id).await,
            None => Ok(None),
        }
    }

    /// What happened to an order, in that order; nothing if there is no such order.
    pub async fn timeline(&self, order_id: &OrderId) -> Result<Vec<HistoryEntry>, StoreError> {
        let parameters = Parameters::new().text("order_id", order_id.as_str());
        self.database.query(include_str!("timeline.sql"), parameters).await
    }
}

#[derive(Deserialize)]
struct CallerRow {
    caller: Caller,
}

#[derive(Deserialize)]
struct OrderRow {
    order_id: OrderId,
    caller: Caller,
    email: EmailAddress,
    status: OrderStatus,
    currency: Currency,
    total_amount: i64,
    fingerprint: Fingerprint,
    request_id: String,
    answer: Option<String>,
    failure_reason: Option<String>,
    #[serde(with = "microseconds")]
    created_at: OffsetDateTime,
    #[serde(with = "microseconds")]
    updated_at: OffsetDateTime,
    version: u32,
    events: u32,
    #[serde(with = "json_column")]
    shipments: Vec<ShipmentView>,
    #[serde(with = "json_column")]
    payments: Vec<PaymentRow>,
    #[serde(with = "json_column")]
    refunds: Vec<RefundRow>,
}

#[derive(Deserialize)]
struct PaymentOrderRow {
    order_id: OrderId,
}

#[derive(Deserialize)]
struct ItemRow {
    product_id: ProductId,
    name: String,
    quantity: Quantity,
    unit_price: i64,
    total: i64,
    currency: Currency,
}

#[derive(Deserialize)]
struct PaymentRow {
    payment_id: PaymentId,
    payment_intent: String,
    status: PaymentStatus,
    amount: i64,
    currency: Currency,
    refunded_amount: i64,
    refund_pending_amount: i64,
    #[serde(with = "microseconds")]
    created_at: OffsetDateTime,
}

#[derive(Deserialize)]
struct RefundRow {
    refund_id: RefundId,
    payment_id: PaymentId,
    amount: i64,
    currency: Currency,
    reason: String,
    status: RefundStatus,
    reference: Option<String>,
    failure: Option<String>,
    #[serde(with = "microseconds")]
    created_at: OffsetDateTime,
}

impl OrderRow {
    fn with_items(self, items: Vec<ItemRow>) -> OrderView {
        OrderView {
            order_id: self.order_id,
            caller: self.caller,
            email: self.email,
            status: self.status,
            order: PricedOrder {
                lines: items.into_iter().map(PricedLine::from).collect(),
                total: Money::new(self.total_amount, self.currency),
            },
            payment: self.payments.into_iter().next().map(PaymentView::from),
            refunds: self.refunds.into_iter().map(RefundView::from).collect(),
            shipment: self.shipments.into_iter().next(),
            failure_reason: self.failure_reason,
            answer_json: self.answer,
            fingerprint: self.fingerprint,
            request_id: self.request_id,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
            events: self.events,
        }
    }
}

impl From<ItemRow> for PricedLine {
    fn from(row: ItemRow) -> Self {
        Self {
            product_id: row.product_id,
            name: row.name,
            quantity: row.quantity,
            unit_price: Money::new(row.unit_price, row.currency),
            total: Money::new(row.total, row.currency),
        }
    }
}

impl From<PaymentRow> for PaymentView {
    fn from(row: PaymentRow) -> Self {
        Self {
            payment_id: row.payment_id,
            payment_intent: row.payment_intent,
            status: row.status,
            captured: Money::new(row.amount, row.currency),
            refunded: Money::new(row.refunded_amount, row.currency),
            refund_pending: Money::new(row.refund_pending_amount, row.currency),
            created_at: row.created_at,
        }
    }
}

impl From<RefundRow> for RefundView {
    fn from(row: RefundRow) -> Self {
        Self {
            refund_id: row.refund_id,
            payment_id: row.payment_id,
            amount: Money::new(row.amount, row.currency),
            reason: row.reason,
            status: row.status,
            reference: row.reference,
            failure: row.failure,
            created_at: row.created_at,
        }
    }
}
