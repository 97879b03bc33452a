//! Carts of accounts and guests, always shown beside the catalogue as it is now.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kassa_domain::{
    CartChange, CartError, CartId, CartReview, MAX_LINES, MAX_QUANTITY, Merged, Product, ProductId, Quantity,
    ReviewedLine, UserId,
};
use kassa_store::carts::{ChangeCartError, StoredCart};
use kassa_store::{Carts, Products};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::auth::SignedIn;
use crate::extract::{Json, PathParameter};
use crate::guest_cart::{OwnCart, draw, expired_cookie, guest_cart, hand_out};
use crate::problem::{Chain, Problem, ProblemCode};
use crate::signing::Signer;
use crate::state::AppState;
use crate::wire::{MoneyBody, Whole};

const READING: &[ProblemCode] = &[ProblemCode::CartTokenInvalid, ProblemCode::TemporarilyUnavailable];

const PUTTING_IN: &[ProblemCode] =
    &[ProblemCode::CartTokenInvalid, ProblemCode::ProductNotFound, ProblemCode::TemporarilyUnavailable];

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("get_cart", READING),
    ("clear_cart", READING),
    ("add_item", PUTTING_IN),
    ("set_item", PUTTING_IN),
    ("remove_item", READING),
    ("merge_cart", READING),
];

const MAX_PIECES: i64 = MAX_QUANTITY as i64;

/// What is in a cart, and what it comes to now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cart, example = json!({
    "items": [{
        "product_id": "prod_tea", "quantity": 2, "name": "Green tea, 100 g",
        "unit_price": {"amount": 1300, "currency": "EUR"}, "total": {"amount": 2600, "currency": "EUR"}, "available": 12,
        "changes": [{
            "kind": "price_changed",
            "was": {"amount": 1250, "currency": "EUR"}, "is": {"amount": 1300, "currency": "EUR"}
        }]
    }],
    "total": {"amount": 2600, "currency": "EUR"}, "expires_at": "2026-12-24T12:00:00Z"
}))]
pub(crate) struct CartBody {
    /// Each product in one item, in the order in which they were put in.
    #[schema(max_items = 99)]
    items: Vec<CartItemBody>,
    /// What it costs to buy all that is available now; absent if that is nothing, or if it cannot be paid together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    total: Option<MoneyBody>,
    /// When the cart is given up, unless it is changed before; absent if there is nothing to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    expires_at: Option<String>,
}

/// Some pieces of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartItem)]
pub(crate) struct CartItemBody {
    /// The product.
    product_id: String,
    /// How many pieces.
    #[schema(minimum = 1, maximum = 999)]
    quantity: u32,
    /// What it is called now, or was called when it was put in if it is not sold any more.
    name: String,
    /// What one piece costs now; absent if it is not sold any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    unit_price: Option<MoneyBody>,
    /// What all pieces cost now; absent if it is not sold any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    total: Option<MoneyBody>,
    /// Pieces that can be ordered at this moment.
    available: u64,
    /// What is different from when it was put in; empty if nothing is.
    changes: Vec<CartChangeBody>,
}

/// Something that is different from when an item was put in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = CartChange)]
pub(crate) enum CartChangeBody {
    /// It has another price.
    PriceChanged {
        /// What it cost.
        was: MoneyBody,
        /// What it costs.
        is: MoneyBody,
    },
    /// It has another name.
    NameChanged {
        /// What it was called.
        was: String,
        /// What it is called.
        is: String,
    },
    /// There are fewer pieces than the item asks for.
    InsufficientStock {
        /// How many there are.
        available: u64,
    },
    /// It is not sold any more.
    NoLongerAvailable,
}

impl From<CartChange> for CartChangeBody {
    fn from(change: CartChange) -> Self {
        match change {
            CartChange::Price { was, is } => Self::PriceChanged { was: was.into(), is: is.into() },
            CartChange::Name { was, is } => Self::NameChanged { was, is },
            CartChange::InsufficientStock { available } => Self::InsufficientStock { available },
            CartChange::NoLongerAvailable => Self::NoLongerAvailable,
        }
    }
}

