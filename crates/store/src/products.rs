//! The catalogue, and the counters that say where the pieces of each product are.

mod cursor;
mod stock;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use kassa_domain::{Money, Product, ProductId, ProductName, StockLevel, parse_currency};
use time::OffsetDateTime;

pub use cursor::{Cursor, InvalidCursor};
pub use stock::{
    InvalidReceiptId, InvalidStockChange, MAX_STOCK_CHANGE, ReceiptId, ReceiveStockError, StockChange, StockReceipt,
};

use crate::dynamodb::item::{self, Item};
use crate::dynamodb::{DynamoDb, back_off};
use crate::error::{Service, StoreError};

pub(crate) const ID: &str = "id";
pub(crate) const AVAILABLE: &str = "available";
pub(crate) const RESERVED: &str = "reserved";
pub(crate) const SOLD: &str = "sold";
pub(crate) const PRODUCT_ID: &str = "product_id";
pub(crate) const RECEIPT_ID: &str = "receipt_id";
/// The index by which the catalogue is listed, newest first.
pub(crate) const LISTING_INDEX: &str = "listing";
/// The partition key of the index: the same for every product that is listed.
pub(crate) const LISTING: &str = "listing";
/// The sort key of the index: time of creation and id, see [`Cursor`].
pub(crate) const LISTED_AS: &str = "listed_as";

const CATALOGUE: &str = "catalogue";
const NAME: &str = "name";
const DESCRIPTION: &str = "description";
const PRICE: &str = "price";
const CURRENCY: &str = "currency";
const VERSION: &str = "version";
const CREATED_AT: &str = "created_at";

/// The most rows that `DynamoDB` reads in one batch, and so the most products of a page.
pub const MAX_PAGE: usize = 100;

/// How often the rest of a batch is asked for that `DynamoDB` could not read at once.
const BATCH_ATTEMPTS: u32 = 6;

/// Access to the catalogue. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Products {
    dynamodb: DynamoDb,
}

/// A product to be; it starts without stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Its identifier.
    pub id: ProductId,
    /// Its name.
    pub name: ProductName,
    /// Longer text for customers; may be empty.
    pub description: String,
    /// The price of one piece.
    pub price: Money,
}

/// Why a product was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateProductError {
    /// There is one with this id.
    #[error("product {0} exists already")]
    AlreadyExists(ProductId),
    /// A price may be zero, but not less.
    #[error("a price is not negative")]
    NegativePrice,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Some products of the catalogue, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The products.
    pub products: Vec<Product>,
    /// Where the next page starts, if there is more.
    pub next: Option<Cursor>,
}

