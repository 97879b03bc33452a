//! Listing the categories.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::catalogue::Catalogue;
use crate::etag::Entity;
use crate::extract::{QueryParameters, page_size};
use crate::problem::Problem;

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCategories {
    /// The most categories of the page; 20 if left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Some categories.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"items": [{"category": "tea", "products": 3}]}))]
pub(crate) struct CategoryPage {
    /// The categories.
    items: Vec<CategoryBody>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A category that has products.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Category, example = json!({"category": "tea", "products": 3}))]
pub(crate) struct CategoryBody {
    /// What to send as `category` to list its products.
    category: String,
    /// How many products it has.
    #[schema(minimum = 1)]
    products: u64,
}

/// Lists the categories that have products, in the order of the alphabet.
#[utoipa::path(
    get, path = "/api/categories", tag = "products",
    params(
        ListCategories,
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has already."),
    ),
    responses(
        (
            status = OK, description = "A page of the categories.", body = CategoryPage,
            headers(("ETag" = String, description = "What to send as If-None-Match.")),
        ),
        (status = NOT_MODIFIED, description = "The client has it already."),
    ),
)]
pub(crate) async fn list_categories(
    State(catalogue): State<Catalogue>,
    QueryParameters(query): QueryParameters<ListCategories>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page_size(query.limit.as_deref())?;
    let cursor = query.cursor.as_deref().map(|text| catalogue.products().categories_cursor(text)).transpose();
    let cursor = cursor.map_err(|error| Problem::parameter("cursor", error))?;
    let read = async || {
        let page = catalogue.products().categories(limit, cursor.as_ref()).await?;
        let items = page.categories.into_iter();
        Ok(Some(Entity::new(&CategoryPage {
            items: items.map(|(category, products)| CategoryBody { category: category.into(), products }).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        })))
    };
    let page = catalogue.answer(&uri, read).await?;
    Ok(page.expect("a list always has a page").answer(&headers))
}
