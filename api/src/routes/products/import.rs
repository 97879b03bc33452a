//! Importing a catalogue.

use axum::Json;
use axum::extract::State;
use kassa_import::{LineError, LineReport, LineStatus, Report};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Admin;
use crate::catalogue::Catalogue;
use crate::extract::JsonLines;
use crate::problem::{FieldError, Problem};

/// The most lines of one import, so that it ends well before a request may take no longer.
const MAX_LINES: usize = 1_000;

/// What became of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport, example = json!({
    "created": 1, "updated": 0, "unchanged": 0, "refused": 1,
    "lines": [
        {"line": 1, "status": "created", "id": "prod_tea", "errors": []},
        {"line": 2, "status": "refused", "id": "prod_cup", "errors": [{"field": "price", "detail": "missing field `price`"}]}
    ]
}))]
pub(crate) struct ReportBody {
    /// Products that were not there before.
    created: usize,
    /// Products that were changed.
    updated: usize,
    /// Products that were like that already.
    unchanged: usize,
    /// Lines without effect, because something is wrong with them.
    refused: usize,
    /// Every line, in its order; empty ones are left out.
    lines: Vec<LineBody>,
}

/// What became of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportLine)]
pub(crate) struct LineBody {
    /// The number of the line.
    #[schema(minimum = 1)]
    line: u64,
    /// What became of it.
    status: StatusBody,
    /// The product that it is about; absent if that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What is wrong with it.
    errors: Vec<FieldError>,
}

/// What became of a line.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportStatus)]
pub(crate) enum StatusBody {
    /// The product was not there before.
    Created,
    /// The product was changed.
    Updated,
    /// The product was like that already.
    Unchanged,
    /// The line had no effect.
    Refused,
}

impl From<Report> for ReportBody {
    fn from(report: Report) -> Self {
        let Report { created, updated, unchanged, refused, lines } = report;
        Self { created, updated, unchanged, refused, lines: lines.into_iter().map(LineBody::from).collect() }
    }
}

impl From<LineReport> for LineBody {
    fn from(report: LineReport) -> Self {
        let status = match report.status {
            LineStatus::Created => StatusBody::Created,
            LineStatus::Updated => StatusBody::Updated,
            LineStatus::Unchanged => StatusBody::Unchanged,
            LineStatus::Refused => StatusBody::Refused,
        };
        let errors = report.errors.into_iter().map(|LineError { field, detail }| FieldError { field, detail });
        Self { line: report.line, status, id: report.id.map(Into::into), errors: errors.collect() }
    }
}

/// Imports products.
///
/// Each line is a product with its id, as `POST /products` takes it: it is created, or changed to what the line says. A line
/// that is refused does not stop the others. Importing the same lines again changes nothing, so an import whose answer was
/// lost is simply sent again. At most 1000 lines; longer catalogues come in parts, or by the command `kassa import`.
#[utoipa::path(
    post, path = "/api/products/import", tag = "products", security(("access_token" = ["admin"])),
    request_body(
        content = String, content_type = "application/x-ndjson", description = "One product per line.",
        example = "{\"id\":\"prod_tea\",\"name\":\"Green tea\",\"price\":{\"amount\":1250,\"currency\":\"EUR\"}}",
    ),
    responses((status = OK, description = "What became of each line.", body = ReportBody)),
)]
pub(crate) async fn import_products(
    _: Admin,
    State(catalogue): State<Catalogue>,
    JsonLines(text): JsonLines,
) -> Result<Json<ReportBody>, Problem> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    if lines > MAX_LINES {
        return Err(Problem::field("", format!("{lines} lines are too many: the most is {MAX_LINES}")));
    }
    let report = kassa_import::import(catalogue.products(), &text).await;
    catalogue.changed();
    Ok(Json(report.into()))
}

// What the documentation says has to be what is checked.
const _: () = assert!(MAX_LINES == 1_000);