impl From<ReviewedLine> for CartItemBody {
    fn from(reviewed: ReviewedLine) -> Self {
        let ReviewedLine { line, offer, changes } = reviewed;
        let (price, available) = offer.as_ref().map_or((None, 0), |offer| (Some(offer.price), offer.available));
        Self {
            product_id: line.product_id.into(),
            quantity: line.quantity.get(),
            name: offer.map_or(line.seen.name, |offer| offer.name),
            unit_price: price.map(MoneyBody::from),
            total: price.and_then(|price| price.checked_mul(line.quantity).ok()).map(MoneyBody::from),
            available,
            changes: changes.into_iter().map(CartChangeBody::from).collect(),
        }
    }
}

impl CartBody {
    fn new(stored: &StoredCart, catalogue: &[Product]) -> Self {
        let CartReview { lines, total } = CartReview::new(&stored.cart, catalogue);
        let expires_at = stored.expires_at.filter(|_| !lines.is_empty());
        Self {
            items: lines.into_iter().map(CartItemBody::from).collect(),
            total: total.map(MoneyBody::from),
            expires_at: expires_at.map(|at| at.format(&Rfc3339).expect("a date of this era has an RFC 3339 form")),
        }
    }

    /// Reads a cart, and what its products are now.
    async fn read(carts: &Carts, products: &Products, id: Option<&CartId>) -> Result<Self, Problem> {
        let Some(id) = id else { return Ok(Self { items: Vec::new(), total: None, expires_at: None }) };
        let stored = carts.get(id).await?;
        let ids: Vec<ProductId> = stored.cart.lines().iter().map(|line| line.product_id.clone()).collect();
        Ok(Self::new(&stored, &products.get_many(&ids).await?))
    }
}

/// The answer to whoever owns the cart.
async fn show(state: &AppState, id: Option<CartId>) -> Result<Response, Problem> {
    let body = CartBody::read(&state.carts, &state.products, id.as_ref()).await?;
    Ok((hand_out(id.as_ref(), &state.signer), JsonBody(body)).into_response())
}

/// Shows the own cart.
///
/// Names, prices and availability are those of this moment; `changes` says what is different from when an item was put
/// in. Nothing is held: who buys first gets it.
#[utoipa::path(
    get, path = "/api/cart", tag = "cart", security((), ("access_token" = [])),
    params((
        "Kassa-Cart" = Option<String>, Header, description = "The guest's cart, as an earlier answer gave it.",
    )),
    responses((
        status = OK, description = "The cart.", body = CartBody,
        headers(("Kassa-Cart" = String, description = "The guest's cart; send it with the next request.")),
    )),
)]
pub(crate) async fn get_cart(State(state): State<AppState>, OwnCart(id): OwnCart) -> Result<Response, Problem> {
    show(&state, id).await
}

/// Takes everything out of the own cart.
#[utoipa::path(
    delete, path = "/api/cart", tag = "cart", security((), ("access_token" = [])),
    params((
        "Kassa-Cart" = Option<String>, Header, description = "The guest's cart, as an earlier answer gave it.",
    )),
    responses((status = NO_CONTENT, description = "The cart is empty.")),
)]
pub(crate) async fn clear_cart(State(carts): State<Carts>, OwnCart(id): OwnCart) -> Result<StatusCode, Problem> {
    if let Some(id) = id {
        carts.clear(&id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Pieces of a product to put in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"product_id": "prod_tea", "quantity": 2}))]
pub(crate) struct AddItem {
    /// The product.
    #[schema(value_type = String, pattern = "^prod_[a-z0-9_-]{1,64}$")]
    product_id: ProductId,
    /// How many pieces more; a cart holds up to 999 of a product.
    #[schema(value_type = i64, minimum = 1, maximum = 999)]
    quantity: Whole<1, MAX_PIECES>,
}

