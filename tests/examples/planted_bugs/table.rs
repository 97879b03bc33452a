//! What is printed: a row of a Markdown table for every bug and test.

use kassa_tests::planted::PlantedBug;

use crate::trial::Trial;

/// Prints what came of a bug.
pub(crate) fn print(bug: &PlantedBug, trials: &[Trial]) {
    println!("\n{}: {}", bug.name, bug.what);
    for Trial { test, outcome } in trials {
        println!("| {} | `{} {}` | {outcome} |", bug.name, test.program, test.path);
    }
}
