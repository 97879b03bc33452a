//! Which cases are tried, where there is no time for all of them.

use anyhow::ensure;
use kassa_tests::dice::number_in;
use kassa_tests::proxy::Kind;

use super::act::Act;
use super::fault::{Fault, When};

/// Every so many-th case, shifted from act to act and from moment to moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share(usize);

impl Share {
    /// What `KASSA_GRID_SHARE` says; all of them unless it does.
    pub(super) fn of_environment() -> anyhow::Result<Self> {
        let share = usize::try_from(number_in("KASSA_GRID_SHARE")?.unwrap_or(1))?;
        ensure!((1..=When::ALL.len()).contains(&share), "KASSA_GRID_SHARE={share}: between 1 and {}", When::ALL.len());
        Ok(Self(share))
    }

    pub(super) fn has(self, act: Act, fault: Fault) -> bool {
        let place = |found: Option<usize>| found.expect("everything is in the list of its kind");
        let act = place(Act::all().into_iter().position(|other| other == act));
        let when = place(When::ALL.into_iter().position(|other| other == fault.when));
        let kind = place(Kind::ALL.into_iter().position(|other| other == fault.kind));
        (act + when + kind).is_multiple_of(self.0)
    }
}

#[test]
fn every_act_fails_at_every_moment_and_in_every_way_however_small_the_share() {
    for share in 1..=When::ALL.len() {
        for act in Act::all() {
            let tried: Vec<_> = Fault::all().filter(|fault| Share(share).has(act, *fault)).collect();
            assert!(When::ALL.iter().all(|when| tried.iter().any(|fault| fault.when == *when)), "{share}: {act}");
            assert!(Kind::ALL.iter().all(|kind| tried.iter().any(|fault| fault.kind == *kind)), "{share}: {act}");
            assert!(share > 1 || tried.len() == When::ALL.len() * Kind::ALL.len(), "{act}");
        }
    }
}
