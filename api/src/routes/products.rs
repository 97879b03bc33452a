//! The catalogue: creating, reading and listing products, and their stock.

use std::fmt::Write;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use kassa_domain::{IdempotencyKey, MAX_NAME_LENGTH, Product, ProductId, ProductName, StockLevel};
use kassa_store::Products;
use kassa_store::products::{
    CreateProductError, Cursor, MAX_PAGE, NewProduct, ReceiptId, ReceiveStockError, StockChange, StockReceipt,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Admin;
use crate::extract::{Json, PathParameter, QueryParameters, RequiredIdempotencyKey};
use crate::problem::{Problem, ProblemCode};
use crate::wire::{MoneyBody, MoneyInput, Object, Whole};

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("create_product", &[ProblemCode::ProductExists, ProblemCode::TemporarilyUnavailable]),
    ("list_products", &[ProblemCode::TemporarilyUnavailable]),
    ("get_product", &[ProblemCode::ProductNotFound, ProblemCode::TemporarilyUnavailable]),
    (
        "change_stock",
        &[
            ProblemCode::ProductNotFound,
            ProblemCode::InsufficientStock,
            ProblemCode::IdempotencyKeyReused,
            ProblemCode::TemporarilyUnavailable,
        ],
    ),
];

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 10_000;
/// The longest reason of a stock change, in characters.
const MAX_REASON: usize = 500;
/// The most that one price may be, in minor units: Stripe charges amounts of up to eight digits.
const MAX_PRICE: i64 = 99_999_999;
/// The most pieces that one change of stock may add or take away.
const MAX_DELTA: i64 = 1_000_000;
const DEFAULT_PAGE: usize = 20;

/// A product to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "prod_tea", "name": "Green tea, 100 g", "description": "First flush.",
    "price": {"amount": 1250, "currency": "EUR"}
}))]
pub(crate) struct CreateProduct {
    /// Its identifier; drawn by the server if left out.
    #[schema(value_type = Option<String>, pattern = "^prod_[a-z0-9_-]{1,64}$")]
    id: Option<ProductId>,
    /// Its name: one line.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: ProductName,
    /// Longer text for customers.
    #[serde(default)]
    #[schema(max_length = 10000)]
    description: String,
    /// The price of one piece.
    #[schema(value_type = MoneyInput)]
    price: Object<MoneyInput>,
}

/// A product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product, example = json!({
    "id": "prod_tea", "name": "Green tea, 100 g", "description": "First flush.",
    "price": {"amount": 1250, "currency": "EUR"}, "available": 12
}))]
pub(crate) struct ProductBody {
    /// Its identifier.
    id: String,
    /// Its name.
    name: String,
    /// Longer text for customers; may be empty.
    description: String,
    /// The price of one piece.
    price: MoneyBody,
    /// Pieces that can be ordered at this moment.
    available: u64,
}

impl From<Product> for ProductBody {
    fn from(product: Product) -> Self {
        Self {
            id: product.id.into(),
            name: product.name.into(),
            description: product.description,
            price: product.price.into(),
            available: product.stock.available,
        }
    }
}

/// Creates a product.
///
/// It starts without stock.
#[utoipa::path(
    post, path = "/products", tag = "products", security(("access_token" = ["admin"])),
    request_body = CreateProduct,
    responses((
        status = CREATED, description = "The product is in the catalogue.", body = ProductBody,
        headers(("Location" = String, description = "Where the product can be read.")),
    )),
)]
pub(crate) async fn create_product(
    _: Admin,
    State(products): State<Products>,
    Json(request): Json<CreateProduct>,
) -> Result<Response, Problem> {
    let CreateProduct { id, name, description, price: Object(price) } = request;
    let price = kassa_domain::Money::from(price);
    if price.amount > MAX_PRICE {
        return Err(Problem::field(
            "price.amount",
            format!("{} is not allowed: the most is {MAX_PRICE}", price.amount),
        ));
    }
    let description = text("description", description, MAX_DESCRIPTION)?;
    let new = NewProduct {
        id: id.unwrap_or_else(|| ProductId::from_unique(Uuid::now_v7().as_u128())),
        name,
        description,
        price,
    };
    let product = products.create(new).await.map_err(|error| match error {
        CreateProductError::AlreadyExists(id) => Problem::new(
            ProblemCode::ProductExists,
            format!("{id} exists already; leave the id out to have one drawn."),
        ),
        CreateProductError::NegativePrice => Problem::field("price.amount", error.to_string()),
        CreateProductError::Store(error) => error.into(),
    })?;
    let location = format!("/api/products/{}", product.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], JsonBody(ProductBody::from(product))).into_response())
}

/// Which part of the catalogue.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListProducts {
    /// The most products of the page; 20 if left out.
    // Texts, so that what is wrong with them is said in the words of this API.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A part of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductPage {
    /// The products.
    products: Vec<ProductBody>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the catalogue, newest products first.
#[utoipa::path(
    get, path = "/products", tag = "products", params(ListProducts),
    responses((status = OK, description = "A page of the catalogue.", body = ProductPage)),
)]
pub(crate) async fn list_products(
    State(products): State<Products>,
    QueryParameters(query): QueryParameters<ListProducts>,
) -> Result<JsonBody<ProductPage>, Problem> {
    let limit = query.limit.map_or(Ok(DEFAULT_PAGE), |text| limit(&text))?;
    let cursor: Option<Cursor> =
        query.cursor.map(|text| text.parse().map_err(|error| Problem::parameter("cursor", error))).transpose()?;
    let page = products.list(limit, cursor.as_ref()).await?;
    Ok(JsonBody(ProductPage {
        products: page.products.into_iter().map(ProductBody::from).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    }))
}

