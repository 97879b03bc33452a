//! Receiving and correcting stock.

use std::fmt::Write;

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::{IdempotencyKey, ProductId, StockLevel};
use kassa_store::products::{ReceiptId, ReceiveStockError, StockChange, StockReceipt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::not_found;
use crate::auth::Admin;
use crate::catalogue::Catalogue;
use crate::extract::{Json, PathParameter, RequiredIdempotencyKey};
use crate::problem::{Problem, ProblemCode};
use crate::wire::Whole;

/// The longest reason of a stock change, in characters.
const MAX_REASON: usize = 500;
/// The most pieces that one change of stock may add or take away.
const MAX_DELTA: i64 = 1_000_000;

/// Pieces that came in, or a correction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"delta": 12, "reason": "Delivery 4711"}))]
pub(crate) struct ChangeStock {
    /// Pieces to add; negative to take away. Not zero.
    #[schema(value_type = i64, minimum = -1_000_000, maximum = 1_000_000)]
    delta: Whole<{ -MAX_DELTA }, MAX_DELTA>,
    /// Why, for whoever reads the movements later.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
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
    pub(super) fn new(id: ProductId, level: StockLevel) -> Self {
        let StockLevel { available, reserved, sold } = level;
        Self { product_id: id.into(), available, reserved, sold }
    }
}

/// Receives stock, or corrects it.
///
/// The `Idempotency-Key` names the receipt: sent again, it is not booked again, and the answer tells the level of that
/// moment.
#[utoipa::path(
    post, path = "/api/products/{id}/stock", tag = "products", security(("access_token" = ["admin"])),
    params(
        ("id" = String, Path, description = "The product.", pattern = "^prod_[a-z0-9_-]{1,64}$", example = "prod_tea"),
        (
            "Idempotency-Key" = String, Header, min_length = 8, max_length = 255, example = "delivery-4711",
            description = "Names the receipt, for example by the number of the delivery note.",
        ),
    ),
    request_body = ChangeStock,
    responses((status = OK, description = "The receipt is booked.", body = StockBody)),
)]
pub(crate) async fn change_stock(
    Admin { by }: Admin,
    State(catalogue): State<Catalogue>,
    PathParameter(id): PathParameter<ProductId>,
    RequiredIdempotencyKey(key): RequiredIdempotencyKey,
    Json(request): Json<ChangeStock>,
) -> Result<JsonBody<StockBody>, Problem> {
    let change = StockChange::try_from(request.delta.get())
        .map_err(|_| Problem::field("delta", format!("0 changes nothing: expected -{MAX_DELTA} to {MAX_DELTA}")))?;
    let reason = text("reason", request.reason, MAX_REASON)?;
    let receipt = StockReceipt { receipt_id: receipt_id(&key), change, reason, by };
    let booked = catalogue.products().receive_stock(&id, &receipt).await;
    catalogue.changed();
    match booked {
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

/// A text for other people to read.
pub(crate) fn text(field: &str, text: String, max: usize) -> Result<String, Problem> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(Problem::field(field, format!("it is empty: expected 1 to {max} characters")));
    }
    if length > max {
        return Err(Problem::field(field, format!("{length} characters are too many: the most is {max}")));
    }
    if text.contains('\0') {
        return Err(Problem::field(field, "the NUL character is not allowed"));
    }
    Ok(text)
}

// What the documentation says about lengths has to be what is checked.
const _: () = assert!(MAX_REASON == 500 && MAX_DELTA == 1_000_000);

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
}
