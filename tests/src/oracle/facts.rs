//! Everything that is known about one order, and what of it has to agree.

use std::collections::BTreeMap;

use anyhow::Context as _;
use kassa_devstack::ministack::{Event, Mail};
use kassa_domain::{EventId, OrderId, OrderStatus, PaymentId, ProductId, StockLevel};
use kassa_stand_ins::stripe::PaymentSnapshot;
use kassa_store::orders::{HistoryEntry, OrderView};
use kassa_store::reservations::{Reservation, ReservationStatus};
use serde_json::json;

use super::{Findings, MailRule};
use crate::Shop;
use crate::outside::is_about;

/// What the mailbox and the event queue hold, read once for all orders.
pub(super) struct Outside {
    payments: Vec<PaymentSnapshot>,
    mails: Vec<Mail>,
    events: Vec<Event>,
}

impl Outside {
    pub(super) async fn read(shop: &Shop) -> anyhow::Result<Self> {
        let aws = &shop.stack.aws;
        Ok(Self {
            payments: shop.stack.stripe.payment_intents(),
            mails: aws.mails().await?,
            events: aws.events().await?,
        })
    }
}

/// Everything there is about one order.
pub(super) struct Facts {
    order_id: OrderId,
    has_workflow: bool,
    order: Option<OrderView>,
    history: Vec<HistoryEntry>,
    payments: Vec<PaymentSnapshot>,
    reservation: Option<Reservation>,
    mails: Vec<Mail>,
    events: Vec<Event>,
}

impl Facts {
    pub(super) async fn read(
        shop: &Shop,
        outside: &Outside,
        order_id: &OrderId,
        has_workflow: bool,
    ) -> anyhow::Result<Self> {
        let id = order_id.as_str();
        Ok(Self {
            order_id: order_id.clone(),
            has_workflow,
            order: shop.orders.find(order_id).await.context("reading an order")?,
            history: shop.orders.timeline(order_id).await.context("reading a timeline")?,
            payments: outside.payments.iter().filter(|payment| payment.order_id() == Some(id)).cloned().collect(),
            reservation: shop.reservations.get(order_id).await.context("reading a reservation")?,
            mails: outside.mails.iter().filter(|mail| is_about(mail, order_id)).cloned().collect(),
            events: outside.events.iter().filter(|event| event.detail["order_id"] == id).cloned().collect(),
        })
    }

    pub(super) fn judge(&self, mails: MailRule, findings: &mut Findings) {
        self.judge_money(findings);
        self.judge_stock(findings);
        self.judge_history(findings);
        self.judge_messages(mails, findings);
        let Some(order) = &self.order else {
            findings.expect(&self.order_id, "an order row if there was a workflow", !self.has_workflow);
            return;
        };
        let at_rest = matches!(order.status, OrderStatus::Confirmed | OrderStatus::Cancelled);
        findings.expect(&self.order_id, &format!("an order at rest, not {}", order.status), at_rest);
        let has_reason = order.failure_reason.is_some();
        findings.expect(&self.order_id, "a reason if it is cancelled, else none", has_reason != self.is_confirmed());
        findings.expect(&self.order_id, "the caller's answer in its row", order.answer_json.is_some());
    }

    fn is_confirmed(&self) -> bool {
        self.order.as_ref().is_some_and(|order| order.status == OrderStatus::Confirmed)
    }

    fn judge_money(&self, findings: &mut Findings) {
        let id = &self.order_id;
        let successful: usize = self.payments.iter().map(PaymentSnapshot::successful_charges).sum();
        findings.expect(id, "at most one payment intent", self.payments.len() <= 1);
        findings.expect(id, "at most one successful charge", successful <= 1);
        let captured: i64 = self.payments.iter().map(|payment| payment.amount_captured).sum();
        let refunded: i64 = self.payments.iter().map(|payment| payment.amount_refunded).sum();
        let total = self.order.as_ref().map_or(0, |order| order.order.total.amount);
        let owed = if self.is_confirmed() { total } else { 0 };
        findings.expect_eq(id, "captured less refunded money", captured - refunded, owed);

        let Some(order) = &self.order else { return };
        for payment in &self.payments {
            findings.expect_eq(id, "the amount of the payment intent", payment.amount, total);
            let currency = order.order.total.currency.code().to_lowercase();
            findings.expect_eq(id, "the currency of the payment intent", payment.currency.as_str(), currency.as_str());
        }
        match (&order.payment, self.payments.iter().find(|payment| payment.amount_captured > 0)) {
            (None, None) => {}
            (Some(recorded), Some(payment)) => {
                findings.expect_eq(id, "the recorded payment", &recorded.payment_id, &PaymentId::of(id));
                findings.expect_eq(id, "the recorded payment intent", &recorded.payment_intent, &payment.id);
                findings.expect_eq(id, "the recorded capture", recorded.captured.amount, payment.amount_captured);
                findings.expect_eq(id, "the recorded refund", recorded.refunded.amount, payment.amount_refunded);
                let refunds: i64 = order.refunds.iter().map(|refund| refund.amount.amount).sum();
                findings.expect_eq(id, "the sum of the recorded refunds", refunds, payment.amount_refunded);
            }
            (Some(_), None) => findings.add(id, "a payment is recorded, and nothing was captured"),
            (None, Some(_)) => findings.add(id, "money was captured, and no payment is recorded"),
        }
    }

