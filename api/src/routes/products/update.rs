//! Changing a product.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kassa_domain::{ProductDetails, ProductId};

use super::body::{ProductBody, ProductInput, entity};
use super::refused;
use crate::auth::Admin;
use crate::catalogue::Catalogue;
use crate::etag::expected;
use crate::extract::{Json, PathParameter};
use crate::problem::Problem;

/// Changes a product.
///
/// What is left out is emptied: the body says all that the catalogue is to say. Stock stays as it is. `If-Match` protects
/// what somebody else has changed meanwhile; pieces that were ordered meanwhile do not matter to it.
#[utoipa::path(
    put, path = "/api/products/{id}", tag = "products", security(("access_token" = ["admin"])),
    params(
        ("id" = String, Path, description = "The product.", pattern = "^prod_[a-z0-9_-]{1,64}$", example = "prod_tea"),
        ("If-Match" = String, Header, description = "The ETag that came with the product, or `*`.", example = "*"),
    ),
    request_body = ProductInput,
    responses((
        status = OK, description = "The product as it is now.", body = ProductBody,
        headers(("ETag" = String, description = "The new version of the product.")),
    )),
)]
pub(crate) async fn update_product(
    _: Admin,
    State(catalogue): State<Catalogue>,
    PathParameter(id): PathParameter<ProductId>,
    headers: HeaderMap,
    Json(request): Json<ProductInput>,
) -> Result<Response, Problem> {
    let expected = expected(&headers)?;
    let updated = catalogue.products().update(&id, expected, &ProductDetails::from(request)).await;
    catalogue.changed();
    Ok(entity(updated.map_err(refused)?).changed(StatusCode::OK))
}