impl Products {
    /// Uses the tables of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// Adds a product to the catalogue.
    pub async fn create(&self, product: NewProduct) -> Result<Product, CreateProductError> {
        if product.price.amount < 0 {
            return Err(CreateProductError::NegativePrice);
        }
        let NewProduct { id, name, description, price } = product;
        let product = Product { id, name, description, price, stock: StockLevel::default(), version: 1 };
        let created_at = OffsetDateTime::now_utc();
        let sent = self
            .dynamodb
            .client
            .put_item()
            .table_name(self.dynamodb.tables.products())
            .set_item(Some(to_item(&product, created_at)))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(product) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(StoreError::dynamodb(error).into());
        };
        // The SDK repeats a call whose answer was lost: then the row is there because we put it there.
        let ours = failed.item().and_then(|found| found.get(CREATED_AT)) == Some(&item::timestamp(created_at));
        if ours { Ok(product) } else { Err(CreateProductError::AlreadyExists(product.id)) }
    }

    /// One product, as it is at this moment.
    pub async fn get(&self, id: &ProductId) -> Result<Option<Product>, StoreError> {
        let answer = self
            .dynamodb
            .client
            .get_item()
            .table_name(self.dynamodb.tables.products())
            .set_key(Some(key(id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        answer.item().map(from_item).transpose()
    }

    /// Those of these products that there are, as they are at this moment, in the order asked for.
    pub async fn get_many(&self, ids: &[ProductId]) -> Result<Vec<Product>, StoreError> {
        let mut found = HashMap::with_capacity(ids.len());
        // A batch must not name a row twice.
        let unique: Vec<_> = ids.iter().collect::<BTreeSet<_>>().into_iter().collect();
        for batch in unique.chunks(MAX_PAGE) {
            for product in self.get_batch(batch).await? {
                found.insert(product.id.clone(), product);
            }
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    async fn get_batch(&self, ids: &[&ProductId]) -> Result<Vec<Product>, StoreError> {
        let table = self.dynamodb.tables.products();
        let mut missing = KeysAndAttributes::builder()
            .set_keys(Some(ids.iter().map(|id| key(id)).collect()))
            .consistent_read(true)
            .build()
            .expect("the keys are set");
        let mut products = Vec::with_capacity(ids.len());
        for attempt in 1..=BATCH_ATTEMPTS {
            let mut answer = self
                .dynamodb
                .client
                .batch_get_item()
                .request_items(table.clone(), missing)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            for row in answer.responses.take().unwrap_or_default().remove(&table).unwrap_or_default() {
                products.push(from_item(&row)?);
            }
            match answer.unprocessed_keys.take().unwrap_or_default().remove(&table) {
                None => return Ok(products),
                Some(rest) => missing = rest,
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended { service: Service::DynamoDb })
    }

    /// A page of the catalogue, newest products first. At most [`MAX_PAGE`] are returned, whatever is asked for.
    ///
    /// A product can be missing for the moment that its way into the index takes. Products that come later are listed
    /// before the first page and shift nothing.
    pub async fn list(&self, page_size: usize, after: Option<&Cursor>) -> Result<Page, StoreError> {
        let page_size = page_size.clamp(1, MAX_PAGE);
        let query = self
            .dynamodb
            .client
            .query()
            .table_name(self.dynamodb.tables.products())
            .index_name(LISTING_INDEX)
            .scan_index_forward(false)
            // One more tells whether there is a next page.
            .limit(i32::try_from(page_size + 1).expect("a page is small"))
            .expression_attribute_values(":catalogue", item::text(CATALOGUE));
        let query = match after {
            None => query.key_condition_expression("listing = :catalogue"),
            Some(cursor) => query
                .key_condition_expression("listing = :catalogue AND listed_as < :after")
                .expression_attribute_values(":after", item::text(cursor.listed_as())),
        };
        let answer = query.send().await.map_err(StoreError::dynamodb)?;
        let rows = answer.items();
        let ids = rows.iter().take(page_size).map(|row| item::read(row, ID)).collect::<Result<Vec<_>, _>>()?;
        let next = if rows.len() > page_size { Some(Cursor::read(&rows[page_size - 1])?) } else { None };
        Ok(Page { products: self.get_many(&ids).await?, next })
    }
}

pub(crate) fn key(id: &ProductId) -> Item {
    Item::from([(ID.to_owned(), item::text(id.as_str()))])
}

fn to_item(product: &Product, created_at: OffsetDateTime) -> Item {
    let attributes: [(&str, AttributeValue); 12] = [
        (ID, item::text(product.id.as_str())),
        (NAME, item::text(product.name.as_str())),
        (DESCRIPTION, item::text(product.description.as_str())),
        (PRICE, item::number(product.price.amount)),
        (CURRENCY, item::text(product.price.currency.code())),
        (AVAILABLE, item::number(product.stock.available)),
        (RESERVED, item::number(product.stock.reserved)),
        (SOLD, item::number(product.stock.sold)),
        (VERSION, item::number(product.version)),
        (CREATED_AT, item::timestamp(created_at)),
        (LISTING, item::text(CATALOGUE)),
        (LISTED_AS, item::text(Cursor::new(created_at, &product.id).listed_as())),
    ];
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn from_item(row: &Item) -> Result<Product, StoreError> {
    let currency = parse_currency(item::read_text(row, CURRENCY)?)
        .map_err(|_| StoreError::corrupt(format!("attribute `{CURRENCY}` should be a currency")))?;
    Ok(Product {
        id: item::read(row, ID)?,
        name: item::read(row, NAME)?,
        description: item::read_text(row, DESCRIPTION)?.to_owned(),
        price: Money::new(item::read_number(row, PRICE)?, currency),
        stock: stock_level(row)?,
        version: item::read_number(row, VERSION)?,
    })
}

pub(crate) fn stock_level(row: &Item) -> Result<StockLevel, StoreError> {
    Ok(StockLevel {
        available: item::read_number(row, AVAILABLE)?,
        reserved: item::read_number(row, RESERVED)?,
        sold: item::read_number(row, SOLD)?,
    })
}
