//! Whether every activity is in the grid, or does nothing that could be lost.

use std::collections::BTreeSet;

use anyhow::ensure;
use kassa_workflows::checkout::{Step, Undo};
use kassa_workflows::contracts::{ACTIVITY_NAMES, awaited, late_payments, reconciliation, recovery, valve};

use super::act::Act;

/// The activities that are not in the grid, and why they need not be.
const ELSEWHERE: [(&str, &str); 7] = [
    (awaited::LOOK, "it only looks"),
    (valve::LOOK, "it only looks"),
    (late_payments::LOOK, "it only looks"),
    (late_payments::READ, "it only looks"),
    (reconciliation::COMPARE, "it only looks"),
    (recovery::EXAMINE, "it only looks"),
    (reconciliation::OPEN, "its effect is at Temporal, and the names of the workflows that it starts are the guard"),
];

#[test]
fn every_activity_is_in_the_grid_or_need_not_be() -> anyhow::Result<()> {
    let grid: BTreeSet<_> = Act::all().into_iter().map(Act::activity).collect();
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|(activity, _)| *activity).collect();
    for activity in ACTIVITY_NAMES {
        let places = usize::from(grid.contains(activity)) + usize::from(elsewhere.contains(activity));
        ensure!(places == 1, "{activity} is in {places} places: add it to the grid, or say why it need not be there");
    }
    ensure!(grid.len() + elsewhere.len() == ACTIVITY_NAMES.len(), "something is in the grid that is no activity");
    Ok(())
}

#[test]
fn no_two_acts_share_a_row_of_the_table() {
    let acts = Act::all();
    let rows: BTreeSet<_> = acts.iter().map(ToString::to_string).collect();
    assert_eq!(rows.len(), acts.len(), "{rows:?}");
}

#[test]
fn every_step_and_undo_of_a_checkout_is_in_the_grid() {
    let grid: BTreeSet<_> = Act::all().into_iter().map(Act::activity).collect();
    for step in Step::ALL {
        assert!(grid.contains(step.activity()), "{step:?}");
        assert!(step.undo().is_none_or(|undo| grid.contains(undo.activity())), "the undo of {step:?}");
    }
    for undo in Undo::ALL {
        assert!(grid.contains(undo.activity()), "{undo:?}");
    }
}
