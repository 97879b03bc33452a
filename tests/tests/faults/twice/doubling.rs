//! Throws first results away, and compares second ones with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use kassa_workflows::contracts::{awaited, late_payments, orders, reconciliation, recovery};
use serde_json::Value;
use temporalio_sdk::activities::{ActivityError, ActivityInfo};
use temporalio_sdk::interceptors::{
    ActivityExecutionValue, ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next,
};

/// What only looks: the world may have moved between one look and the next.
const LOOKS: [&str; 5] =
    [awaited::LOOK, late_payments::LOOK, late_payments::READ, reconciliation::COMPARE, recovery::EXAMINE];

/// Runs every activity twice. Clones share what they have seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Doubling(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// The results that were thrown away.
    first: HashMap<Key, Value>,
    thrown_away: BTreeSet<String>,
    doubled: BTreeMap<String, usize>,
    differences: Vec<String>,
}

/// One activity of one run of a workflow. What is tried once as a local activity is repeated as a regular one, with another
/// id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    run: Option<String>,
    activity: String,
    id: Option<String>,
}

impl Key {
    fn of(info: &ActivityInfo) -> Self {
        let is_single = info.retry_policy.as_ref().is_some_and(|policy| policy.maximum_attempts() == 1);
        let id = (!is_single).then(|| info.activity_id.clone());
        Self { run: info.workflow_run_id.clone(), activity: info.activity_type.clone(), id }
    }

    /// What was tried once before it.
    fn single(&self) -> Self {
        Self { id: None, ..self.clone() }
    }
}

impl Doubling {
    /// How often each activity was run twice.
    pub(super) fn doubled(&self) -> BTreeMap<String, usize> {
        self.lock().doubled.clone()
    }

    /// Whether a result of an activity was thrown away.
    pub(super) fn was_thrown_away(&self, activity: &str) -> bool {
        self.lock().thrown_away.contains(activity)
    }

    /// The results that were not the same.
    pub(super) fn differences(&self) -> Vec<String> {
        self.lock().differences.clone()
    }

    /// Whether this was the second time; if it was the first, the result is kept to be compared.
    fn is_second(&self, key: Key, result: Value) -> bool {
        let mut seen = self.lock();
        let first = seen.first.remove(&key).or_else(|| seen.first.remove(&key.single()));
        let activity = key.activity.clone();
        let Some(first) = first else {
            seen.thrown_away.insert(activity);
            seen.first.insert(key, result);
            return false;
        };
        let (once, twice) = (what_matters(&activity, &first), what_matters(&activity, &result));
        if once != twice && !only_looked(&activity, &first) {
            seen.differences.push(format!("{activity}: first {first}, then {result}"));
        }
        *seen.doubled.entry(activity).or_default() += 1;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true if the first run changed nothing, so that the second one may have found another world.
fn only_looked(activity: &str, first: &Value) -> bool {
    // The cancellation of an order asks again and again until the checkout of the order has ended.
    let is_undecided = activity == orders::CANCEL_SALE && first["kind"] == "undecided";
    LOOKS.contains(&activity) || is_undecided
}

/// What has to be the same: everything, but that a workflow which was begun for a finding the first time is known the second.
fn what_matters(activity: &str, result: &Value) -> Value {
    if activity != reconciliation::OPEN {
        return result.clone();
    }
    let started = result["started"].as_array().map(Vec::as_slice).unwrap_or_default();
    started.iter().map(|started| started["workflow_id"].clone()).collect()
}

fn json(output: &dyn ActivityExecutionValue) -> Value {
    output.as_serde().ok().and_then(|output| serde_json::to_value(output).ok()).unwrap_or_default()
}

impl ActivityInboundInterceptor for Doubling {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let key = Key::of(input.activity_info());
        async move {
            // An attempt that failed by itself is repeated anyway.
            let output = next.run(input).await?;
            if self.is_second(key, json(output.as_ref())) {
                return Ok(output);
            }
            Err(ActivityError::from(anyhow::anyhow!("the worker has forgotten what it did")))
        }
        .boxed()
    }
}
