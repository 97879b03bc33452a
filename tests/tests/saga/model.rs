//! What must come of a schedule. Says it once more, in the simplest way, and uses nothing of the workflow but the names
//! of its steps.

use std::collections::BTreeSet;

use kassa_tests::operators::Decides;
use kassa_tests::proxy::Moment;
use kassa_workflows::checkout::{Step, Undo};

use crate::effects::Deed;
use crate::outcome::Outcome;
use crate::schedule::{Cancelled, Schedule, Trouble};

/// What must come of a schedule.
pub(crate) fn predict(schedule: &Schedule) -> Outcome {
    let mut world = World { schedule, spent: Vec::new(), outcome: nothing() };
    world.buy();
    world.outcome
}

fn nothing() -> Outcome {
    Outcome {
        answer: (0, None),
        status: "PENDING",
        reason: None,
        captured: false,
        refunded: false,
        reservation: None,
        mails: BTreeSet::new(),
        events: BTreeSet::new(),
        parked: BTreeSet::new(),
        struck: BTreeSet::new(),
    }
}

/// Why a deed is not done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Not {
    /// No repetition would change that.
    ForGood,
    /// Nobody has patience any more.
    InTime,
    /// The server says no, as it should.
    Agreed,
}

/// How much may have been begun, and has to be taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// The order is not even known.
    Nothing,
    /// Stock.
    Stock,
    /// Stock, and perhaps money.
    Charge,
    /// A step failed, so nobody knows.
    Everything,
}

struct World<'a> {
    schedule: &'a Schedule,
    /// Troubles that are over.
    spent: Vec<Deed>,
    outcome: Outcome,
}

