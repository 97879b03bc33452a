//! What an operator can say to a parked workflow, and when it makes sense.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::Waiting;

/// Who decides; the name ends up in the workflow's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The operator's name.
    pub operator: String,
    /// The wire name of the activity that is meant; all that wait, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// A step that was done by hand, outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The operator's name.
    pub operator: String,
    /// Where to find what was done: a refund's number, a ticket.
    pub reference: String,
    /// The wire name of the activity that is meant. Needed while more than one waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// A decision that wants a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoned {
    /// The operator's name.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// The wire name of the activity that is meant. Needed while more than one waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// What an operator decides about a parked step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Retry(Operator),
    Resolve(Resolution),
    WriteOff(Reasoned),
    Abort(Reasoned),
}

impl Decision {
    /// Who decides, and what the decision has to say beside it.
    fn parts(&self) -> (&str, Option<&str>) {
        match self {
            Self::Retry(by) => (&by.operator, None),
            Self::Resolve(by) => (&by.operator, Some(&by.reference)),
            Self::WriteOff(by) | Self::Abort(by) => (&by.operator, Some(&by.reason)),
        }
    }

    /// The step that is meant; every one, if none is named.
    fn step(&self) -> Option<&str> {
        match self {
            Self::Retry(by) => by.step.as_deref(),
            Self::Resolve(by) => by.step.as_deref(),
            Self::WriteOff(by) | Self::Abort(by) => by.step.as_deref(),
        }
    }

    /// Whether it says what has become of a step, which is not true of every other one.
    const fn is_about_one(&self) -> bool {
        matches!(self, Self::Resolve(_) | Self::WriteOff(_))
    }
}

/// Which way a parked workflow may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// What was begun can still be taken back: the step can be tried again or the whole aborted.
    Forward,
    /// There is no other way than through this step: it can be tried again, done by hand, or given up.
    Only,
    /// There is no step to try again: something was found that has to be mended by hand, or left as it is.
    Report,
}

impl Direction {
    /// The updates that lead on.
    const fn updates(self) -> &'static [&'static str] {
        match self {
            Self::Forward => &["retry", "abort"],
            Self::Only => &["retry", "resolve", "write_off"],
            Self::Report => &["resolve", "write_off"],
        }
    }
}

/// A step that waits for an operator.
#[derive(Debug)]
struct Parked {
    direction: Direction,
    error: String,
    decision: Option<Decision>,
}

impl Parked {
    /// Whether the decision is about this step, which has this name.
    fn is_meant(&self, step: &str, decision: &Decision) -> bool {
        self.decision.is_none() && decision.step().is_none_or(|meant| meant == step)
    }
}

/// All steps that wait for an operator, by the wire name of their activity.
#[derive(Debug, Default)]
pub(crate) struct ParkingLot {
    steps: BTreeMap<&'static str, Parked>,
    /// The state that the workflow showed before the first of them was parked.
    before: Option<String>,
}

impl ParkingLot {
    /// Parks a step of a workflow that shows this state.
    pub(crate) fn park(&mut self, step: &'static str, direction: Direction, error: String, state: Option<String>) {
        if self.steps.is_empty() {
            self.before = state;
        }
        self.steps.insert(step, Parked { direction, error, decision: None });
    }

    pub(crate) fn is_decided(&self, step: &str) -> bool {
        self.steps.get(step).is_some_and(|parked| parked.decision.is_some())
    }

