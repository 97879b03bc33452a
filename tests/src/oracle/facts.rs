//! Everything that is known about one order, and what of it has to agree.

mod answer;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use kassa_devstack::ministack::{Event, Mail};
use kassa_domain::{EventId, OrderId, OrderStatus, PaymentId, PricedLine, ProductId, RefundId, StockLevel};
use kassa_stand_ins::stripe::PaymentSnapshot;
use kassa_store::event_log::LoggedEvent;
use kassa_store::notifications::{Channel, Filter, MAX_PAGE, Notification, Status};
use kassa_store::orders::{HistoryEntry, OrderView, RefundStatus, RefundView};
use kassa_store::reservations::{Reservation, ReservationStatus};
use serde_json::json;

use super::{Findings, MailRule};
use crate::Shop;

/// What Stripe, the mailbox and the event queue hold, read once for all orders, by the orders that it is about.
pub(super) struct Outside {
    payments: BTreeMap<String, Vec<PaymentSnapshot>>,
    mails: BTreeMap<String, Vec<Mail>>,
    events: BTreeMap<String, Vec<Event>>,
}

impl Outside {
    pub(super) async fn read(shop: &Shop) -> anyhow::Result<Self> {
        let aws = &shop.stack.aws;
        let of_payment = |payment: &PaymentSnapshot| payment.order_id().map(str::to_owned).into_iter().collect();
        let of_event =
            |event: &Event| event.detail["order_id"].as_str().map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
        Ok(Self {
            payments: by_order(shop.stack.stripe.payment_intents(), of_payment),
            mails: by_order(aws.mails().await?, mentioned),
            events: by_order(aws.events().await?, of_event),
        })
    }
}

fn by_order<T: Clone>(all: Vec<T>, orders: impl Fn(&T) -> BTreeSet<String>) -> BTreeMap<String, Vec<T>> {
    let mut sorted: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for one in all {
        for order in orders(&one) {
            sorted.entry(order).or_default().push(one.clone());
        }
    }
    sorted
}