fn limit(text: &str) -> Result<usize, Problem> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_PAGE).contains(limit))
        .ok_or_else(|| Problem::parameter("limit", format!("expected a whole number from 1 to {MAX_PAGE}")))
}

/// Reads a product.
#[utoipa::path(
    get, path = "/products/{id}", tag = "products",
    params(("id" = String, Path, description = "The product.", example = "prod_tea")),
    responses((status = OK, description = "The product.", body = ProductBody)),
)]
pub(crate) async fn get_product(
    State(products): State<Products>,
    PathParameter(id): PathParameter<ProductId>,
) -> Result<JsonBody<ProductBody>, Problem> {
    let product = products.get(&id).await?.ok_or_else(|| not_found(&id))?;
    Ok(JsonBody(product.into()))
}

/// Pieces that came in, or a correction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"delta": 12, "reason": "Delivery 4711"}))]
pub(crate) struct ChangeStock {
    /// Pieces to add; negative to take away. Not zero.
    #[schema(value_type = i64, minimum = -1_000_000, maximum = 1_000_000)]
    delta: Whole<{ -MAX_DELTA }, MAX_DELTA>,
    /// Why, for whoever reads the movements later.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Where the pieces of a product are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockLevel, example = json!({"product_id": "prod_tea", "available": 12, "reserved": 1, "sold": 30}))]
pub(crate) struct StockBody {
    /// The product.
    product_id: String,
    /// Free to be ordered.
    available: u64,
    /// Held by orders that are being paid for.
    reserved: u64,
    /// Deducted for good by confirmed orders.
    sold: u64,
}

impl StockBody {
    fn new(id: ProductId, level: StockLevel) -> Self {
        let StockLevel { available, reserved, sold } = level;
        Self { product_id: id.into(), available, reserved, sold }
    }
}

/// Receives stock, or corrects it.
///
/// The `Idempotency-Key` names the receipt: sent again, it is not booked again, and the answer tells the level of that
/// moment.
#[utoipa::path(
    post, path = "/products/{id}/stock", tag = "products", security(("access_token" = ["admin"])),
    params(
        ("id" = String, Path, description = "The product.", example = "prod_tea"),
        (
            "Idempotency-Key" = String, Header, min_length = 8, max_length = 255, example = "delivery-4711",
            description = "Names the receipt, for example by the number of the delivery note.",
        ),
    ),
    request_body = ChangeStock,
    responses((status = OK, description = "The receipt is booked.", body = StockBody)),
)]
pub(crate) async fn change_stock(
    _: Admin,
    State(products): State<Products>,
    PathParameter(id): PathParameter<ProductId>,
    RequiredIdempotencyKey(key): RequiredIdempotencyKey,
    Json(request): Json<ChangeStock>,
) -> Result<JsonBody<StockBody>, Problem> {
    let change = StockChange::try_from(request.delta.get())
        .map_err(|_| Problem::field("delta", format!("0 changes nothing: expected -{MAX_DELTA} to {MAX_DELTA}")))?;
    let receipt =
        StockReceipt { receipt_id: receipt_id(&key), change, reason: text("reason", request.reason, MAX_REASON)? };
    match products.receive_stock(&id, &receipt).await {
        Ok(level) => Ok(JsonBody(StockBody::new(id, level))),
        Err(ReceiveStockError::UnknownProduct(id)) => Err(not_found(&id)),
        Err(ReceiveStockError::NotEnoughAvailable { available }) => Err(Problem::new(
            ProblemCode::InsufficientStock,
            format!("{id} has {available} pieces available; reserved and sold ones cannot be taken away."),
        )),
        Err(ReceiveStockError::ReceiptReused { booked }) => Err(Problem::new(
            ProblemCode::IdempotencyKeyReused,
            format!("This key booked a change of {booked} pieces before; send another key for another change."),
        )),
        Err(ReceiveStockError::Store(error)) => Err(error.into()),
    }
}

/// The receipt that a key names: the key itself, so that it can be recognised among the movements, or its SHA-256
/// where it is longer than a receipt id may be.
fn receipt_id(key: &IdempotencyKey) -> ReceiptId {
    ReceiptId::try_from(key.as_str().to_owned()).unwrap_or_else(|_| {
        let hex = Sha256::digest(key.as_str()).iter().fold(String::with_capacity(64), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing into a String does not fail");
            hex
        });
        ReceiptId::try_from(hex).expect("64 hexadecimal digits are a receipt id")
    })
}

fn text(field: &str, text: String, max: usize) -> Result<String, Problem> {
    let length = text.chars().count();
    if length > max {
        return Err(Problem::field(field, format!("{length} characters are too many: the most is {max}")));
    }
    if text.contains('\0') {
        return Err(Problem::field(field, "the NUL character is not allowed"));
    }
    Ok(text)
}

fn not_found(id: &ProductId) -> Problem {
    Problem::new(ProblemCode::ProductNotFound, format!("The catalogue has no {id}."))
}

// What the documentation says about lengths has to be what is checked.
const _: () = assert!(MAX_NAME_LENGTH == 200 && MAX_DESCRIPTION == 10_000 && MAX_REASON == 500 && MAX_PAGE == 100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_names_a_receipt_and_no_two_the_same() {
        let key = |text: &str| text.parse::<IdempotencyKey>().expect("a key");
        assert_eq!(receipt_id(&key("delivery-4711")), ReceiptId::try_from("delivery-4711".to_owned()).expect("an id"));
        let (first, second) = (key(&"a".repeat(200)), key(&"a".repeat(201)));
        assert_ne!(receipt_id(&first), receipt_id(&second));
    }

    #[test]
    fn limits_are_bounded() {
        assert_eq!(limit("100").ok(), Some(100));
        for text in ["0", "101", "-1", "1.5", "", "ten", "99999999999999999999"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
