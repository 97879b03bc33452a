//! What a reconciliation judges.

use std::time::Duration;

use kassa_workflows::checkout::Policy;
use kassa_workflows::reconciliation::ReconciliationPolicy;

use crate::store::call_timeout;
use crate::{ConfigError, Settings};

const SECOND: u64 = 1000;
const DAY: u64 = 24 * 60 * 60 * SECOND;

/// Reads `KASSA_RECONCILE_GRACE_MS`, `KASSA_RECONCILE_LOOK_BACK_MS`, `KASSA_RECONCILE_OPEN_LIMIT_MS`, and how patient the
/// workflows are that mend what is found: `KASSA_STEP_PATIENCE_MS` and `KASSA_REFUND_PATIENCE_MS`.
pub fn reconciliation(settings: &Settings<'_>) -> Result<ReconciliationPolicy, ConfigError> {
    let usual = ReconciliationPolicy::default();
    let within = |name, min, max, usual| Ok(settings.milliseconds(name, min, max)?.unwrap_or(usual));
    Ok(ReconciliationPolicy {
        grace_ms: within("KASSA_RECONCILE_GRACE_MS", SECOND, DAY, usual.grace_ms)?,
        look_back_ms: within("KASSA_RECONCILE_LOOK_BACK_MS", SECOND, 400 * DAY, usual.look_back_ms)?,
        open_limit_ms: within("KASSA_RECONCILE_OPEN_LIMIT_MS", SECOND, 400 * DAY, usual.open_limit_ms)?,
        pages_per_run: usual.pages_per_run,
        steps: patience(settings, &usual.steps)?,
    })
}

/// Reads `KASSA_STEP_PATIENCE_MS`, `KASSA_REFUND_PATIENCE_MS` and `KASSA_CALL_TIMEOUT_MS`.
pub fn patience(settings: &Settings<'_>, usual: &Policy) -> Result<Policy, ConfigError> {
    let within = |name, min, max, usual| Ok(settings.milliseconds(name, min, max)?.unwrap_or(usual));
    Ok(Policy {
        patience_ms: within("KASSA_STEP_PATIENCE_MS", SECOND, DAY, usual.patience_ms)?,
        refund_patience_ms: within("KASSA_REFUND_PATIENCE_MS", SECOND, 90 * DAY, usual.refund_patience_ms)?,
        call_timeout_ms: milliseconds(call_timeout(settings)?),
        ..usual.clone()
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_default_and_bounds() {
        let read =
            |pairs: &[(&'static str, &'static str)]| reconciliation(&Settings::from_pairs(pairs.iter().copied()));
        assert_eq!(read(&[]), Ok(ReconciliationPolicy::default()));
        assert_eq!(read(&[("KASSA_RECONCILE_GRACE_MS", "2000")]).expect("within bounds").grace_ms, 2000);
        for name in ["KASSA_RECONCILE_GRACE_MS", "KASSA_RECONCILE_LOOK_BACK_MS", "KASSA_RECONCILE_OPEN_LIMIT_MS"] {
            assert!(read(&[(name, "999")]).expect_err(name).to_string().starts_with(name));
        }
    }
}
