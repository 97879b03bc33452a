//! The cases that the everyday check tries: at least one of each class.
//!
//! Two mechanisms meet in a case. The client of an outside system understands the failure: that depends on the system, the
//! moment and the kind of the failure. The workflow goes on from there: that depends on the activity, the moment, and whether
//! the failure is final. So every case belongs to two classes, and each class is tried at least once.

use kassa_tests::proxy::System;

use super::act::Act;
use super::fault::{Fault, When};

/// Cases that fail in the same way at the same system.
fn failure(act: Act, fault: Fault) -> (System, Fault) {
    (act.system(), fault)
}

/// Cases after which the workflow goes on in the same way.
fn consequence(act: Act, fault: Fault) -> (Act, When, bool) {
    (act, fault.when, act.is_final(fault))
}

/// The cases that can happen.
fn possible() -> Vec<(Act, Fault)> {
    let all = Act::all().into_iter().flat_map(|act| Fault::all().map(move |fault| (act, fault)));
    all.filter(|(act, fault)| fault.never_at(*act).is_none()).collect()
}

/// Returns cases that represent all classes.
pub(super) fn representatives() -> Vec<(Act, Fault)> {
    let possible = possible();
    let mut chosen: Vec<(Act, Fault)> = Vec::new();
    for (act, fault) in possible.iter().copied() {
        let wanted = consequence(act, fault);
        if chosen.iter().any(|(act, fault)| consequence(*act, *fault) == wanted) {
            continue;
        }
        // The failures of a system are spread evenly over its activities, so that together they cover most of them.
        let times = |case: &(Act, Fault)| {
            let failure_of_case = failure(case.0, case.1);
            chosen.iter().filter(|(act, fault)| failure(*act, *fault) == failure_of_case).count()
        };
        let class = possible.iter().filter(|(act, fault)| consequence(*act, *fault) == wanted);
        chosen.extend(class.min_by_key(|case| times(case)).copied());
    }
    for (act, fault) in possible {
        if !chosen.iter().any(|(other, chosen)| failure(*other, *chosen) == failure(act, fault)) {
            chosen.push((act, fault));
        }
    }
    chosen
}

#[test]
fn every_case_is_represented_by_one_that_fails_alike_and_by_one_that_goes_on_alike() {
    let chosen = representatives();
    let possible = possible();
    for (act, fault) in &possible {
        let alike = chosen.iter().any(|(other, chosen)| failure(*other, *chosen) == failure(*act, *fault));
        assert!(alike, "no case fails like {act} {fault}");
        let alike = chosen.iter().any(|(other, chosen)| consequence(*other, *chosen) == consequence(*act, *fault));
        assert!(alike, "no case goes on like {act} {fault}");
    }
    assert!(chosen.len() * 3 < possible.len(), "{} of {} cases represent the others", chosen.len(), possible.len());
}
