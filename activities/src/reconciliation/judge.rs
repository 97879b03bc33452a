//! What does not agree about the money of one order. Pure functions of what Stripe and the books say.

use kassa_domain::{Money, OrderStatus};
use kassa_store::orders::{OrderView, RefundStatus, RefundView};
use kassa_workflows::contracts::reconciliation::{Finding, FindingKind};
use time::OffsetDateTime;

use super::stripe::{AtStripe, RefundAtStripe};

/// What a payment at Stripe and the books have to say to each other.
pub(super) fn payment(at_stripe: &AtStripe, books: Option<&OrderView>) -> Option<Finding> {
    let intent = &at_stripe.payment_intent;
    let kept = at_stripe.kept();
    let keeps = |kind| {
        let detail = format!("Stripe keeps {} of {intent}", at_stripe.amount(kept));
        (kept > 0).then(|| Finding::new(kind, detail).payment_intent(intent))
    };
    let Some(order) = books else {
        let finding = keeps(FindingKind::MoneyWithoutOrder)?;
        return Some(match &at_stripe.order_id {
            Some(order_id) => finding.order(order_id),
            None => finding,
        });
    };
    if is_undecided(order.status) {
        return None;
    }
    let Some(booked) = &order.payment else {
        // What the books lack of a sale, they lack whatever Stripe says.
        return match order.status {
            OrderStatus::Cancelled => Some(keeps(FindingKind::MoneyOfCancelledOrder)?.order(&order.order_id)),
            _ => None,
        };
    };
    if booked.payment_intent != *intent {
        return Some(keeps(FindingKind::SecondPayment)?.order(&order.order_id));
    }
    let about = |kind, detail: String| Some(Finding::new(kind, detail).order(&order.order_id).payment_intent(intent));
    if at_stripe.received == 0 {
        return about(FindingKind::PaymentNotFound, format!("{intent} has brought in nothing"));
    }
    let received = at_stripe.amount(at_stripe.received);
    if (booked.captured.amount, booked.captured.currency.code()) != (at_stripe.received, at_stripe.currency.as_str()) {
        return about(
            FindingKind::AmountDiffers,
            format!("Stripe has captured {received}, and the books say {}", booked.captured),
        );
    }
    None
}

/// What the books lack by themselves.
pub(super) fn books(order: &OrderView, until: OffsetDateTime) -> Vec<Finding> {
    let mut found = Vec::new();
    if is_sold(order.status) && order.payment.is_none() {
        let detail = format!("the order is {}, and no payment is in the books", order.status);
        found.push(Finding::new(FindingKind::PaymentNotBooked, detail).order(&order.order_id));
    }
    if let Some(owed) = owed(order) {
        let detail = format!("the order is cancelled, and {owed} are neither given back nor about to be");
        found.push(Finding::new(FindingKind::MoneyOfCancelledOrder, detail).order(&order.order_id));
    }
    let pending = order.refunds.iter().filter(|refund| refund.status == RefundStatus::Pending);
    for refund in pending.filter(|refund| refund.created_at < until) {
        let detail = format!("{} are claimed, and nothing makes the refund", refund.amount);
        let finding = Finding::new(FindingKind::RefundUnsettled, detail);
        found.push(finding.order(&order.order_id).refund(refund.refund_id.as_str()));
    }
    found
}

/// The books name a payment that Stripe does not know.
pub(super) fn missing(order: &OrderView, intent: &str) -> Finding {
    let detail = format!("Stripe does not know {intent}");
    Finding::new(FindingKind::PaymentNotFound, detail).order(&order.order_id).payment_intent(intent)
}

