//! What came of a reconciliation.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::contracts::reconciliation::{Check, Finding, Started};

/// The most findings that a report lists; whatever else was found is counted, and has its workflow all the same.
pub const MAX_LISTED: usize = 500;

/// What came of a reconciliation. Never personal data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// From when on it looked, where there is very much; in milliseconds since 1970.
    pub since: i64,
    /// What happened after was not judged; in milliseconds since 1970.
    pub until: i64,
    /// What was compared.
    pub checks: Vec<CheckReport>,
    /// What does not agree, at most [`MAX_LISTED`].
    pub findings: Vec<Found>,
    /// How much does not agree.
    pub found: u64,
    /// How much of it nothing was known of before.
    pub new: u64,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The check.
    pub check: Check,
    /// How much was compared.
    pub checked: u64,
    /// Why it did not come to its end, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A finding, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The finding.
    pub finding: Finding,
    /// What was done about it.
    pub started: Started,
}

impl Report {
    /// A report about a span of time, in milliseconds since 1970.
    pub(super) fn new(since: i64, until: i64) -> Self {
        Self { since, until, ..Self::default() }
    }

    /// Whether every check came to its end, and nothing was found.
    pub fn is_clean(&self) -> bool {
        self.found == 0 && self.is_complete()
    }

    /// Whether every check came to its end.
    pub fn is_complete(&self) -> bool {
        self.checks.len() == Check::ALL.len() && self.checks.iter().all(|check| check.failure.is_none())
    }

    /// How many findings nothing was known of before.
    pub(super) fn add(&mut self, finding: Finding, started: Started) {
        // Two checks may look at the same thing from both its sides.
        if self.knows(&finding) {
            return;
        }
        self.found += 1;
        if matches!(started, Started::Recovery { .. } | Started::Parked { .. }) {
            self.new += 1;
        }
        if self.findings.len() < MAX_LISTED {
            self.findings.push(Found { finding, started });
        }
    }

    /// Whether it lists this finding.
    pub(super) fn knows(&self, finding: &Finding) -> bool {
        self.findings.iter().any(|found| found.finding == *finding)
    }

    /// Counts what a check has compared.
    pub(super) fn count(&mut self, check: Check, checked: u64) {
        self.of(check).checked += checked;
    }

    /// Records that a check did not come to its end.
    pub(super) fn fail(&mut self, check: Check, failure: String) {
        self.of(check).failure = Some(failure);
    }

    fn of(&mut self, check: Check) -> &mut CheckReport {
        let place = self.checks.iter().position(|report| report.check == check).unwrap_or_else(|| {
            self.checks.push(CheckReport { check, checked: 0, failure: None });
            self.checks.len() - 1
        });
        &mut self.checks[place]
    }

    /// What the web UI shows, as Markdown.
    pub(super) fn details(&self) -> String {
        let mut text = String::new();
        let mut line = |arguments: std::fmt::Arguments<'_>| {
            writeln!(text, "{arguments}").expect("writing into a String does not fail");
        };
        line(format_args!("**Findings**: {} ({} new)\n", self.found, self.new));
        for CheckReport { check, checked, failure } in &self.checks {
            let failure = failure.as_ref().map(|failure| format!(", **did not end**: {failure}")).unwrap_or_default();
            line(format_args!("- {}: {checked} compared{failure}", check.as_str()));
        }
        for Found { finding, started } in self.findings.iter().take(20) {
            let (kind, about) = (finding.kind.as_str(), finding.about());
            line(format_args!("- **{kind}** {about}: {}; {}", finding.detail, started.workflow_id()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contracts::reconciliation::FindingKind;

    fn finding(workflow: &str) -> Finding {
        Finding::new(FindingKind::StockDiffers, "differs").workflow(workflow)
    }

    fn parked() -> Started {
        Started::Parked { workflow_id: "finding-1".to_owned() }
    }

    #[test]
    fn what_is_found_twice_is_counted_once() {
        let mut report = Report::new(0, 1);
        report.add(finding("a"), parked());
        report.add(finding("a"), Started::Known { workflow_id: "finding-1".to_owned() });
        report.add(finding("b"), Started::Known { workflow_id: "finding-2".to_owned() });
        assert_eq!((report.found, report.new, report.findings.len()), (2, 1, 2));
    }

    #[test]
    fn a_report_is_clean_only_after_every_check_came_to_its_end() {
        let mut report = Report::new(0, 1);
        for check in Check::ALL {
            assert!(!report.is_clean());
            report.count(check, 0);
        }
        assert!(report.is_clean());
        report.fail(Check::Stock, "unavailable".to_owned());
        assert!(!report.is_clean() && !report.is_complete());
    }

    #[test]
    fn a_report_does_not_outgrow_a_payload() {
        let mut report = Report::new(0, 1);
        for number in 0..MAX_LISTED + 10 {
            report.add(finding(&number.to_string()), parked());
        }
        assert_eq!((report.found, report.findings.len()), (510, MAX_LISTED));
    }
}