    /// Takes a decided step out of the lot.
    pub(crate) fn leave(&mut self, step: &str) -> Decision {
        let decision = self.steps.remove(step).and_then(|parked| parked.decision);
        decision.expect("a step leaves once it is decided")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The state that the workflow showed before anything was parked.
    pub(crate) fn state_before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// What the web UI shows of the steps that wait, as Markdown; empty if none does.
    pub(crate) fn details(&self) -> String {
        let mut text = String::new();
        for (step, waiting) in &self.steps {
            let choices = match waiting.direction {
                Direction::Forward => "`retry` or `abort`",
                Direction::Only => "`retry`, `resolve` or `write_off`",
                Direction::Report => "`resolve` or `write_off`",
            };
            writeln!(text, "**Needs an operator** at `{step}`: {}\n\nSend the update {choices}.\n", waiting.error)
                .expect("writing into a String does not fail");
        }
        if self.steps.len() > 1 {
            text.push_str("Several steps wait: say in `step` which one is meant.\n");
        }
        text
    }

    /// The steps that wait for a decision.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        let waiting = self.steps.iter().filter(|(_, parked)| parked.decision.is_none());
        let shown = waiting.map(|(step, parked)| Waiting {
            step: (*step).to_owned(),
            error: parked.error.clone(),
            updates: parked.direction.updates().iter().map(|update| (*update).to_owned()).collect(),
        });
        shown.collect()
    }

