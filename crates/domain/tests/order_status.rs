//! What holds on every way that an order can take.

use kassa_domain::OrderStatus;
use proptest::prelude::*;

/// The way of an order that is sent these statuses one after the other: those it may not go to, it does not.
fn way(attempts: &[OrderStatus]) -> Vec<OrderStatus> {
    let mut way = vec![OrderStatus::Pending];
    for next in attempts {
        let here = *way.last().expect("it begins somewhere");
        if let Ok(there) = here.transition(*next) {
            assert_eq!(there, *next);
            way.push(there);
        }
    }
    way
}

fn attempts() -> impl Strategy<Value = Vec<OrderStatus>> {
    prop::collection::vec(prop::sample::select(OrderStatus::ALL.to_vec()), 0..40)
}

proptest! {
    #[test]
    fn every_step_is_one_of_the_declared_graph(attempts in attempts()) {
        for step in way(&attempts).windows(2) {
            prop_assert!(step[0].successors().contains(&step[1]), "{step:?}");
            prop_assert!(step[0].can_become(step[1]));
        }
    }

    #[test]
    fn nothing_is_shipped_that_was_not_confirmed_and_nothing_comes_after_the_end(attempts in attempts()) {
        let way = way(&attempts);
        for (at, status) in way.iter().enumerate() {
            if *status == OrderStatus::Shipped {
                prop_assert_eq!(way[at - 1], OrderStatus::Confirmed);
            }
            if status.is_terminal() {
                prop_assert_eq!(at + 1, way.len(), "{:?}", way);
            }
        }
    }

    #[test]
    fn what_is_paid_never_waits_to_be_paid_again(attempts in attempts()) {
        let way = way(&attempts);
        let unpaid = [OrderStatus::Pending, OrderStatus::AwaitingPayment, OrderStatus::PaymentFailed];
        let decided = way.iter().position(|status| !unpaid.contains(status)).unwrap_or(way.len());
        prop_assert!(way[decided..].iter().all(|status| !unpaid.contains(status)), "{:?}", way);
    }

    #[test]
    fn only_a_revival_leads_out_of_cancelled(attempts in attempts()) {
        for step in way(&attempts).windows(2).filter(|step| step[0] == OrderStatus::Cancelled) {
            prop_assert_eq!(step[1], OrderStatus::Confirmed);
        }
    }
}