/// What the refunds at Stripe of a payment and the books have to say to each other.
pub(super) fn refunds(made: &[RefundAtStripe], order: &OrderView) -> Vec<Finding> {
    if is_undecided(order.status) {
        return Vec::new();
    }
    let about = |kind, detail: String, refund: &str| Finding::new(kind, detail).order(&order.order_id).refund(refund);
    let by_reference = |made: &RefundAtStripe| order.refunds.iter().find(|b| b.reference.as_ref() == Some(&made.id));
    let by_id = |made: &RefundAtStripe| order.refunds.iter().find(|b| Some(&b.refund_id) == made.refund_id.as_ref());
    let mut found = Vec::new();
    for refund in made {
        let booked = by_reference(refund).or_else(|| by_id(refund));
        match (booked, refund.failed) {
            (Some(booked), true) if is_made(booked) && booked.reference.as_ref() == Some(&refund.id) => {
                let detail = format!("the books say that {} went back, and at Stripe it failed", booked.amount);
                found.push(about(FindingKind::RefundNotMade, detail, &refund.id));
            }
            (_, true) => {}
            (Some(booked), false) if is_expected(booked) && booked.amount.amount == refund.amount => {}
            (Some(booked), false) if is_expected(booked) => {
                let amount = Money::new(refund.amount, booked.amount.currency);
                let detail = format!("Stripe has given back {amount}, and the books say {}", booked.amount);
                found.push(about(FindingKind::AmountDiffers, detail, &refund.id));
            }
            (Some(_) | None, false) => {
                let amount = Money::new(refund.amount, order.order.total.currency);
                let detail = format!("Stripe has given back {amount}, and the books know nothing of it");
                found.push(about(FindingKind::RefundNotBooked, detail, &refund.id));
            }
        }
    }
    // What an operator has given back in another way has a reference of another kind.
    let at_stripe = order.refunds.iter().filter(|booked| is_made(booked));
    for booked in at_stripe {
        let reference = booked.reference.as_deref().filter(|reference| reference.starts_with("re_"));
        if let Some(reference) = reference.filter(|reference| made.iter().all(|made| made.id != *reference)) {
            let detail = format!("the books say that {} went back, and Stripe does not know it", booked.amount);
            found.push(about(FindingKind::RefundNotMade, detail, reference));
        }
    }
    found
}

/// What of a cancelled order's payment is neither given back, nor about to be, nor given up.
pub(crate) fn owed(order: &OrderView) -> Option<Money> {
    let payment = order.payment.as_ref().filter(|_| order.status == OrderStatus::Cancelled)?;
    let given_up = order.refunds.iter().filter(|refund| refund.status == RefundStatus::WrittenOff);
    let given_up: i64 = given_up.map(|refund| refund.amount.amount).sum();
    let left = payment.captured.amount - payment.refunded.amount - payment.refund_pending.amount - given_up;
    (left > 0).then(|| Money::new(left, payment.captured.currency))
}

fn is_made(refund: &RefundView) -> bool {
    refund.status == RefundStatus::Succeeded
}

fn is_expected(refund: &RefundView) -> bool {
    matches!(refund.status, RefundStatus::Succeeded | RefundStatus::Pending)
}

fn is_undecided(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed)
}

fn is_sold(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered)
}

#[cfg(test)]
mod tests {
    use kassa_domain::{Caller, Currency, EmailAddress, Fingerprint, PaymentId, PricedOrder, RefundId};
    use kassa_store::orders::{PaymentStatus, PaymentView};

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn euros(cents: i64) -> Money {
        Money::new(cents, Currency::EUR)
    }

    fn order(status: OrderStatus, paid: Option<i64>) -> OrderView {
        let order_id: kassa_domain::OrderId = "ord_1".parse().expect("an id");
        let email: EmailAddress = "a@example.com".parse().expect("an address");
        OrderView {
            payment: paid.map(|paid| PaymentView {
                payment_id: PaymentId::of(&order_id),
                payment_intent: "pi_1".to_owned(),
                status: PaymentStatus::Captured,
                captured: euros(paid),
                refunded: euros(0),
                refund_pending: euros(0),
                created_at: NOW,
            }),
            caller: Caller::guest(&email),
            email,
            status,
            order: PricedOrder { lines: Vec::new(), total: euros(500) },
            refunds: Vec::new(),
            shipment: None,
            failure_reason: None,
            answer_json: None,
            fingerprint: Fingerprint::of("a request"),
            request_id: String::new(),
            created_at: NOW,
            updated_at: NOW,
            version: 1,
            events: 1,
            order_id,
        }
    }

    fn refund(order: &OrderView, cents: i64, status: RefundStatus, reference: Option<&str>) -> RefundView {
        RefundView {
            refund_id: RefundId::of_undo(&order.order_id),
            payment_id: PaymentId::of(&order.order_id),
            amount: euros(cents),
            reason: "goodwill".to_owned(),
            status,
            reference: reference.map(str::to_owned),
            failure: None,
            created_at: NOW,
        }
    }

