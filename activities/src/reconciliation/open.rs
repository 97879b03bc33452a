//! What is done about findings.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use kassa_domain::OrderId;
use kassa_workflows::contracts::reconciliation::{Finding, OpenFindings, Remedy, Started};
use kassa_workflows::recovery::{self, RecoveryInput};
use kassa_workflows::{checkout::Policy, finding};

use super::engine::{Engine, EngineError, Standing, Start};

/// How long after a recovery has ended what it may have mended is not told as unmended: another reconciliation may have
/// started it after this one had looked.
const JUST_MENDED: Duration = Duration::from_mins(15);

/// Sees to it that something is done about each finding, and says what.
pub(super) async fn all(engine: &Engine, queue: &str, open: &OpenFindings) -> Result<Vec<Started>, EngineError> {
    let mut recovering = BTreeSet::new();
    let mut started = Vec::with_capacity(open.findings.len());
    for found in &open.findings {
        let done = match found.remedy() {
            Remedy::Recover(order) if recovering.contains(order) => {
                Started::Known { workflow_id: recovery::workflow_id(order) }
            }
            Remedy::Recover(order) => {
                recovering.insert(order.clone());
                recover(engine, queue, found, order, &open.policy).await?
            }
            Remedy::Park => park(engine, queue, found).await?,
            Remedy::Name => Started::Named { workflow_id: found.workflow_id.clone().unwrap_or_default() },
        };
        tracing::warn!(
            finding.kind = found.kind.as_str(),
            finding.about = found.about(),
            finding.detail = found.detail,
            started = done.as_str(),
            workflow = done.workflow_id(),
            "reconciliation: something does not agree"
        );
        started.push(done);
    }
    Ok(started)
}

/// Starts the recovery of an order. One that has ended, and has not mended this, cannot: an operator has to look.
async fn recover(
    engine: &Engine,
    queue: &str,
    found: &Finding,
    order: &OrderId,
    policy: &Policy,
) -> Result<Started, EngineError> {
    let workflow_id = recovery::workflow_id(order);
    let reason = format!("{}: {}", found.kind.as_str(), found.detail);
    let input = RecoveryInput { order_id: order.clone(), found: reason, policy: policy.clone() };
    match engine.recover(queue, input).await? {
        Start::Started => Ok(Started::Recovery { workflow_id }),
        Start::Before => match engine.standing(&workflow_id).await? {
            Standing::Closed(at) if !is_just_now(at) => park(engine, queue, found).await,
            Standing::Closed(_) | Standing::Open | Standing::Unknown => Ok(Started::Known { workflow_id }),
        },
    }
}

fn is_just_now(at: Option<SystemTime>) -> bool {
    let ago = at.and_then(|at| SystemTime::now().duration_since(at).ok());
    ago.is_none_or(|ago| ago < JUST_MENDED)
}

async fn park(engine: &Engine, queue: &str, found: &Finding) -> Result<Started, EngineError> {
    let workflow_id = finding::workflow_id(found);
    Ok(match engine.park(queue, found).await? {
        Start::Started => Started::Parked { workflow_id },
        Start::Before => Started::Known { workflow_id },
    })
}
