//! Creating a product.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use kassa_domain::{Attributes, Category, Description, Images, ProductDetails, ProductId, ProductName};
use kassa_store::products::CreateProductError;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{AttributeBody, ImageUrlBody, PriceInput, ProductBody, entity};
use crate::auth::Admin;
use crate::catalogue::Catalogue;
use crate::extract::Json;
use crate::problem::{Problem, ProblemCode};
use crate::wire::Object;

/// A product to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "prod_tea", "name": "Green tea, 100 g", "description": "First flush.", "category": "tea",
    "price": {"amount": 1250, "currency": "EUR"}, "images": ["https://cdn.example.com/green-tea.jpg"],
    "attributes": {"origin": "Darjeeling"}
}))]
pub(crate) struct CreateProduct {
    /// Its identifier; drawn by the server if left out. Identifiers are not used twice.
    #[schema(value_type = Option<String>, pattern = "^prod_[a-z0-9_-]{1,64}$")]
    id: Option<ProductId>,
    /// Its name: one line.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: ProductName,
    /// Longer text for customers.
    #[serde(default)]
    #[schema(value_type = String, max_length = 10000)]
    description: Description,
    /// Where customers find it: words of `a-z` and `0-9` joined by `-`.
    #[schema(value_type = Option<String>, max_length = 50, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    category: Option<Category>,
    /// The price of one piece.
    #[schema(value_type = PriceInput)]
    price: Object<PriceInput>,
    /// Pictures, the most telling first: addresses that start with `https://`.
    #[serde(default)]
    #[schema(value_type = Vec<ImageUrlBody>, max_items = 10)]
    images: Images,
    /// Whatever else customers want to know: up to 20 short texts with names.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, AttributeBody>)]
    attributes: Attributes,
}

/// Creates a product.
///
/// It starts without stock.
#[utoipa::path(
    post, path = "/api/products", tag = "products", security(("access_token" = ["admin"])),
    request_body = CreateProduct,
    responses((
        status = CREATED, description = "The product is in the catalogue.", body = ProductBody,
        headers(
            ("Location" = String, description = "Where the product can be read."),
            ("ETag" = String, description = "The version of the product."),
        ),
    )),
)]
pub(crate) async fn create_product(
    _: Admin,
    State(catalogue): State<Catalogue>,
    Json(request): Json<CreateProduct>,
) -> Result<Response, Problem> {
    let CreateProduct { id, name, description, category, price: Object(price), images, attributes } = request;
    let id = id.unwrap_or_else(|| ProductId::from_unique(Uuid::now_v7().as_u128()));
    let details = ProductDetails { name, description, category, price: price.into(), images, attributes };
    let created = catalogue.products().create(id, details).await;
    catalogue.changed();
    let product = created.map_err(|error| match error {
        CreateProductError::AlreadyExists(id) => Problem::new(
            ProblemCode::ProductExists,
            format!("There is, or was, a product {id}; leave the id out to have one drawn."),
        ),
        CreateProductError::NegativePrice => Problem::field("price.amount", error.to_string()),
        CreateProductError::Store(error) => error.into(),
    })?;
    let location = HeaderValue::try_from(format!("/api/products/{}", product.id)).expect("ids are visible ASCII");
    let mut response = entity(product).changed(StatusCode::CREATED);
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}
