//! What became of each line.

use kassa_domain::ProductId;
use serde::Serialize;

/// What became of an import, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Products that were not there before.
    pub created: usize,
    /// Products that were changed.
    pub updated: usize,
    /// Products that were like that already.
    pub unchanged: usize,
    /// Lines without effect, because something is wrong with them.
    pub refused: usize,
    /// Every line, in its order; empty ones are left out.
    pub lines: Vec<LineReport>,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineReport {
    /// The number of the line, counted from 1.
    pub line: u64,
    /// What became of it.
    pub status: LineStatus,
    /// The product that it is about, if that can be read.
    pub id: Option<ProductId>,
    /// What is wrong with it.
    pub errors: Vec<LineError>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineStatus {
    /// The product was not there before.
    Created,
    /// The product was changed.
    Updated,
    /// The product was like that already.
    Unchanged,
    /// The line had no effect.
    Refused,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineError {
    /// Where it is, such as `price.amount`; empty for the line as a whole.
    pub field: String,
    /// What is wrong, and what is allowed.
    pub detail: String,
}

impl LineError {
    pub(crate) fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

impl LineReport {
    pub(crate) fn of(line: u64, id: ProductId, result: Result<LineStatus, LineError>) -> Self {
        match result {
            Ok(status) => Self { line, status, id: Some(id), errors: Vec::new() },
            Err(error) => Self::refused(line, Some(id), error),
        }
    }

    pub(crate) fn refused(line: u64, id: Option<ProductId>, error: LineError) -> Self {
        Self { line, status: LineStatus::Refused, id, errors: vec![error] }
    }
}

impl From<Vec<LineReport>> for Report {
    fn from(lines: Vec<LineReport>) -> Self {
        let count = |status| lines.iter().filter(|line| line.status == status).count();
        Self {
            created: count(LineStatus::Created),
            updated: count(LineStatus::Updated),
            unchanged: count(LineStatus::Unchanged),
            refused: count(LineStatus::Refused),
            lines,
        }
    }
}
