//! The faults: a moment and a kind.

use std::fmt;
use std::time::Duration;

use anyhow::ensure;
use kassa_tests::Answer;
use kassa_tests::proxy::{Call, Failing, Failure, Kind, Moment, Proxy, System};
use kassa_tests::shop::CALL_TIMEOUT;
use reqwest::StatusCode;

use super::act::{Act, Refused};

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum When {
    /// It never arrives.
    Before,
    /// It takes effect, and its answer is another one, or none.
    After,
    /// It takes effect, and its answer comes when whoever has asked has given up; the next call meets the failure at once.
    Hang,
}

impl When {
    pub(super) const ALL: [Self; 3] = [Self::Before, Self::After, Self::Hang];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Before => "before its effect",
            Self::After => "after its effect",
            Self::Hang => "effect, then hang",
        }
    }
}

/// A way in which an effect fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) when: When,
    pub(super) kind: Kind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.when.name(), self.kind)
    }
}

/// A fault that waits for its calls.
#[derive(Debug)]
pub(super) struct Armed {
    act: Act,
    fault: Fault,
    times: usize,
    first: Failing,
    /// What the repeated call meets.
    next: Option<Failing>,
}

impl Fault {
    /// Every fault.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        When::ALL.into_iter().flat_map(|when| Kind::ALL.into_iter().map(move |kind| Self { when, kind }))
    }

    /// Why the call by which an act takes effect never fails like that, if it does not.
    pub(super) fn never_at(self, act: Act) -> Option<&'static str> {
        act.system().never(self.kind)
    }

    /// Has calls fail like that.
    pub(super) fn arm(self, act: Act, proxy: &Proxy, call: Call) -> Armed {
        let times = self.times(act);
        let (first, next) = match self.when {
            When::Before => (Failure::new(Moment::BeforeEffect, self.kind).times(times), None),
            When::After => (Failure::new(Moment::AfterEffect, self.kind).times(times), None),
            When::Hang => {
                let failure = Failure::new(Moment::AfterEffect, self.kind);
                (failure.clone().late(gives_up_after(act)), Some(failure))
            }
        };
        let first = proxy.fail(call.clone(), first);
        let next = next.map(|next| proxy.fail(call, next));
        Armed { act, fault: self, times, first, next }
    }

    /// How many calls in a row fail: so many that the whole activity does at least once, whatever is repeated within it.
    fn times(self, act: Act) -> usize {
        match (self.kind, act.system()) {
            // The first attempt at a cart is only a quick one.
            _ if act.is_final(self) => 1 + usize::from(act == Act::SettleCart),
            // Each takes as long as the client waits.
            (Kind::TimeOut, _) => 2,
            // The store sends a transaction six times.
            (Kind::Conflict, System::DynamoDb) => 7,
            // The store decides four times.
            (Kind::ConditionFailed, System::DynamoDb) => 5,
            _ => 3,
        }
    }
}

impl Armed {
    /// How many calls it has struck.
    pub(super) fn fired(&self) -> usize {
        self.first.fired() + self.next.as_ref().map_or(0, Failing::fired)
    }

    /// That it has struck: as often as it was to before an effect, which comes only once it is over; at least once after it,
    /// which whoever repeats the call may notice without making it again.
    pub(super) fn assert_fired(&self) -> anyhow::Result<()> {
        let fired = self.first.fired();
        let (enough, wanted) = match self.fault.when {
            When::Before => (fired == self.times, self.times),
            When::After => ((1..=self.times).contains(&fired), 1),
            When::Hang => (fired == 1, 1),
        };
        ensure!(enough, "the fault struck {fired} calls, and not {wanted}");
        Ok(())
    }

    /// What becomes of the act by what it was told so far; nothing special if it goes on.
    pub(super) fn refused(&self) -> Option<Refused> {
        // What comes too late is heard by nobody.
        let heard = self.next.as_ref().unwrap_or(&self.first).fired();
        (heard > 0 && self.act.is_final(self.fault)).then(|| self.act.when_refused())
    }

    /// That the fault has struck, and the answer is what it should be: `well` unless the act was refused for good.
    pub(super) fn judge(&self, answer: &Answer, well: StatusCode) -> anyhow::Result<()> {
        self.assert_fired()?;
        let expected = match self.refused() {
            Some(Refused::TakenBack) => StatusCode::SERVICE_UNAVAILABLE,
            Some(Refused::Told) => StatusCode::CONFLICT,
            Some(Refused::Parked | Refused::GivenBack) | None => well,
        };
        let forgotten = self.may_be_forgotten() && answer.status == well;
        ensure!(answer.status == expected || forgotten, "expected {expected}: {answer:?}");
        Ok(())
    }

    /// Whether it may be that nobody remembers what the act was told: a workflow task that hangs for so long may be lost, and
    /// with it what it has heard.
    pub(super) fn may_be_forgotten(&self) -> bool {
        self.fault.when == When::Hang
    }
}

/// When nobody waits for the answer any more, with a second to spare.
fn gives_up_after(act: Act) -> Duration {
    let waits = match act.system() {
        // The first attempt to charge has five seconds, and the client of its activity more: the answer is heard by an
        // activity that was given up long before.
        System::Stripe if act.is_first_charge() => Duration::from_secs(5),
        System::Stripe => CALL_TIMEOUT,
        System::DynamoDb => CALL_TIMEOUT / 4,
        System::RdsData | System::Ses | System::Sns | System::EventBridge => CALL_TIMEOUT / 2,
    };
    waits + Duration::from_secs(1)
}
