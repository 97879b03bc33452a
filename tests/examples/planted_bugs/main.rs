//! Plants bugs into a copy of the sources, and demands that the tests catch every one of them.
//!
//! ```sh
//! cargo run --example planted_bugs                   # all of them
//! cargo run --example planted_bugs -- oversell ...   # these
//! ```
//!
//! The bugs are the patches in `tests/planted` (see `kassa_tests::planted`). All are planted at once and are asleep, so that
//! worker and API are compiled once. Then the tests that have to catch a bug run against these programs: first with all bugs
//! asleep, when they have to pass, and then with the bug awake, when each has to fail.

mod build;
mod table;
mod trial;

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::ensure;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_tests::planted;

use crate::build::{Programs, compile, plant};
use crate::trial::{Outcome, try_tests};

/// How many bugs are tried at a time: each trial has servers of its own, and many wait for what never comes.
const AT_A_TIME: usize = 4;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let names: BTreeSet<_> = std::env::args().skip(1).collect();
    let mut bugs = planted::bugs()?;
    let known: BTreeSet<_> = bugs.iter().map(|bug| bug.name.clone()).collect();
    ensure!(names.is_subset(&known), "of these there is none: {:?}", names.difference(&known));
    bugs.retain(|bug| names.is_empty() || names.contains(&bug.name));

    let began = Instant::now();
    let planted = plant().await?;
    let tests = compile(bugs.iter().flat_map(|bug| &bug.caught_by)).await?;
    println!("compiled in {} s", began.elapsed().as_secs());

    let programs = Programs { planted, tests };
    let all: BTreeSet<_> = bugs.iter().flat_map(|bug| bug.caught_by.clone()).collect();
    let asleep = try_tests(&programs, None, &all).await?;
    let passed = asleep.iter().filter(|trial| matches!(trial.outcome, Outcome::Passed)).count();
    println!("{passed} of {} tests pass with all bugs asleep ({} s)", all.len(), began.elapsed().as_secs());
    for trial in asleep.iter().filter(|trial| !matches!(trial.outcome, Outcome::Passed)) {
        println!("  {} {}: {}", trial.test.program, trial.test.path, trial.outcome);
    }

    let programs = &programs;
    let tried: Vec<_> = stream::iter(bugs)
        .map(async |bug| {
            let tests = bug.caught_by.iter().cloned().collect();
            let trials = try_tests(programs, Some(&bug.name), &tests).await?;
            anyhow::Ok((bug, trials))
        })
        .buffer_unordered(AT_A_TIME)
        .inspect_ok(|(bug, trials)| table::print(bug, trials))
        .try_collect()
        .await?;

    let is_caught = |trials: &[trial::Trial]| trials.iter().all(|trial| matches!(trial.outcome, Outcome::Failed(_)));
    let caught = tried.iter().filter(|(_, trials)| is_caught(trials)).count();
    println!("\n{caught} of {} bugs are caught ({} s)", tried.len(), began.elapsed().as_secs());
    ensure!(passed == all.len(), "tests fail without any bug");
    ensure!(caught == tried.len(), "a bug is not caught");
    Ok(())
}
