//! The steps of a checkout, each with the undo that takes it back.

use crate::contracts::{events, inventory, notifications, orders, payments};

/// A step, in the order in which an order takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Prices the order and writes it as PENDING.
    Validate,
    /// Holds the stock.
    Reserve,
    /// Charges the card.
    Charge,
    /// Turns the held stock into sold stock.
    Deduct,
    /// Writes the order as CONFIRMED.
    Confirm,
    /// Sends the confirmation mail.
    Notify,
    /// Publishes the event.
    Publish,
}

/// What takes a step back. Each tolerates that its step never happened, and shuts out one that happens late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undo {
    /// Writes the order as CANCELLED.
    Cancel,
    /// Returns held stock.
    Release,
    /// Returns the money.
    Refund,
    /// Returns sold stock.
    Restock,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 7] =
        [Self::Validate, Self::Reserve, Self::Charge, Self::Deduct, Self::Confirm, Self::Notify, Self::Publish];

    /// What takes the step back.
    pub const fn undo(self) -> Option<Undo> {
        match self {
            Self::Validate => Some(Undo::Cancel),
            Self::Reserve => Some(Undo::Release),
            Self::Charge => Some(Undo::Refund),
            Self::Deduct => Some(Undo::Restock),
            // Confirming is the point of no return: if it failed, the order is read again before anything is taken back.
            // The undo of the first step closes the order to a confirmation that arrives later. A mail and an event
            // cannot be taken back.
            Self::Confirm | Self::Notify | Self::Publish => None,
        }
    }

    /// The activity that takes the step.
    pub const fn activity(self) -> &'static str {
        match self {
            Self::Validate => orders::PLACE,
            Self::Reserve => inventory::RESERVE,
            Self::Charge => payments::CHARGE,
            Self::Deduct => inventory::DEDUCT,
            Self::Confirm => orders::CONFIRM,
            Self::Notify => notifications::SEND,
            Self::Publish => events::PUBLISH,
        }
    }
}

impl Undo {
    /// All undos.
    pub const ALL: [Self; 4] = [Self::Cancel, Self::Release, Self::Refund, Self::Restock];

    /// The activity that performs the undo.
    pub const fn activity(self) -> &'static str {
        match self {
            Self::Cancel => orders::CANCEL,
            Self::Release => inventory::RELEASE,
            Self::Refund => payments::REFUND,
            Self::Restock => inventory::RESTOCK,
        }
    }
}

/// What would have to be taken back if the order stopped here.
#[derive(Debug, Default)]
pub struct UndoStack(Vec<Undo>);

impl UndoStack {
    /// Announces that `step` is about to run. Called before it, because a step that failed may still have happened.
    pub fn push(&mut self, step: Step) {
        self.0.extend(step.undo().filter(|undo| !self.0.contains(undo)));
    }

    /// Announces that every step may have run. Steps that nothing remembers are still there: a workflow task that was
    /// lost with its worker leaves their effects behind, and none of their results.
    pub fn push_all(&mut self) {
        for step in Step::ALL {
            self.push(step);
        }
    }

    /// The undos in the order in which they run: the last step's first, but the refund before all others, because
    /// the customer's money is what must not wait for a database of ours.
    pub fn unwind(self) -> Vec<Undo> {
        let (refund, others): (Vec<_>, Vec<_>) = self.0.into_iter().rev().partition(|undo| *undo == Undo::Refund);
        refund.into_iter().chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwound_after(steps: &[Step]) -> Vec<Undo> {
        let mut stack = UndoStack::default();
        for step in steps {
            stack.push(*step);
        }
        stack.unwind()
    }

    #[test]
    fn undo_runs_in_reverse_with_the_refund_first() {
        assert_eq!(unwound_after(&[]), []);
        assert_eq!(unwound_after(&[Step::Validate, Step::Reserve]), [Undo::Release, Undo::Cancel]);
        assert_eq!(unwound_after(&Step::ALL[..5]), [Undo::Refund, Undo::Restock, Undo::Release, Undo::Cancel]);
    }

    #[test]
    fn steps_that_a_lost_task_may_have_taken_are_undone_once() {
        let mut stack = UndoStack::default();
        stack.push(Step::Validate);
        stack.push(Step::Reserve);
        stack.push_all();
        assert_eq!(stack.unwind(), [Undo::Refund, Undo::Restock, Undo::Release, Undo::Cancel]);
    }

    #[test]
    fn every_undo_belongs_to_exactly_one_step() {
        for undo in Undo::ALL {
            assert_eq!(Step::ALL.iter().filter(|step| step.undo() == Some(undo)).count(), 1, "{undo:?}");
        }
    }
}
