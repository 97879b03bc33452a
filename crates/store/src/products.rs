//! The catalogue, and the counters that say where the pieces of each product are.

mod change;
mod entries;
mod listing;
mod movements;
mod row;
mod scan;
mod stock;
mod words;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use kassa_domain::{Product, ProductId, StockLevel};

pub use change::{ChangeProductError, CreateProductError, Expected};
pub(crate) use entries::{BY_PRICE, LIST, PLACE, PRICE_PLACE};
pub use listing::{CategoryPage, Filter, Page, PriceRange};
pub(crate) use movements::{BOOKED_AS, BY_TIME};
pub use movements::{MovementPage, StockMovement};
use row::Row;
pub(crate) use row::key;
pub use scan::{CountedProduct, CountedProducts};
pub use stock::{
    InvalidReceiptId, InvalidStockChange, MAX_STOCK_CHANGE, ReceiptId, ReceiveStockError, StockChange, StockReceipt,
};
pub use words::{InvalidSearchText, MAX_SEARCH_LENGTH, SearchText};

use crate::dynamodb::{DynamoDb, back_off};
use crate::error::{Service, StoreError};

pub use crate::dynamodb::pages::{Cursor, InvalidCursor};

pub(crate) const ID: &str = "id";
pub(crate) const AVAILABLE: &str = "available";
pub(crate) const RESERVED: &str = "reserved";
pub(crate) const SOLD: &str = "sold";
pub(crate) const DELETED_AT: &str = "deleted_at";
pub(crate) const PRODUCT_ID: &str = "product_id";
pub(crate) const RECEIPT_ID: &str = "receipt_id";

/// The most rows that `DynamoDB` reads in one batch, and so the most products of a page.
pub const MAX_PAGE: usize = 100;

/// How often the rest of a batch is asked for that `DynamoDB` could not read at once.
const BATCH_ATTEMPTS: u32 = 6;

/// Access to the catalogue. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Products {
    dynamodb: DynamoDb,
}

impl Products {
    /// Uses the tables of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// One product, as it is at this moment; none if it has been deleted.
    pub async fn get(&self, id: &ProductId) -> Result<Option<Product>, StoreError> {
        Ok(self.row(id).await?.filter(|row| !row.is_deleted).map(|row| row.product))
    }

    /// Where the pieces of a product are at this moment, even if it has been deleted.
    pub async fn stock(&self, id: &ProductId) -> Result<Option<StockLevel>, StoreError> {
        Ok(self.row(id).await?.map(|row| row.product.stock))
    }

    async fn row(&self, id: &ProductId) -> Result<Option<Row>, StoreError> {
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
        answer.item().map(Row::read).transpose()
    }

    /// Those of these products that there are and that have not been deleted, as they are at this moment, in the order asked
    /// for.
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
                products.extend(Some(Row::read(&row)?).filter(|row| !row.is_deleted).map(|row| row.product));
            }
            match answer.unprocessed_keys.take().unwrap_or_default().remove(&table) {
                None => return Ok(products),
                Some(rest) => missing = rest,
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended { service: Service::DynamoDb })
    }
}
