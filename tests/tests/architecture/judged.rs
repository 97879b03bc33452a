//! Whatever a scenario or a fault leaves is judged.

use std::fs;

use crate::sources::sources;

/// What starts a shop that nobody judges by itself.
const UNJUDGED: [&str; 3] = ["Shop::own", "Shop::start", "Shop::over"];

#[test]
fn every_scenario_and_fault_runs_on_a_shop_that_is_judged() {
    let files: Vec<_> = ["tests/tests/scenarios", "tests/tests/faults"].into_iter().flat_map(sources).collect();
    assert!(files.len() > 50, "only {} files, so this looks in the wrong place", files.len());
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let found = UNJUDGED.into_iter().find(|unjudged| source.contains(unjudged));
        assert_eq!(found, None, "{}: take `on_shared_shop`, `on_exclusive_shop` or `on_own_shop`", file.display());
    }
}
