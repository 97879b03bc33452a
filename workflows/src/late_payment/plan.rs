//! What is to be done with a payment that may have come late.

use kassa_domain::{Money, OrderStatus};

use crate::contracts::late_payments::{Begun, BookedOrder};

/// The reason of orders that may be revived: their customers wanted them, and only the time was over.
pub(super) const REVIVABLE: &str = "payment_expired";

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing: the money is where it belongs.
    Nothing,
    /// Wait: whoever works on the order has not decided yet, and will take care of the money.
    Wait,
    /// Revive the order if there is still everything; give the money back otherwise.
    Revive,
    /// Give the money back.
    GiveBack,
}

/// What is to be done with money that was captured, and of which so much has gone back, for an order as the books have it.
pub(super) fn plan(order: &BookedOrder, payment_intent: &str, captured: Money, refunded: Money) -> Plan {
    if captured.amount <= refunded.amount {
        return Plan::Nothing;
    }
    match order.begun {
        Some(Begun::Revived) => return Plan::Revive,
        Some(Begun::GivingBack) => return Plan::GiveBack,
        None => {}
    }
    // What is in the books is settled by whoever wrote it there.
    let is_booked = order.payment_intent.as_deref() == Some(payment_intent);
    match order.status {
        OrderStatus::Pending | OrderStatus::AwaitingPayment | OrderStatus::PaymentFailed => Plan::Wait,
        _ if is_booked => Plan::Nothing,
        OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered => Plan::GiveBack,
        OrderStatus::Cancelled => {
            let pays_all = captured == order.order.total && refunded.amount == 0;
            let in_time_but_for_time = order.reason.as_deref() == Some(REVIVABLE) && order.payment_intent.is_none();
            if pays_all && in_time_but_for_time { Plan::Revive } else { Plan::GiveBack }
        }
    }
}

#[cfg(test)]
mod tests {
    use kassa_domain::{Caller, Currency, EmailAddress, PricedOrder};

    use super::*;

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    fn order(status: OrderStatus, reason: Option<&str>, payment_intent: Option<&str>) -> BookedOrder {
        let email: EmailAddress = "a@example.com".parse().expect("an address");
        BookedOrder {
            status,
            reason: reason.map(str::to_owned),
            caller: Caller::guest(&email),
            email,
            order: PricedOrder { lines: Vec::new(), total: eur(2500) },
            payment_intent: payment_intent.map(str::to_owned),
            begun: None,
        }
    }

    #[test]
    fn only_what_ran_out_of_time_is_revived_and_only_by_all_of_its_money() {
        let expired = order(OrderStatus::Cancelled, Some("payment_expired"), None);
        assert_eq!(plan(&expired, "pi_1", eur(2500), eur(0)), Plan::Revive);
        assert_eq!(plan(&expired, "pi_1", eur(2400), eur(0)), Plan::GiveBack);
        assert_eq!(plan(&expired, "pi_1", eur(2500), eur(100)), Plan::GiveBack);
        assert_eq!(plan(&expired, "pi_1", eur(2500), eur(2500)), Plan::Nothing);
        for reason in ["cancelled_by_customer", "cancelled_by_shop", "payment_declined", "step_failed"] {
            let cancelled = order(OrderStatus::Cancelled, Some(reason), None);
            assert_eq!(plan(&cancelled, "pi_1", eur(2500), eur(0)), Plan::GiveBack, "{reason}");
        }
    }

    #[test]
    fn money_that_is_in_the_books_is_left_to_whoever_wrote_it_there() {
        for status in [OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered, OrderStatus::Cancelled] {
            let booked = order(status, Some("payment_expired"), Some("pi_1"));
            assert_eq!(plan(&booked, "pi_1", eur(2500), eur(0)), Plan::Nothing, "{status}");
            assert_eq!(plan(&booked, "pi_2", eur(2500), eur(0)), Plan::GiveBack, "a second payment of {status}");
        }
    }

    #[test]
    fn what_was_begun_is_brought_to_its_end() {
        let booked = |status, begun| BookedOrder { begun: Some(begun), ..order(status, None, Some("pi_1")) };
        let revived = booked(OrderStatus::Confirmed, Begun::Revived);
        assert_eq!(plan(&revived, "pi_1", eur(2500), eur(0)), Plan::Revive);
        let giving_back = booked(OrderStatus::Cancelled, Begun::GivingBack);
        assert_eq!(plan(&giving_back, "pi_1", eur(2500), eur(0)), Plan::GiveBack);
        assert_eq!(plan(&giving_back, "pi_1", eur(2500), eur(2500)), Plan::Nothing, "it is done");
    }

    #[test]
    fn an_order_that_is_not_decided_is_waited_for() {
        for status in [OrderStatus::Pending, OrderStatus::AwaitingPayment, OrderStatus::PaymentFailed] {
            assert_eq!(plan(&order(status, None, None), "pi_1", eur(2500), eur(0)), Plan::Wait, "{status}");
        }
    }
}
