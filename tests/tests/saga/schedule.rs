//! What happens to one order, in the words of its story.

use kassa_tests::Dice;
use kassa_tests::operators::Decides;
use kassa_tests::proxy::{Kind, Moment};
use kassa_workflows::checkout::{Step, Undo};

use crate::effects::Deed;

/// What happens to one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Whether there is as much as the customer wants.
    pub(crate) in_stock: bool,
    /// Whether the card is good.
    pub(crate) good_card: bool,
    /// What goes wrong with the calls by which the order takes effect; at most one thing with each.
    pub(crate) troubles: Vec<(Deed, Trouble)>,
    /// When the shop cancels the order, if it does.
    pub(crate) cancelled: Option<Cancelled>,
    /// What operators decide about a step that can still be taken back.
    pub(crate) operators: Decides,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It fails so many times in a way that passes.
    Passing(Moment, Kind, usize),
    /// It fails once in a way that no repetition changes.
    ForGood(Moment),
    /// It fails until nobody has patience any more.
    Outage,
}

/// When the shop cancels an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// While its charge is on the way to Stripe, or the answer on the way back.
    Charging(Moment),
    /// When it has been confirmed, if it has.
    Confirmed,
}

const MOMENTS: [Moment; 2] = [Moment::BeforeEffect, Moment::AfterEffect];

/// The ways to fail that pass and do not take long.
const PASSING: [Kind; 6] =
    [Kind::Reset, Kind::TooMany, Kind::ServerError, Kind::Unavailable, Kind::Malformed, Kind::Conflict];

impl Schedule {
    /// Draws one.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let cancelled = match dice.below(10) {
            0 => Some(Cancelled::Charging(dice.pick(&MOMENTS))),
            1 => Some(Cancelled::Confirmed),
            _ => None,
        };
        let undisturbed = matches!(cancelled, Some(Cancelled::Charging(_)));
        let mut troubles = Vec::new();
        for deed in Deed::all() {
            // A charge that is cancelled has to come as far as that.
            let before_the_cancel =
                matches!(deed, Deed::Step(Step::Validate | Step::Reserve | Step::Charge)) && undisturbed;
            // Without trouble there is nothing to undo, so undos have theirs more often.
            let chance = if matches!(deed, Deed::Undo(_)) { 30 } else { 18 };
            if dice.percent(chance) && !before_the_cancel {
                troubles.push((deed, Trouble::draw(deed, dice)));
            }
        }
        Self {
            in_stock: undisturbed || dice.percent(93),
            good_card: undisturbed || dice.percent(88),
            troubles,
            cancelled,
            operators: dice.pick(&[Decides::Retry, Decides::Abort]),
        }
    }

    /// The trouble with a deed.
    pub(crate) fn trouble(&self, deed: Deed) -> Option<Trouble> {
        self.troubles.iter().find(|(about, _)| *about == deed).map(|(_, trouble)| *trouble)
    }

    /// The schedules that lack one thing of this one.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let without_cancel = self.cancelled.map(|_| Self { cancelled: None, ..self.clone() });
        let without_trouble = (0..self.troubles.len()).map(|left_out| {
            let mut smaller = self.clone();
            smaller.troubles.remove(left_out);
            smaller
        });
        without_cancel.into_iter().chain(without_trouble).collect()
    }
}

impl Trouble {
    fn draw(deed: Deed, dice: &mut Dice) -> Self {
        match (dice.below(20), deed) {
            // Mail and events are tried for a day, and an event that is not taken is tried again whatever the reason.
            (0..6, deed) if deed != Deed::Step(Step::Publish) => Self::ForGood(dice.pick(&MOMENTS)),
            (6, deed) if !matches!(deed, Deed::Step(Step::Notify | Step::Publish)) => Self::Outage,
            _ => Self::passing(deed, dice),
        }
    }

    fn passing(deed: Deed, dice: &mut Dice) -> Self {
        let (moment, kind) = (dice.pick(&MOMENTS), dice.pick(&PASSING));
        // What has no transactions has no conflicts.
        let kind = match deed {
            Deed::Step(Step::Notify | Step::Publish) if kind == Kind::Conflict => Kind::Reset,
            Deed::Step(_) | Deed::Undo(Undo::Cancel | Undo::Release | Undo::Refund | Undo::Restock) => kind,
        };
        Self::Passing(moment, kind, 1 + dice.below(4))
    }
}
