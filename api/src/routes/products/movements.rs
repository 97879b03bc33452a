//! Reading where the pieces of a product are, and how they came there.

use axum::Json;
use axum::extract::State;
use kassa_domain::ProductId;
use kassa_store::products::StockMovement;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

use super::not_found;
use super::stock::StockBody;
use crate::auth::Admin;
use crate::catalogue::Catalogue;
use crate::extract::{PathParameter, QueryParameters, page_size};
use crate::problem::Problem;

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListMovements {
    /// The most movements of the page; 20 if left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Where the pieces of a product are, and a part of the history of its receipts and corrections.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StockHistory {
    /// Where the pieces are now.
    stock: StockBody,
    /// Receipts and corrections, the newest first.
    items: Vec<MovementBody>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A receipt or a correction.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockMovement, example = json!({
    "receipt_id": "delivery-4711", "delta": 12, "reason": "Delivery 4711",
    "by": "usr_0b9f3f5e-8f0e-4a55-9b0e-1f7f4f4f4f4f", "at": "2026-11-21T09:30:00Z"
}))]
pub(crate) struct MovementBody {
    /// The key under which it was booked.
    receipt_id: String,
    /// Pieces that came in; negative if they were taken away.
    delta: i64,
    /// Why.
    reason: String,
    /// The administrator who booked it.
    by: String,
    /// When, in UTC.
    #[schema(format = DateTime)]
    at: String,
}

impl From<StockMovement> for MovementBody {
    fn from(movement: StockMovement) -> Self {
        Self {
            receipt_id: movement.receipt_id.as_str().to_owned(),
            delta: movement.change.get(),
            reason: movement.reason,
            by: movement.by.into(),
            at: movement.at.format(&Rfc3339).expect("the years of receipts have four digits"),
        }
    }
}

/// Reads the stock of a product with the history of its receipts and corrections.
///
/// Also that of a product that has been deleted: what was sold of it can still come back.
#[utoipa::path(
    get, path = "/api/products/{id}/stock", tag = "products", security(("access_token" = ["admin"])),
    params(("id" = String, Path, description = "The product.", pattern = "^prod_[a-z0-9_-]{1,64}$", example = "prod_tea"), ListMovements),
    responses((status = OK, description = "The stock and a page of its history.", body = StockHistory)),
)]
pub(crate) async fn get_stock(
    _: Admin,
    State(catalogue): State<Catalogue>,
    PathParameter(id): PathParameter<ProductId>,
    QueryParameters(query): QueryParameters<ListMovements>,
) -> Result<Json<StockHistory>, Problem> {
    let products = catalogue.products();
    let limit = page_size(query.limit.as_deref())?;
    let cursor = query.cursor.as_deref().map(|text| products.movements_cursor(&id, text)).transpose();
    let cursor = cursor.map_err(|error| Problem::parameter("cursor", error))?;
    let level = products.stock(&id).await?.ok_or_else(|| not_found(&id))?;
    let page = products.movements(&id, limit, cursor.as_ref()).await?;
    Ok(Json(StockHistory {
        stock: StockBody::new(id, level),
        items: page.movements.into_iter().map(MovementBody::from).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    }))
}
