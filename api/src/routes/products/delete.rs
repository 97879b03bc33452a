//! Deleting a product.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kassa_domain::ProductId;

use super::refused;
use crate::auth::Admin;
use crate::catalogue::Catalogue;
use crate::etag::expected;
use crate::extract::PathParameter;
use crate::problem::Problem;

/// Takes a product out of the catalogue.
///
/// From that moment it cannot be read, put into a cart or sold. Orders that have bought it keep its name and price, and its
/// id is not used again.
#[utoipa::path(
    delete, path = "/api/products/{id}", tag = "products", security(("access_token" = ["admin"])),
    params(
        ("id" = String, Path, description = "The product.", pattern = "^prod_[a-z0-9_-]{1,64}$", example = "prod_tea"),
        ("If-Match" = String, Header, description = "The ETag that came with the product, or `*`.", example = "*"),
    ),
    responses((status = NO_CONTENT, description = "The product is gone.")),
)]
pub(crate) async fn delete_product(
    _: Admin,
    State(catalogue): State<Catalogue>,
    PathParameter(id): PathParameter<ProductId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let deleted = catalogue.products().delete(&id, expected(&headers)?).await;
    catalogue.changed();
    deleted.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
