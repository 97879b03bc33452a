//! What is bought: the items of the request, or what is in the own cart.

use axum::http::HeaderMap;
use kassa_domain::{Line, MAX_LINES, MAX_QUANTITY, ProductId, Quantity};
use kassa_workflows::contracts::carts::Settle;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::auth::Visitor;
use crate::guest_cart::own_cart;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::{Object, Whole};

const MAX_PIECES: i64 = MAX_QUANTITY as i64;

// What the documentation says about limits has to be what is checked.
const _: () = assert!(MAX_LINES == 99 && MAX_QUANTITY == 999);

/// A product and how much of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// The product.
    #[schema(value_type = String, pattern = "^prod_[a-z0-9_-]{1,64}$")]
    pub(super) product_id: ProductId,
    /// How many pieces.
    #[schema(value_type = i64, minimum = 1, maximum = 999)]
    pub(super) quantity: Whole<1, MAX_PIECES>,
}

/// What is bought.
pub(super) struct Basket {
    /// What was asked for, the same however often it is: a cart is meant by its id, because its content has changed when
    /// the request is repeated.
    pub(super) what: serde_json::Value,
    /// The products.
    pub(super) lines: Vec<Line>,
    /// The cart that they come from, if they do.
    pub(super) cart: Option<Settle>,
}

impl Basket {
    pub(super) async fn read(
        state: &AppState,
        visitor: &Visitor,
        headers: &HeaderMap,
        items: Option<Vec<Object<Item>>>,
    ) -> Result<Self, Problem> {
        if let Some(items) = items {
            let lines = lines(&items)?;
            return Ok(Self { what: json!(lines), lines, cart: None });
        }
        let Some(id) = own_cart(visitor, headers, &state.signer)? else {
            let detail = "missing: without a cart of your own (see the header Kassa-Cart) this says what is bought";
            return Err(Problem::field("items", detail));
        };
        let stored = state.carts.get(&id).await?.cart;
        let settle = Settle { cart: id.clone(), bought: stored.marks() };
        Ok(Self { what: json!(id), lines: stored.to_order(), cart: Some(settle) })
    }
}

pub(super) fn lines(items: &[Object<Item>]) -> Result<Vec<Line>, Problem> {
    if items.is_empty() || items.len() > MAX_LINES {
        let detail = format!("{} items are not allowed: expected 1 to {MAX_LINES}", items.len());
        return Err(Problem::field("items", detail));
    }
    let lines = items.iter().enumerate().map(|(index, Object(item))| {
        let quantity = Quantity::new(item.quantity.get())
            .map_err(|error| Problem::field(format!("items[{index}].quantity"), error.to_string()))?;
        if items[..index].iter().any(|Object(before)| before.product_id == item.product_id) {
            let detail =
                format!("{} is in an item before; ask for all pieces of a product in one item", item.product_id);
            return Err(Problem::field(format!("items[{index}].product_id"), detail));
        }
        Ok(Line { product_id: item.product_id.clone(), quantity })
    });
    lines.collect()
}