    fn judge_stock(&self, findings: &mut Findings) {
        let id = &self.order_id;
        let status = self.reservation.as_ref().map(|reservation| reservation.status);
        if !self.is_confirmed() {
            let free = matches!(status, None | Some(ReservationStatus::Released | ReservationStatus::Restocked));
            findings.expect(id, &format!("nothing held or sold, the reservation is {status:?}"), free);
            return;
        }
        findings.expect(
            id,
            &format!("sold stock, the reservation is {status:?}"),
            status == Some(ReservationStatus::Sold),
        );
        let (Some(order), Some(reservation)) = (&self.order, &self.reservation) else { return };
        let sorted = |lines: &mut Vec<(ProductId, u32)>| lines.sort();
        let mut ordered: Vec<_> =
            order.order.lines.iter().map(|line| (line.product_id.clone(), line.quantity.get())).collect();
        let mut sold: Vec<_> =
            reservation.lines.iter().map(|line| (line.product_id.clone(), line.quantity.get())).collect();
        sorted(&mut ordered);
        sorted(&mut sold);
        findings.expect(id, "the lines of the order sold", ordered == sold);
    }

    fn judge_history(&self, findings: &mut Findings) {
        let id = &self.order_id;
        let gapless = self.history.iter().zip(1..).all(|(entry, sequence)| entry.sequence == sequence);
        findings.expect(id, "a history that counts from 1 without gaps", gapless);
        for (before, after) in self.history.iter().zip(self.history.iter().skip(1)) {
            let legal = before.status == after.status || before.status.can_become(after.status);
            findings.expect(id, &format!("no step from {} to {}", before.status, after.status), legal);
        }
        let last = self.history.last().map(|entry| entry.status);
        findings.expect(id, "a history that ends where the order is", last == self.order.as_ref().map(|o| o.status));
    }

    fn judge_messages(&self, rule: MailRule, findings: &mut Findings) {
        let id = &self.order_id;
        let mails = self.mails.len();
        let enough = match (self.is_confirmed(), rule) {
            (true, MailRule::Once) => mails == 1,
            (true, MailRule::AtLeastOnce) => mails >= 1,
            (false, _) => mails == 0,
        };
        findings.expect(id, &format!("a mail if it is confirmed, else none; there are {mails}"), enough);
        if let Some(order) = &self.order {
            let addressed = self.mails.iter().all(|mail| mail.to == [order.email.expose()]);
            findings.expect(id, "mail to its customer alone", addressed);
        }

        // An order has one event by now; published twice, it is still the same one.
        let kind = if self.is_confirmed() { "order.confirmed" } else { "order.cancelled" };
        findings.expect(id, "an event if there was a workflow, else none", self.events.is_empty() != self.has_workflow);
        for event in &self.events {
            findings.expect_eq(id, "the kind of its event", event.detail_type.as_str(), kind);
            findings.expect_eq(id, "the id of its event", &event.detail["event_id"], &json!(EventId::of(id, 1)));
            findings.expect_eq(id, "the sequence of its event", &event.detail["sequence"], &json!(1));
        }
    }

    /// Adds what the order holds and what it has bought. Taken from the order and not from its reservation, so that a
    /// reservation that lies is noticed.
    pub(super) fn count_stock(&self, expected: &mut BTreeMap<ProductId, StockLevel>) {
        if let Some(order) = self.order.as_ref().filter(|_| self.is_confirmed()) {
            for line in &order.order.lines {
                if let Some(level) = expected.get_mut(&line.product_id) {
                    level.sold += u64::from(line.quantity.get());
                }
            }
        }
        let open = self.reservation.as_ref().filter(|reservation| reservation.status == ReservationStatus::Reserved);
        for line in open.into_iter().flat_map(|reservation| &reservation.lines) {
            if let Some(level) = expected.get_mut(&line.product_id) {
                level.reserved += u64::from(line.quantity.get());
            }
        }
    }
}
