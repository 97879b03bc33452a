//! The row of a cart.

use aws_sdk_dynamodb::types::AttributeValue;
use kassa_domain::{Cart, CartId, CartLine, Mark, Money, ProductId, Quantity, Seen, parse_currency};
use time::OffsetDateTime;

use super::{EXPIRES_AT, ID};
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

/// A map from products to their lines.
pub(super) const LINES: &str = "lines";
/// Another one after every change, drawn at random: a number would start over once a cart is gone.
pub(super) const REVISION: &str = "revision";
pub(super) const QUANTITY: &str = "quantity";
pub(super) const MARK: &str = "mark";
pub(super) const NAME: &str = "name";
pub(super) const PRICE: &str = "price";
pub(super) const CURRENCY: &str = "currency";

/// What there is under the id of a cart.
pub(super) struct Found {
    /// What is in the cart; nothing, if there is none or if it has expired.
    pub(super) cart: Cart,
    /// When it goes.
    pub(super) expires_at: Option<OffsetDateTime>,
    /// The revision of the row, expired or not; `None` if there is none.
    pub(super) revision: Option<String>,
}

impl Found {
    pub(super) fn read(row: Option<&Item>, now: OffsetDateTime) -> Result<Self, StoreError> {
        let Some(row) = row else { return Ok(Self { cart: Cart::default(), expires_at: None, revision: None }) };
        let revision = Some(item::read_text(row, REVISION)?.to_owned());
        let expires_at = OffsetDateTime::from_unix_timestamp(item::read_number(row, EXPIRES_AT)?)
            .map_err(|_| unknown(EXPIRES_AT))?;
        // DynamoDB sweeps within days; until then the row is only as good as gone.
        if expires_at <= now {
            return Ok(Self { cart: Cart::default(), expires_at: None, revision });
        }
        let lines = row.get(LINES).and_then(|lines| lines.as_m().ok()).ok_or_else(|| unknown(LINES))?;
        let lines = lines.iter().map(|(product_id, line)| from_item(product_id, line)).collect::<Result<_, _>>()?;
        Ok(Self { cart: Cart::new(lines), expires_at: Some(expires_at), revision })
    }
}

pub(super) fn to_item(id: &CartId, cart: &Cart, expires_at: OffsetDateTime) -> Item {
    let lines = cart.lines().iter().map(|line| {
        let attributes = [
            (QUANTITY, item::number(line.quantity.get())),
            (MARK, item::number(line.mark.get())),
            (NAME, item::text(line.seen.name.as_str())),
            (PRICE, item::number(line.seen.price.amount)),
            (CURRENCY, item::text(line.seen.price.currency.code())),
        ];
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        (line.product_id.to_string(), AttributeValue::M(attributes))
    });
    Item::from([
        (ID.to_owned(), item::text(id.as_str())),
        (LINES.to_owned(), AttributeValue::M(lines.collect())),
        (REVISION.to_owned(), new_revision()),
        (EXPIRES_AT.to_owned(), item::number(expires_at.unix_timestamp())),
    ])
}

pub(super) fn new_revision() -> AttributeValue {
    item::text(uuid::Uuid::new_v4().simple().to_string())
}

fn from_item(product_id: &str, line: &AttributeValue) -> Result<CartLine, StoreError> {
    let product_id: ProductId = product_id.parse().map_err(|_| unknown(LINES))?;
    let line = line.as_m().map_err(|_| unknown(LINES))?;
    let currency = parse_currency(item::read_text(line, CURRENCY)?).map_err(|_| unknown(CURRENCY))?;
    Ok(CartLine {
        product_id,
        quantity: Quantity::new(item::read_number(line, QUANTITY)?).map_err(|_| unknown(QUANTITY))?,
        seen: Seen {
            name: item::read_text(line, NAME)?.to_owned(),
            price: Money::new(item::read_number(line, PRICE)?, currency),
        },
        mark: Mark::new(item::read_number(line, MARK)?),
    })
}

fn unknown(name: &str) -> StoreError {
    StoreError::corrupt(format!("attribute `{name}` of a cart has an unknown form"))
}