/// The orders that a mail mentions.
fn mentioned(mail: &Mail) -> BTreeSet<String> {
    let parts = [Some(mail.subject.as_str()), mail.body_text.as_deref(), mail.body_html.as_deref()];
    let words = parts.into_iter().flatten().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with("ord_")).map(str::to_owned).collect()
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
    records: Vec<Notification>,
    events: Vec<Event>,
    log: Vec<LoggedEvent>,
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
            payments: outside.payments.get(id).cloned().unwrap_or_default(),
            reservation: shop.reservations.get(order_id).await.context("reading a reservation")?,
            mails: outside.mails.get(id).cloned().unwrap_or_default(),
            records: shop
                .notifications
                .list(&Filter::Order(order_id.clone()), MAX_PAGE, None)
                .await
                .context("reading the records of messages")?
                .notifications,
            events: outside.events.get(id).cloned().unwrap_or_default(),
            log: shop.event_log.of_order(order_id).await.context("reading the log of events")?,
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
        let at_rest = self.is_sold() || order.status == OrderStatus::Cancelled;
        findings.expect(&self.order_id, &format!("an order at rest, not {}", order.status), at_rest);
        let has_reason = order.failure_reason.is_some();
        findings.expect(&self.order_id, "a reason if it is cancelled, else none", has_reason != self.is_sold());
        self.judge_price(order, findings);
        self.judge_answer(order, findings);
    }

    /// Whether the order is confirmed, or further on its way.
    fn is_sold(&self) -> bool {
        let status = self.order.as_ref().map(|order| order.status);
        matches!(status, Some(OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered))
    }

    /// Whether the order was ever confirmed to its customer; it may have been cancelled since.
    pub(super) fn was_confirmed(&self) -> bool {
        self.was_sold_by_checkout() || self.entries("order.confirmed").any(is_revival)
    }

    /// Whether it was its checkout that confirmed it, and not money that came late.
    fn was_sold_by_checkout(&self) -> bool {
        // What a checkout takes back was confirmed to nobody, even if the database says so without its having learnt of it.
        let taken_back = self.entries("order.cancelled").any(|entry| entry.event_sequence.is_none());
        !taken_back && self.entries("order.confirmed").any(|entry| !is_revival(entry))
    }

    /// Whether the order was cancelled after it had been sold.
    fn sale_was_cancelled(&self) -> bool {
        self.entries("order.cancelled").any(|entry| entry.event_sequence.is_some())
    }

    /// The entries of the history of this kind.
    fn entries(&self, event: &str) -> impl Iterator<Item = &HistoryEntry> {
        self.history.iter().filter(move |entry| entry.event == event)
    }

    /// What is paid is held against the total, so that has to be what the lines cost.
    fn judge_price(&self, order: &OrderView, findings: &mut Findings) {
        let id = &self.order_id;
        let costs = |line: &PricedLine| line.unit_price.amount * i64::from(line.quantity.get());
        for line in &order.order.lines {
            let what = format!("the total of its line of {}", line.product_id);
            findings.expect_eq(id, &what, line.total.amount, costs(line));
        }
        let sum: i64 = order.order.lines.iter().map(costs).sum();
        findings.expect_eq(id, "the total, by its lines", order.order.total.amount, sum);
    }

    fn judge_money(&self, findings: &mut Findings) {
        let id = &self.order_id;
        let successful: usize = self.payments.iter().map(PaymentSnapshot::successful_charges).sum();
        findings.expect(id, "at most one payment intent", self.payments.len() <= 1);
        findings.expect(id, "at most one successful charge", successful <= 1);
        let captured: i64 = self.payments.iter().map(|payment| payment.amount_captured).sum();
        let refunded: i64 = self.payments.iter().map(|payment| payment.amount_refunded).sum();
        let total = self.order.as_ref().map_or(0, |order| order.order.total.amount);
        let given_back: i64 = self.refunds(RefundStatus::Succeeded).map(|refund| refund.amount.amount).sum();
        let owed = if self.is_sold() { total - given_back } else { 0 };
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
                findings.expect_eq(id, "what is recorded as about to go back", recorded.refund_pending.amount, 0);
                self.judge_refunds(payment, findings);
            }
            (Some(_), None) => findings.add(id, "a payment is recorded, and nothing was captured"),
            (None, Some(_)) => findings.add(id, "money was captured, and no payment is recorded"),
        }
    }

    /// The books name the refunds that Stripe has made: each of them, and no other.
    fn judge_refunds(&self, payment: &PaymentSnapshot, findings: &mut Findings) {
        let booked = self.refunds(RefundStatus::Succeeded);
        let booked: BTreeMap<_, _> =
            booked.map(|refund| (refund.reference.clone().unwrap_or_default(), refund.amount.amount)).collect();
        let made = payment.refunds.iter().filter(|refund| refund.status == "succeeded");
        let made: BTreeMap<_, _> = made.map(|refund| (refund.id.clone(), refund.amount)).collect();
        findings.expect_eq(&self.order_id, "the recorded refunds", booked, made);
        findings.expect_eq(&self.order_id, "unsettled refunds", self.refunds(RefundStatus::Pending).count(), 0);
        for refund in self.refunds(RefundStatus::Succeeded) {
            let told = |entry: &&HistoryEntry| entry.detail["refund_id"] == json!(refund.refund_id);
            let told = self.entries("order.refunded").filter(told).count();
            // What a checkout takes back is told by its cancellation, unless it takes longer.
            let is_undo = refund.refund_id == RefundId::of_undo(&self.order_id);
            let enough = told == 1 || (is_undo && told == 0);
            findings.expect(&self.order_id, &format!("one entry about {}; there are {told}", refund.refund_id), enough);
        }
    }

    fn refunds(&self, status: RefundStatus) -> impl Iterator<Item = &RefundView> {
        let refunds = self.order.iter().flat_map(|order| &order.refunds);
        refunds.filter(move |refund| refund.status == status)
    }

    fn judge_stock(&self, findings: &mut Findings) {
        let id = &self.order_id;
        let status = self.reservation.as_ref().map(|reservation| reservation.status);
        if self.sale_was_cancelled() {
            let restocked = status == Some(ReservationStatus::Restocked);
            findings.expect(id, &format!("restocked pieces, the reservation is {status:?}"), restocked);
        }
        if !self.is_sold() {
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
            // Nothing but late money brings a cancelled order back, and says so.
            let legal = legal
                && (before.status != OrderStatus::Cancelled || before.status == after.status || is_revival(after));
            findings.expect(id, &format!("no step from {} to {}", before.status, after.status), legal);
        }
        let last = self.history.last().map(|entry| entry.status);
        findings.expect(id, "a history that ends where the order is", last == self.order.as_ref().map(|o| o.status));
    }

    fn judge_messages(&self, rule: MailRule, findings: &mut Findings) {
        let id = &self.order_id;
        let reason = self.order.as_ref().and_then(|order| order.failure_reason.as_deref());
        let told = ["step_failed", "payment_unavailable", "cancelled_by_customer", "cancelled_by_shop"];
        let cancelled = reason.is_some_and(|reason| told.contains(&reason));
        for (kind, wanted) in [("confirmed", self.was_confirmed()), ("cancelled", cancelled)] {
            let subject = format!("Your order {id} is {kind}");
            let mails = self.mails.iter().filter(|mail| mail.subject == subject).count();
            let enough = match (wanted, rule) {
                (true, MailRule::Once) => mails == 1,
                (true, MailRule::AtLeastOnce) => mails >= 1,
                (false, _) => mails == 0,
            };
            let wanted = if wanted { "a mail" } else { "no mail" };
            findings.expect(id, &format!("{wanted} that it is {kind}; there are {mails}"), enough);
        }
        let sent = self.records.iter().all(|record| record.status == Status::Sent);
        findings.expect(id, "every message recorded as sent", sent);
        let subjects: BTreeSet<_> = self.mails.iter().map(|mail| mail.subject.as_str()).collect();
        let recorded = self.records.iter().filter(|record| record.channel == Channel::Email).count();
        match rule {
            MailRule::Once => findings.expect_eq(id, "recorded mails", recorded, self.mails.len()),
            MailRule::AtLeastOnce => {
                let plausible = (subjects.len()..=self.mails.len()).contains(&recorded);
                findings.expect(id, &format!("a record of every mail; there are {recorded}"), plausible);
            }
        }
        if let Some(order) = &self.order {
            let addressed = self.mails.iter().all(|mail| mail.to == [order.email.expose()]);
            findings.expect(id, "mail to its customer alone", addressed);
        }

        // Published twice, an event is still the same one.
        let events = self.order.as_ref().map_or(0, |order| order.events);
        findings.expect(id, "an event if there was a workflow, else none", (events > 0) == self.has_workflow);
        let sequences: BTreeSet<_> = self.events.iter().filter_map(|event| event.detail["sequence"].as_u64()).collect();
        let expected: BTreeSet<_> = (1..=u64::from(events)).collect();
        findings.expect_eq(id, "the sequences of its events", sequences, expected);
        for event in &self.events {
            let sequence = event.detail["sequence"].as_u64().and_then(|sequence| u32::try_from(sequence).ok());
            let sequence = sequence.unwrap_or_default();
            let kind = self.kind_of_event(sequence);
            findings.expect_eq(id, "the kind of an event", Some(event.detail_type.as_str()), kind);
            findings.expect_eq(id, "the id of an event", &event.detail["event_id"], &json!(EventId::of(id, sequence)));
        }
        let published: BTreeSet<_> = self
            .events
            .iter()
            .map(|event| (event.detail["sequence"].as_u64().unwrap_or_default(), event.detail_type.as_str()))
            .collect();
        let logged: Vec<_> = self.log.iter().map(|event| (u64::from(event.sequence), event.kind.as_str())).collect();
        findings.expect_eq(id, "the log of its events", logged, published.into_iter().collect());
        findings.expect(id, "every event recorded as published", self.log.iter().all(|event| event.published));
        let of_order = self.log.iter().all(|event| event.event_id == EventId::of(id, event.sequence));
        findings.expect(id, "the ids of its events in the log", of_order);
    }

    /// What the event with this sequence tells: the first one how the checkout ended, every other one an entry of the
    /// history.
    fn kind_of_event(&self, sequence: u32) -> Option<&str> {
        if sequence == 1 {
            return Some(if self.was_sold_by_checkout() { "order.confirmed" } else { "order.cancelled" });
        }
        let told = self.history.iter().find(|entry| entry.event_sequence == Some(sequence));
        told.map(|entry| entry.event.as_str())
    }

    /// Adds what the order holds and what it has bought. Taken from the order and not from its reservation, so that a
    /// reservation that lies is noticed.
    pub(super) fn count_stock(&self, expected: &mut BTreeMap<ProductId, StockLevel>) {
        if let Some(order) = self.order.as_ref().filter(|_| self.is_sold()) {
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

/// Whether an entry tells of a cancelled order that was confirmed by late money: the first event, of the checkout, is another.
fn is_revival(entry: &HistoryEntry) -> bool {
    entry.event == "order.confirmed" && entry.event_sequence.is_some()
}