    fn at_stripe(intent: &str, received: i64, refunded: i64) -> AtStripe {
        let order_id = "ord_1".parse().ok();
        AtStripe { payment_intent: intent.to_owned(), order_id, currency: "EUR".to_owned(), received, refunded }
    }

    fn made(id: &str, amount: i64, failed: bool) -> RefundAtStripe {
        RefundAtStripe { id: id.to_owned(), refund_id: None, amount, failed }
    }

    fn kind(finding: Option<Finding>) -> Option<FindingKind> {
        finding.map(|finding| finding.kind)
    }

    #[test]
    fn a_payment_is_held_against_the_order_that_it_names() {
        use FindingKind::{AmountDiffers, MoneyOfCancelledOrder, MoneyWithoutOrder, PaymentNotFound, SecondPayment};
        use OrderStatus::{Cancelled, Confirmed, Pending};
        assert_eq!(kind(payment(&at_stripe("pi_1", 500, 0), None)), Some(MoneyWithoutOrder));
        assert_eq!(kind(payment(&at_stripe("pi_1", 500, 500), None)), None, "nothing is kept");
        for (status, paid, intent, received, expected) in [
            (Confirmed, Some(500), "pi_1", 500, None),
            (Confirmed, Some(400), "pi_1", 500, Some(AmountDiffers)),
            (Confirmed, Some(500), "pi_1", 0, Some(PaymentNotFound)),
            (Confirmed, Some(500), "pi_2", 500, Some(SecondPayment)),
            (Cancelled, None, "pi_1", 500, Some(MoneyOfCancelledOrder)),
            (Pending, None, "pi_1", 500, None),
        ] {
            let found = payment(&at_stripe(intent, received, 0), Some(&order(status, paid)));
            assert_eq!(kind(found), expected, "{status} {paid:?} {intent} {received}");
        }
    }

    #[test]
    fn what_a_cancelled_order_is_owed_is_what_nobody_gives_back() {
        let mut cancelled = order(OrderStatus::Cancelled, Some(500));
        assert_eq!(owed(&cancelled), Some(euros(500)));
        cancelled.refunds = vec![refund(&cancelled, 200, RefundStatus::WrittenOff, Some("gone"))];
        assert_eq!(owed(&cancelled), Some(euros(300)));
        let payment = cancelled.payment.as_mut().expect("it is paid");
        (payment.refunded, payment.refund_pending) = (euros(100), euros(200));
        assert_eq!(owed(&cancelled), None);
        assert_eq!(owed(&order(OrderStatus::Confirmed, Some(500))), None);
    }

    #[test]
    fn refunds_are_in_both_places_or_in_none() {
        let judged = |booked: Option<(i64, RefundStatus, Option<&str>)>, made: &[RefundAtStripe]| {
            let mut order = order(OrderStatus::Confirmed, Some(500));
            order.refunds =
                booked.into_iter().map(|(cents, status, reference)| refund(&order, cents, status, reference)).collect();
            refunds(made, &order).into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
        };
        let succeeded = |reference| Some((100, RefundStatus::Succeeded, Some(reference)));
        assert_eq!(judged(succeeded("re_1"), &[made("re_1", 100, false)]), []);
        assert_eq!(judged(succeeded("paid in cash"), &[]), [], "an operator has done it in another way");
        assert_eq!(judged(succeeded("re_1"), &[]), [FindingKind::RefundNotMade]);
        assert_eq!(judged(succeeded("re_1"), &[made("re_1", 100, true)]), [FindingKind::RefundNotMade]);
        assert_eq!(judged(succeeded("re_1"), &[made("re_1", 90, false)]), [FindingKind::AmountDiffers]);
        assert_eq!(judged(None, &[made("re_1", 100, false)]), [FindingKind::RefundNotBooked]);
        assert_eq!(judged(None, &[made("re_1", 100, true)]), [], "it never went through");
    }

    #[test]
    fn a_claim_is_not_judged_while_it_is_young() {
        let mut order = order(OrderStatus::Confirmed, Some(500));
        order.refunds = vec![refund(&order, 100, RefundStatus::Pending, None)];
        assert_eq!(books(&order, NOW), []);
        let found = books(&order, NOW + time::Duration::seconds(1));
        assert_eq!(found.into_iter().map(|finding| finding.kind).collect::<Vec<_>>(), [FindingKind::RefundUnsettled]);
    }
}