/// Puts pieces of a product into the own cart.
///
/// They add up with those that are in. A guest without a cart gets one: the answer names it in the header `Kassa-Cart`
/// and as a cookie. A cart is kept for 30 days after its last change.
#[utoipa::path(
    post, path = "/api/cart/items", tag = "cart", security((), ("access_token" = [])),
    params((
        "Kassa-Cart" = Option<String>, Header, description = "The guest's cart, as an earlier answer gave it.",
    )),
    request_body = AddItem,
    responses((
        status = OK, description = "The cart with the pieces in it.", body = CartBody,
        headers(("Kassa-Cart" = String, description = "The guest's cart; send it with the next request.")),
    )),
)]
pub(crate) async fn add_item(
    State(state): State<AppState>,
    OwnCart(id): OwnCart,
    Json(request): Json<AddItem>,
) -> Result<Response, Problem> {
    let quantity = quantity(request.quantity)?;
    let product = product(&state.products, &request.product_id).await?;
    let id = id.unwrap_or_else(|| CartId::Guest(draw()));
    state.carts.add(&id, &product, quantity).await.map_err(|error| refused(error, "product_id"))?;
    show(&state, Some(id)).await
}

/// How many pieces there shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"quantity": 3}))]
pub(crate) struct SetItem {
    /// How many pieces in all.
    #[schema(value_type = i64, minimum = 1, maximum = 999)]
    quantity: Whole<1, MAX_PIECES>,
}

/// Sees to it that this many pieces of a product are in the own cart.
///
/// A product that is not in is put in.
#[utoipa::path(
    put, path = "/api/cart/items/{product_id}", tag = "cart", security((), ("access_token" = [])),
    params(
        ("product_id" = String, Path, description = "The product.", pattern = "^prod_[a-z0-9_-]{1,64}$", example = "prod_tea"),
        ("Kassa-Cart" = Option<String>, Header, description = "The guest's cart, as an earlier answer gave it."),
    ),
    request_body = SetItem,
    responses((
        status = OK, description = "The cart with that many pieces.", body = CartBody,
        headers(("Kassa-Cart" = String, description = "The guest's cart; send it with the next request.")),
    )),
)]
pub(crate) async fn set_item(
    State(state): State<AppState>,
    OwnCart(id): OwnCart,
    PathParameter(product_id): PathParameter<ProductId>,
    Json(request): Json<SetItem>,
) -> Result<Response, Problem> {
    let quantity = quantity(request.quantity)?;
    let product = product(&state.products, &product_id).await?;
    let id = id.unwrap_or_else(|| CartId::Guest(draw()));
    state.carts.set(&id, &product, quantity).await.map_err(|error| refused(error, "product_id"))?;
    show(&state, Some(id)).await
}

/// Takes a product out of the own cart.
///
/// A product that is not in is no error, so that the request can be repeated.
#[utoipa::path(
    delete, path = "/api/cart/items/{product_id}", tag = "cart", security((), ("access_token" = [])),
    params(
        ("product_id" = String, Path, description = "The product.", pattern = "^prod_[a-z0-9_-]{1,64}$", example = "prod_tea"),
        ("Kassa-Cart" = Option<String>, Header, description = "The guest's cart, as an earlier answer gave it."),
    ),
    responses((
        status = OK, description = "The cart without the product.", body = CartBody,
        headers(("Kassa-Cart" = String, description = "The guest's cart; send it with the next request.")),
    )),
)]
pub(crate) async fn remove_item(
    State(state): State<AppState>,
    OwnCart(id): OwnCart,
    PathParameter(product_id): PathParameter<ProductId>,
) -> Result<Response, Problem> {
    if let Some(id) = &id {
        state.carts.remove(id, &product_id).await?;
    }
    show(&state, id).await
}

/// What became of the guest's cart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MergedCart)]
pub(crate) struct MergedBody {
    /// The cart of the account.
    cart: CartBody,
    /// How many items of the guest's cart came over, whole or in part; none if that had happened before.
    merged_items: usize,
    /// Products of which not all pieces fitted.
    cut: Vec<String>,
    /// Products of which nothing fitted.
    left_out: Vec<String>,
}

