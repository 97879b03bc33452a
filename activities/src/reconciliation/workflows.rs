//! Open workflows against the time they should take, and those that wait for an operator.

use std::fmt::Write as _;

use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding, FindingKind};
use kassa_workflows::search_attributes::NEEDS_OPERATOR;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use time::format_description::well_known::Rfc3339;

use super::engine::Standing;
use super::{Engine, ReconciliationError, at, count};

/// Those that wait for banks may take as long as banks take.
const WAIT_FOR_BANKS: &str = "'refund', 'cancellation', 'recovery'";
/// Findings of reconciliations are named where they are found.
const FINDING: &str = "'finding'";

pub(super) async fn compare(engine: &Engine, page: &ComparePage) -> Result<Compared, ReconciliationError> {
    let token = page.cursor.as_deref().map(from_hex).transpose()?.unwrap_or_default();
    let (listed, next) = engine.list(query(page), token).await?;
    let mut findings = Vec::new();
    for workflow in &listed {
        let Some(id) = workflow.execution.as_ref().map(|execution| execution.workflow_id.as_str()) else { continue };
        // The list is a moment behind.
        if engine.standing(id).await? != Standing::Open {
            continue;
        }
        let finding = if needs_operator(workflow) {
            Finding::new(FindingKind::WorkflowParked, "the workflow waits for an operator")
        } else {
            Finding::new(FindingKind::WorkflowOld, "the workflow is open for longer than it should be")
        };
        findings.push(finding.workflow(id));
    }
    Ok(Compared { checked: count(&listed), findings, next: (!next.is_empty()).then(|| to_hex(&next)) })
}

fn query(page: &ComparePage) -> String {
    let time = |millis| at(millis).format(&Rfc3339).unwrap_or_default();
    format!(
        "ExecutionStatus = 'Running' AND (\
         (OrderState = '{NEEDS_OPERATOR}' AND WorkflowType != {FINDING}) \
         OR (StartTime < '{}' AND WorkflowType NOT IN ({FINDING}, {WAIT_FOR_BANKS})) \
         OR (StartTime < '{}' AND WorkflowType IN ({WAIT_FOR_BANKS})))",
        time(page.open_since),
        time(page.refunds_open_since),
    )
}

fn needs_operator(workflow: &WorkflowExecutionInfo) -> bool {
    let attributes = workflow.search_attributes.as_ref().map(|attributes| &attributes.indexed_fields);
    let state = attributes.and_then(|attributes| attributes.get("OrderState"));
    state.is_some_and(|Payload { data, .. }| *data == format!("\"{NEEDS_OPERATOR}\"").into_bytes())
}

/// The engine's own cursor is a number of bytes.
fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing into a String does not fail");
        text
    })
}

fn from_hex(text: &str) -> Result<Vec<u8>, ReconciliationError> {
    let digits = |place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
    let bytes: Option<Vec<_>> = (0..text.len()).step_by(2).map(digits).collect();
    bytes.ok_or(ReconciliationError::Cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form() {
        let bytes = vec![0, 1, 0x7f, 0xff];
        assert_eq!(from_hex(&to_hex(&bytes)).expect("what was written"), bytes);
        assert!(from_hex("0").is_err() && from_hex("zz").is_err());
    }
}
