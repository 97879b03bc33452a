//! The counters of all products, for whoever goes through them.

use kassa_domain::{ProductId, StockLevel};

use super::row::stock_level;
use super::{AVAILABLE, ID, Products, RESERVED, SOLD, key};
use crate::dynamodb::item;
use crate::error::StoreError;

/// The counters of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedProduct {
    /// The product.
    pub product_id: ProductId,
    /// Where its pieces are.
    pub stock: StockLevel,
}

/// The counters of some products, in no order that would mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedProducts {
    /// The products.
    pub products: Vec<CountedProduct>,
    /// After which one the next page starts, if there is more.
    pub next: Option<ProductId>,
}

impl Products {
    /// A page of the counters of all products, deleted ones included, each as they are when it is read.
    pub async fn counters(&self, size: usize, after: Option<&ProductId>) -> Result<CountedProducts, StoreError> {
        let answer = self
            .dynamodb
            .client
            .scan()
            .table_name(self.dynamodb.tables.products())
            .consistent_read(true)
            .limit(i32::try_from(size).unwrap_or(i32::MAX))
            .projection_expression("#id, #available, #reserved, #sold")
            .expression_attribute_names("#id", ID)
            .expression_attribute_names("#available", AVAILABLE)
            .expression_attribute_names("#reserved", RESERVED)
            .expression_attribute_names("#sold", SOLD)
            .set_exclusive_start_key(after.map(key))
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        let counted = |row| Ok(CountedProduct { product_id: item::read(row, ID)?, stock: stock_level(row)? });
        Ok(CountedProducts {
            products: answer.items().iter().map(counted).collect::<Result<_, StoreError>>()?,
            next: answer.last_evaluated_key().map(|last| item::read(last, ID)).transpose()?,
        })
    }
}