/// What a login brought along.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BroughtCart, example = json!({"merged_items": 2, "cut": [], "left_out": []}))]
pub(crate) struct BroughtBody {
    /// How many items of the guest's cart came over, whole or in part.
    merged_items: usize,
    /// Products of which not all pieces fitted.
    cut: Vec<String>,
    /// Products of which nothing fitted.
    left_out: Vec<String>,
}

/// Moves what is in the cart that a login names into that of the account, and makes the browser forget the cart. Nobody is
/// kept from signing in by a cart: whatever is wrong with it, or with the store, leaves it where it is.
pub(crate) async fn bring_along(
    carts: &Carts,
    signer: &Signer,
    user: &UserId,
    headers: &HeaderMap,
) -> (HeaderMap, Option<BroughtBody>) {
    let Ok(Some(guest)) = guest_cart(headers, signer) else { return (HeaderMap::new(), None) };
    match carts.merge(&guest, user).await {
        Ok(Merged { lines, cut, left_out }) => {
            let body = BroughtBody { merged_items: lines, cut: names(cut), left_out: names(left_out) };
            (HeaderMap::from_iter([(SET_COOKIE, expired_cookie())]), Some(body))
        }
        Err(error) => {
            tracing::warn!(user.id = %user, error = %Chain(&error), "a guest's cart was not moved at the login");
            (HeaderMap::new(), None)
        }
    }
}

fn names(products: Vec<ProductId>) -> Vec<String> {
    products.into_iter().map(String::from).collect()
}

/// Moves what is in the guest's cart into the cart of the account, as a login that names the cart does.
///
/// Pieces of the same product add up to the limits of a cart; `cut` and `left_out` name what was beyond them. The
/// guest's cart is empty from then on, so that the request can be repeated.
#[utoipa::path(
    post, path = "/api/cart/merge", tag = "cart", security(("access_token" = [])),
    params((
        "Kassa-Cart" = Option<String>, Header, description = "The guest's cart, unless the cookie names it.",
    )),
    responses((status = OK, description = "The cart of the account.", body = MergedBody)),
)]
pub(crate) async fn merge_cart(
    State(state): State<AppState>,
    account: SignedIn,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let merged = merge(&state.carts, &state.signer, &account, &headers).await?;
    let id = CartId::User(account.user);
    let cart = CartBody::read(&state.carts, &state.products, Some(&id)).await?;
    let Merged { lines, cut, left_out } = merged;
    let body = MergedBody { cart, merged_items: lines, cut: names(cut), left_out: names(left_out) };
    Ok(([(SET_COOKIE, expired_cookie())], JsonBody(body)).into_response())
}

/// Moves what is in the cart that the request names, if it names one, into that of the account.
pub(crate) async fn merge(
    carts: &Carts,
    signer: &Signer,
    account: &SignedIn,
    headers: &HeaderMap,
) -> Result<Merged, Problem> {
    match guest_cart(headers, signer)? {
        None => Ok(Merged::default()),
        Some(guest) => Ok(carts.merge(&guest, &account.user).await?),
    }
}

fn quantity(pieces: Whole<1, MAX_PIECES>) -> Result<Quantity, Problem> {
    Quantity::new(pieces.get()).map_err(|error| Problem::field("quantity", error.to_string()))
}

async fn product(products: &Products, id: &ProductId) -> Result<Product, Problem> {
    let found = products.get(id).await?;
    found.ok_or_else(|| Problem::new(ProblemCode::ProductNotFound, format!("The catalogue has no {id}.")))
}

fn refused(error: ChangeCartError, product_field: &str) -> Problem {
    match error {
        ChangeCartError::Limit(limit @ CartError::TooManyPieces { .. }) => {
            Problem::field("quantity", limit.to_string())
        }
        ChangeCartError::Limit(limit @ CartError::TooManyLines) => Problem::field(product_field, limit.to_string()),
        ChangeCartError::Store(error) => error.into(),
    }
}

// What the documentation says about limits has to be what is checked.
const _: () = assert!(MAX_LINES == 99 && MAX_QUANTITY == 999);