    /// Whether this may be decided now.
    pub(crate) fn check(&self, decision: &Decision) -> Result<(), &'static str> {
        let (operator, text) = decision.parts();
        if operator.trim().is_empty() {
            return Err("`operator` must say who decides");
        }
        if text.is_some_and(|text| text.trim().is_empty()) {
            return Err("the reference or reason must not be empty");
        }
        if self.steps.values().all(|parked| parked.decision.is_some()) {
            return Err("no step of this order waits for an operator");
        }
        let meant: Vec<_> = self.steps.iter().filter(|(step, parked)| parked.is_meant(step, decision)).collect();
        if meant.is_empty() {
            return Err("`step` names no step that waits for an operator");
        }
        if meant.len() > 1 && decision.is_about_one() {
            return Err("several steps wait for an operator: `step` must name the one that is meant");
        }
        let fits = meant.iter().all(|(_, parked)| match decision {
            Decision::Retry(_) => parked.direction != Direction::Report,
            Decision::Abort(_) => parked.direction == Direction::Forward,
            Decision::Resolve(_) | Decision::WriteOff(_) => parked.direction != Direction::Forward,
        });
        if fits {
            Ok(())
        } else if matches!(decision, Decision::Retry(_)) {
            Err("there is no step to try again: `resolve` what was found, or `write_off`")
        } else if matches!(decision, Decision::Abort(_)) {
            Err("this order is past the point of return: `retry`, `resolve` or `write_off` the parked step")
        } else {
            Err("this order can still be taken back: `retry` the parked step, or `abort` the order")
        }
    }

    /// Decides for the step that is meant, or for every one that waits. What is decided stays decided: whoever decided it was
    /// told so.
    pub(crate) fn decide(&mut self, decision: &Decision) {
        for (step, parked) in &mut self.steps {
            if parked.is_meant(step, decision) {
                parked.decision = Some(decision.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(direction: Direction) -> ParkingLot {
        let mut lot = ParkingLot::default();
        lot.park("a.step", direction, "it broke".to_owned(), Some("CONFIRMED".to_owned()));
        lot
    }

    fn retry(operator: &str) -> Decision {
        Decision::Retry(Operator { operator: operator.to_owned(), step: None })
    }

    fn resolve() -> Decision {
        Decision::Resolve(Resolution { operator: "kim".to_owned(), reference: "re_1".to_owned(), step: None })
    }

    fn resolve_at(step: &str) -> Decision {
        let step = Some(step.to_owned());
        Decision::Resolve(Resolution { operator: "kim".to_owned(), reference: "re_1".to_owned(), step })
    }

    fn because(reason: &str) -> Reasoned {
        Reasoned { operator: "kim".to_owned(), reason: reason.to_owned(), step: None }
    }

    #[test]
    fn nothing_can_be_decided_while_nothing_waits() {
        assert!(ParkingLot::default().check(&retry("kim")).is_err());
        let mut lot = parked(Direction::Only);
        lot.decide(&retry("kim"));
        assert!(lot.check(&retry("kim")).is_err());
    }

    #[test]
    fn a_decision_names_its_operator_and_reason() {
        assert!(parked(Direction::Only).check(&retry(" ")).is_err());
        assert!(parked(Direction::Only).check(&Decision::WriteOff(because(""))).is_err());
        assert!(parked(Direction::Only).check(&Decision::WriteOff(because("chargeback"))).is_ok());
    }

    #[test]
    fn only_what_makes_sense_is_accepted() {
        assert!(parked(Direction::Forward).check(&Decision::Abort(because("late"))).is_ok());
        assert!(parked(Direction::Forward).check(&resolve()).is_err());
        assert!(parked(Direction::Only).check(&Decision::Abort(because("late"))).is_err());
        assert!(parked(Direction::Only).check(&resolve()).is_ok());
    }

    #[test]
    fn what_was_only_found_cannot_be_tried_again() {
        assert!(parked(Direction::Report).check(&retry("kim")).is_err());
        assert!(parked(Direction::Report).check(&resolve()).is_ok());
        assert!(parked(Direction::Report).details().contains("`resolve` or `write_off`"));
    }

    #[test]
    fn what_has_become_of_one_step_is_not_said_of_another() {
        let mut lot = parked(Direction::Only);
        lot.park("b.step", Direction::Only, "it broke, too".to_owned(), None);
        assert!(lot.details().contains("Several steps wait"), "{}", lot.details());
        for unsaid in [resolve(), Decision::WriteOff(because("chargeback"))] {
            assert!(lot.check(&unsaid).is_err_and(|error| error.contains("`step` must name")), "{unsaid:?}");
        }
        assert!(lot.check(&resolve_at("c.step")).is_err_and(|error| error.contains("names no step")));
        assert_eq!(lot.check(&resolve_at("b.step")), Ok(()));
        lot.decide(&resolve_at("b.step"));
        assert!(lot.is_decided("b.step") && !lot.is_decided("a.step"));
        assert!(lot.check(&resolve_at("b.step")).is_err());
        assert_eq!(lot.check(&resolve()), Ok(()));
    }

    #[test]
    fn a_retry_reaches_every_parked_step_and_the_state_before_is_kept() {
        let mut lot = parked(Direction::Only);
        lot.park("b.step", Direction::Only, "it broke, too".to_owned(), Some("NeedsOperator".to_owned()));
        assert_eq!(lot.check(&retry("kim")), Ok(()));
        lot.decide(&retry("kim"));
        assert!(lot.is_decided("a.step") && lot.is_decided("b.step"));
        assert_eq!(lot.leave("a.step"), retry("kim"));
        assert_eq!(lot.leave("b.step"), retry("kim"));
        assert!(lot.is_empty());
        assert_eq!(lot.state_before(), Some("CONFIRMED"));
    }

    #[test]
    fn what_waits_names_the_updates_that_lead_on_until_it_is_decided() {
        let mut lot = parked(Direction::Forward);
        let waiting = lot.waiting();
        assert_eq!((waiting[0].step.as_str(), waiting[0].error.as_str()), ("a.step", "it broke"));
        assert_eq!(waiting[0].updates, ["retry", "abort"]);
        assert_eq!(parked(Direction::Only).waiting()[0].updates, ["retry", "resolve", "write_off"]);
        lot.decide(&retry("kim"));
        assert_eq!(lot.waiting(), []);
    }

    #[test]
    fn a_decision_is_not_changed_by_the_next_one() {
        let mut lot = parked(Direction::Only);
        lot.decide(&resolve());
        lot.park("b.step", Direction::Only, "it broke, too".to_owned(), None);
        lot.decide(&retry("kim"));
        assert_eq!((lot.leave("a.step"), lot.leave("b.step")), (resolve(), retry("kim")));
    }

    #[test]
    fn a_parked_step_says_where_why_and_what_to_do() {
        let text = parked(Direction::Only).details();
        assert!(text.contains("at `a.step`: it broke"), "{text}");
        assert!(text.contains("`retry`, `resolve` or `write_off`"), "{text}");
    }
}