impl World<'_> {
    /// The whole story of an order.
    fn buy(&mut self) {
        use Step::{Charge, Confirm, Deduct, Reserve, Validate};
        match self.tries(Deed::Step(Validate), true, |_| {}) {
            Ok(()) => {}
            Err(Not::ForGood) => return self.failed(Begun::Nothing),
            Err(Not::InTime | Not::Agreed) => {
                // Whether it was placed all the same has to be known before anything can be taken back.
                self.outcome.parked.insert(Validate.activity());
                return self.failed(Begun::Everything);
            }
        }
        let in_stock = self.schedule.in_stock;
        match self.tries(Deed::Step(Reserve), in_stock, |order| order.reservation = Some("RESERVED")) {
            Ok(()) => {}
            Err(Not::Agreed) => return self.refused((409, "out_of_stock"), "out_of_stock", Begun::Stock),
            Err(Not::ForGood | Not::InTime) => return self.failed(Begun::Everything),
        }
        if let Some(Cancelled::Charging(moment)) = self.schedule.cancelled {
            self.outcome.captured = moment == Moment::AfterEffect;
            return self.refused((409, "order_cancelled"), "cancelled_by_shop", Begun::Everything);
        }
        let good_card = self.schedule.good_card;
        match self.tries(Deed::Step(Charge), good_card, |order| order.captured = true) {
            Ok(()) => {}
            Err(Not::Agreed) => return self.refused((402, "payment_declined"), "payment_declined", Begun::Charge),
            Err(Not::ForGood | Not::InTime) => return self.failed(Begun::Everything),
        }
        // Nobody is refunded because a database is slow: whoever wants that has to decide it.
        for (step, effect) in [
            (Deduct, (|order| order.reservation = Some("SOLD")) as fn(&mut Outcome)),
            (Confirm, |order| order.status = "CONFIRMED"),
        ] {
            match self.tries(Deed::Step(step), true, effect) {
                Ok(()) => {}
                Err(Not::InTime) => {
                    self.outcome.parked.insert(step.activity());
                    if self.schedule.operators == Decides::Abort {
                        return self.failed(Begun::Everything);
                    }
                    effect(&mut self.outcome);
                }
                // The order is read again, and it is confirmed.
                Err(Not::ForGood) if self.outcome.status == "CONFIRMED" => {}
                Err(Not::ForGood | Not::Agreed) => return self.failed(Begun::Everything),
            }
        }
        self.outcome.answer = (201, None);
        self.tell("confirmed", true);
        if self.schedule.cancelled == Some(Cancelled::Confirmed) {
            self.cancel_sale();
        }
    }

    /// A step failed: the customer is told, also by mail, and everything is taken back.
    fn failed(&mut self, begun: Begun) {
        self.refused((503, "checkout_failed"), "step_failed", begun);
    }

    fn refused(&mut self, (status, code): (u16, &'static str), reason: &'static str, begun: Begun) {
        self.outcome.answer = (status, Some(code));
        self.take_back(begun);
        (self.outcome.status, self.outcome.reason) = ("CANCELLED", Some(reason));
        // Who hears the answer needs no mail about what was decided before it.
        self.tell("cancelled", ["step_failed", "cancelled_by_shop"].contains(&reason));
    }

    fn take_back(&mut self, begun: Begun) {
        use Undo::{Cancel, Refund, Release, Restock};
        if self.outcome.captured {
            self.insists(Deed::Undo(Refund), Refund.activity(), |order| order.refunded = true);
        }
        if begun == Begun::Everything {
            match self.outcome.reservation {
                Some("SOLD") => {
                    self.insists(Deed::Undo(Restock), Restock.activity(), |order| {
                        order.reservation = Some("RESTOCKED");
                    });
                }
                // What was not sold is released on the same occasion, so that it never will be.
                Some("RESERVED") => self.release(Restock),
                _ => {}
            }
        }
        // Nothing that was never held will be.
        if begun != Begun::Nothing && matches!(self.outcome.reservation, None | Some("RESERVED")) {
            self.release(Release);
        }
        self.insists(Deed::Undo(Cancel), Cancel.activity(), |_| {});
    }

    fn release(&mut self, by: Undo) {
        self.insists(Deed::Undo(Undo::Release), by.activity(), |order| order.reservation = Some("RELEASED"));
    }

    /// A confirmed order is cancelled: the money and the stock go back.
    fn cancel_sale(&mut self) {
        (self.outcome.status, self.outcome.reason) = ("CANCELLED", Some("cancelled_by_shop"));
        let refund = |order: &mut Outcome| order.refunded = true;
        // A refusal is only believed if the refund has not been made all the same.
        if self.tries(Deed::Undo(Undo::Refund), true, refund).is_err() && !self.outcome.refunded {
            self.outcome.parked.insert("payments.create_refund");
            refund(&mut self.outcome);
        }
        self.insists(Deed::Undo(Undo::Restock), Undo::Restock.activity(), |order| {
            order.reservation = Some("RESTOCKED");
        });
        self.tell("cancelled", true);
        self.outcome.events.insert("order.refunded");
    }

    /// Mail and event.
    fn tell(&mut self, what: &'static str, by_mail: bool) {
        if by_mail {
            self.insists(Deed::Step(Step::Notify), Step::Notify.activity(), |_| {});
            self.outcome.mails.insert(what);
        }
        self.insists(Deed::Step(Step::Publish), Step::Publish.activity(), |_| {});
        self.outcome.events.insert(if what == "confirmed" { "order.confirmed" } else { "order.cancelled" });
    }

    /// Does something from which there is no other way: if it fails, operators have it tried again.
    fn insists(&mut self, deed: Deed, step: &'static str, effect: impl Fn(&mut Outcome)) {
        if self.tries(deed, true, &effect).is_err() {
            self.outcome.parked.insert(step);
            effect(&mut self.outcome);
        }
    }

    /// Does something, with the trouble that the schedule has for it; `agrees` is whether the server, once asked, does it.
    fn tries(&mut self, deed: Deed, agrees: bool, effect: impl Fn(&mut Outcome)) -> Result<(), Not> {
        let trouble = self.schedule.trouble(deed).filter(|_| !self.spent.contains(&deed));
        let after =
            matches!(trouble, Some(Trouble::ForGood(Moment::AfterEffect) | Trouble::Passing(Moment::AfterEffect, ..)));
        // What the server refuses has no effect after which something could go wrong.
        let trouble = trouble.filter(|_| agrees || !after);
        if trouble.is_some() {
            self.outcome.struck.insert(format!("{deed:?}"));
            self.spent.push(deed);
        }
        match trouble {
            None | Some(Trouble::Passing(..)) => {
                if !agrees {
                    return Err(Not::Agreed);
                }
                effect(&mut self.outcome);
                Ok(())
            }
            Some(Trouble::ForGood(moment)) => {
                if moment == Moment::AfterEffect {
                    effect(&mut self.outcome);
                }
                Err(Not::ForGood)
            }
            Some(Trouble::Outage) => Err(Not::InTime),
        }
    }
}
