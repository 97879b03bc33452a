//! What an operator can say to a parked order, and when it makes sense.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Who decides; the name ends up in the workflow's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The operator's name.
    pub operator: String,
}

/// A step that was done by hand, outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The operator's name.
    pub operator: String,
    /// Where to find what was done: a refund's number, a ticket.
    pub reference: String,
}

/// A decision that wants a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoned {
    /// The operator's name.
    pub operator: String,
    /// Why.
    pub reason: String,
}

/// What was decided about a parked step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Retry,
    Resolve { reference: String },
    WriteOff,
    Abort,
}

/// Which way a parked order may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The order is still to be confirmed: it can be tried again or taken back.
    Forward,
    /// There is no other way than through this step: it can be tried again, done by hand, or given up.
    Only,
}

/// A step that waits for an operator.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) direction: Direction,
    pub(super) error: String,
    pub(super) decision: Option<Decision>,
}

/// All steps that wait for an operator, by the wire name of their activity.
#[derive(Debug, Default)]
pub(super) struct ParkingLot(BTreeMap<&'static str, Parked>);

impl ParkingLot {
    pub(super) fn park(&mut self, step: &'static str, direction: Direction, error: String) {
        self.0.insert(step, Parked { direction, error, decision: None });
    }

    pub(super) fn is_decided(&self, step: &str) -> bool {
        self.0.get(step).is_some_and(|parked| parked.decision.is_some())
    }

    /// Takes the step out of the lot; a step that was never parked is tried again.
    pub(super) fn leave(&mut self, step: &str) -> Decision {
        self.0.remove(step).and_then(|parked| parked.decision).unwrap_or(Decision::Retry)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Parked)> {
        self.0.iter().map(|(step, parked)| (*step, parked))
    }

    /// Whether somebody called `operator` may decide this now.
    pub(super) fn check(&self, operator: &str, text: Option<&str>, decision: &Decision) -> Result<(), &'static str> {
        if operator.trim().is_empty() {
            return Err("`operator` must say who decides");
        }
        if text.is_some_and(|text| text.trim().is_empty()) {
            return Err("the reference or reason must not be empty");
        }
        let mut waiting = self.0.values().filter(|parked| parked.decision.is_none()).peekable();
        if waiting.peek().is_none() {
            return Err("no step of this order waits for an operator");
        }
        let fits = waiting.all(|parked| match decision {
            Decision::Retry => true,
            Decision::Abort => parked.direction == Direction::Forward,
            Decision::Resolve { .. } | Decision::WriteOff => parked.direction == Direction::Only,
        });
        if fits {
            Ok(())
        } else if matches!(decision, Decision::Abort) {
            Err("this order is past the point of return: `retry`, `resolve` or `write_off` the parked step")
        } else {
            Err("this order can still be taken back: `retry` the parked step, or `abort` the order")
        }
    }

    /// Decides for every step that waits.
    pub(super) fn decide(&mut self, decision: &Decision) {
        self.0.values_mut().for_each(|parked| parked.decision = Some(decision.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(direction: Direction) -> ParkingLot {
        let mut lot = ParkingLot::default();
        lot.park("a.step", direction, "it broke".to_owned());
        lot
    }

    #[test]
    fn nothing_can_be_decided_while_nothing_waits() {
        assert!(ParkingLot::default().check("kim", None, &Decision::Retry).is_err());
        let mut lot = parked(Direction::Only);
        lot.decide(&Decision::Retry);
        assert!(lot.check("kim", None, &Decision::Retry).is_err());
    }

    #[test]
    fn a_decision_names_its_operator_and_reason() {
        assert!(parked(Direction::Only).check(" ", None, &Decision::Retry).is_err());
        assert!(parked(Direction::Only).check("kim", Some(""), &Decision::WriteOff).is_err());
        assert!(parked(Direction::Only).check("kim", Some("chargeback"), &Decision::WriteOff).is_ok());
    }

    #[test]
    fn only_what_makes_sense_is_accepted() {
        let resolve = Decision::Resolve { reference: "re_1".to_owned() };
        assert!(parked(Direction::Forward).check("kim", None, &Decision::Abort).is_ok());
        assert!(parked(Direction::Forward).check("kim", None, &resolve).is_err());
        assert!(parked(Direction::Only).check("kim", None, &Decision::Abort).is_err());
        assert!(parked(Direction::Only).check("kim", None, &resolve).is_ok());
    }

    #[test]
    fn a_decision_reaches_every_parked_step() {
        let mut lot = parked(Direction::Only);
        lot.park("b.step", Direction::Only, "it broke, too".to_owned());
        lot.decide(&Decision::WriteOff);
        assert!(lot.is_decided("a.step") && lot.is_decided("b.step"));
        assert_eq!(lot.leave("a.step"), Decision::WriteOff);
        assert_eq!(lot.leave("b.step"), Decision::WriteOff);
        assert!(lot.is_empty());
    }
}
