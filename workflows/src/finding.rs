//! A finding of a reconciliation that nobody but an operator can mend.

#![expect(missing_docs, reason = "the workflow macros generate markers without documentation")]

use kassa_domain::OrderId;
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use crate::contracts::reconciliation::Finding;
use crate::parking::{
    ByOperator, Decision, Direction, ParkingLot, Parks, Reasoned, Refused, Resolution, STANDING, Standing,
    all_answered, standing,
};

/// What the parked step is called.
const STEP: &str = "reconciliation";

/// The workflow of a finding; one finding, one workflow.
pub fn workflow_id(finding: &Finding) -> String {
    format!("finding-{}", finding.id())
}

/// How a finding has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FindingEnd {
    /// It was mended by hand.
    Resolved {
        /// Where to find what was done.
        reference: String,
    },
    /// It is left as it is.
    WrittenOff {
        /// Why.
        reason: String,
    },
}

/// A finding that waits for an operator.
#[workflow]
pub struct ParkedFinding {
    finding: Finding,
    parked: ParkingLot,
}

#[workflow_methods]
impl ParkedFinding {
    #[init]
    fn new(_ctx: &WorkflowContextView, finding: Finding) -> Self {
        Self { finding, parked: ParkingLot::default() }
    }

    /// Waits until an operator says what came of it.
    #[run(name = "finding")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<FindingEnd> {
        let message = ctx.state(|s| s.finding.detail.clone());
        let end = match Self::ask_about(ctx, message).await {
            ByOperator::Resolved { reference } => FindingEnd::Resolved { reference },
            ByOperator::WrittenOff { reason } => FindingEnd::WrittenOff { reason },
        };
        all_answered(ctx).await;
        Ok(end)
    }

    /// Operators: where it stands.
    #[query(name = STANDING)]
    pub fn standing(&self, _ctx: &WorkflowContextView) -> Standing {
        standing(self)
    }

    /// Operators: it was mended by hand.
    #[update(name = "resolve")]
    pub fn resolve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Resolution) {
        self.parked.decide(&Decision::Resolve(by));
    }

    #[update_validator(resolve)]
    fn validate_resolve(&self, _ctx: &WorkflowContextView, by: &Resolution) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::Resolve(by.clone()))?)
    }

    /// Operators: it is left as it is.
    #[update(name = "write_off")]
    pub fn write_off(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: Reasoned) {
        self.parked.decide(&Decision::WriteOff(by));
    }

    #[update_validator(write_off)]
    fn validate_write_off(&self, _ctx: &WorkflowContextView, by: &Reasoned) -> Result<(), Refused> {
        Ok(self.parked.check(&Decision::WriteOff(by.clone()))?)
    }
}

impl ParkedFinding {
    async fn ask_about(ctx: &WorkflowContext<Self>, message: String) -> ByOperator {
        loop {
            match Self::park(ctx, STEP, Direction::Report, message.clone()).await {
                Decision::Resolve(by) => return ByOperator::Resolved { reference: by.reference },
                Decision::WriteOff(by) => return ByOperator::WrittenOff { reason: by.reason },
                Decision::Retry(_) | Decision::Abort(_) => {}
            }
        }
    }
}

impl Parks for ParkedFinding {
    fn parked(&self) -> &ParkingLot {
        &self.parked
    }

    fn parked_mut(&mut self) -> &mut ParkingLot {
        &mut self.parked
    }

    fn order_id(&self) -> Option<OrderId> {
        self.finding.order_id.clone()
    }

    fn stage(&self) -> &'static str {
        STEP
    }

    fn details(&self) -> String {
        let Finding { kind, .. } = &self.finding;
        format!("**Finding**: {}\n\n**About**: {}\n\n{}", kind.as_str(), self.finding.about(), self.parked.details())
    }
}
