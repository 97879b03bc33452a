//! A product as a row of its table.

use aws_sdk_dynamodb::types::AttributeValue;
use kassa_domain::{Money, Product, ProductDetails, ProductId, StockLevel, parse_currency};
use time::OffsetDateTime;

use super::{AVAILABLE, DELETED_AT, ID, RESERVED, SOLD};
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

pub(super) const NAME: &str = "name";
pub(super) const DESCRIPTION: &str = "description";
pub(super) const CATEGORY: &str = "category";
pub(super) const PRICE: &str = "price";
pub(super) const CURRENCY: &str = "currency";
pub(super) const IMAGES: &str = "images";
pub(super) const ATTRIBUTES: &str = "attributes";
pub(super) const VERSION: &str = "version";
pub(super) const CREATED_AT: &str = "created_at";

/// Everything that is stored about a product, deleted ones included.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) product: Product,
    pub(super) created_at: OffsetDateTime,
    pub(super) is_deleted: bool,
}

pub(crate) fn key(id: &ProductId) -> Item {
    Item::from([(ID.to_owned(), item::text(id.as_str()))])
}

/// The row of a new product.
pub(super) fn to_item(product: &Product, created_at: OffsetDateTime) -> Item {
    let mut row = details(&product.details());
    row.extend(
        [
            (ID, item::text(product.id.as_str())),
            (AVAILABLE, item::number(product.stock.available)),
            (RESERVED, item::number(product.stock.reserved)),
            (SOLD, item::number(product.stock.sold)),
            (VERSION, item::number(product.version)),
            (CREATED_AT, item::timestamp(created_at)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    row
}

/// The attributes that say what the catalogue says. A product that is not sorted in has no category.
pub(super) fn details(details: &ProductDetails) -> Item {
    let images = details.images.as_slice().iter().map(|url| item::text(url.as_str()));
    let attributes = details.attributes.iter().map(|(name, value)| (name.to_owned(), item::text(value)));
    let mut row: Item = [
        (NAME, item::text(details.name.as_str())),
        (DESCRIPTION, item::text(details.description.as_str())),
        (PRICE, item::number(details.price.amount)),
        (CURRENCY, item::text(details.price.currency.code())),
        (IMAGES, AttributeValue::L(images.collect())),
        (ATTRIBUTES, AttributeValue::M(attributes.collect())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    row.extend(details.category.as_ref().map(|category| (CATEGORY.to_owned(), item::text(category.as_str()))));
    row
}

impl Row {
    pub(super) fn read(row: &Item) -> Result<Self, StoreError> {
        let currency = parse_currency(item::read_text(row, CURRENCY)?)
            .map_err(|_| StoreError::corrupt(format!("attribute `{CURRENCY}` should be a currency")))?;
        let details = ProductDetails {
            name: item::read(row, NAME)?,
            description: item::read(row, DESCRIPTION)?,
            category: row.contains_key(CATEGORY).then(|| item::read(row, CATEGORY)).transpose()?,
            price: Money::new(item::read_number(row, PRICE)?, currency),
            images: item::read_texts(row, IMAGES)?
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<Vec<_>, _>>()
                .ok()
                .and_then(|urls| urls.try_into().ok())
                .ok_or_else(|| StoreError::corrupt(format!("attribute `{IMAGES}` has an unknown form")))?,
            attributes: item::read_text_map(row, ATTRIBUTES)?
                .try_into()
                .map_err(|_| StoreError::corrupt(format!("attribute `{ATTRIBUTES}` has an unknown form")))?,
        };
        let product = Product::new(item::read(row, ID)?, details, stock_level(row)?, item::read_number(row, VERSION)?);
        Ok(Self {
            product,
            created_at: item::read_timestamp(row, CREATED_AT)?,
            is_deleted: row.contains_key(DELETED_AT),
        })
    }
}

pub(crate) fn stock_level(row: &Item) -> Result<StockLevel, StoreError> {
    Ok(StockLevel {
        available: item::read_number(row, AVAILABLE)?,
        reserved: item::read_number(row, RESERVED)?,
        sold: item::read_number(row, SOLD)?,
    })
}
