//! Reading a product.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use kassa_domain::ProductId;

use super::body::{ProductBody, entity};
use super::not_found;
use crate::catalogue::Catalogue;
use crate::extract::PathParameter;
use crate::problem::Problem;

/// Reads a product.
///
/// What is told may be up to a second old.
#[utoipa::path(
    get, path = "/api/products/{id}", tag = "products",
    params(
        ("id" = String, Path, description = "The product.", pattern = "^prod_[a-z0-9_-]{1,64}$", example = "prod_tea"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has already."),
    ),
    responses(
        (
            status = OK, description = "The product.", body = ProductBody,
            headers(("ETag" = String, description = "What to send as If-None-Match to a read, as If-Match to a change.")),
        ),
        (status = NOT_MODIFIED, description = "The client has it already."),
    ),
)]
pub(crate) async fn get_product(
    State(catalogue): State<Catalogue>,
    PathParameter(id): PathParameter<ProductId>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let read = async || Ok(catalogue.products().get(&id).await?.map(entity));
    let found = catalogue.answer(&uri, read).await?;
    Ok(found.ok_or_else(|| not_found(&id))?.answer(&headers))
}
