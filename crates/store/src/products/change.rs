//! Creating, changing and deleting products.
//!
//! Each is one transaction of the product's row and the rows that list it. A deleted product keeps its row without being
//! listed: pieces that were sold can still come back to it, and its counters stay true.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use kassa_domain::{Product, ProductDetails, ProductId, StockLevel};
use time::OffsetDateTime;

use super::entries::relist;
use super::row::{CATEGORY, Row, VERSION, details, key, to_item};
use super::{DELETED_AT, Products, RESERVED};
use crate::dynamodb::item;
use crate::dynamodb::transaction::{self, Written};
use crate::error::{Service, StoreError};

/// How often a change of whatever version there is looks again after somebody else changed the product in between.
const ATTEMPTS: u32 = 4;

/// Which version of a product a change is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The one that was read before; what somebody else has changed meanwhile is not overwritten.
    Version(u64),
    /// Whatever there is.
    Any,
}

/// Why a product was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateProductError {
    /// There is, or was, one with this id. Ids are not used twice, because orders name them.
    #[error("product {0} exists already")]
    AlreadyExists(ProductId),
    /// A price may be zero, but not less.
    #[error("a price is not negative")]
    NegativePrice,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a product was not changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ChangeProductError {
    /// The catalogue has no such product.
    #[error("there is no product {0}")]
    UnknownProduct(ProductId),
    /// Somebody else has changed it meanwhile.
    #[error("the product has been changed meanwhile: it is at version {current}")]
    VersionMismatch {
        /// The version that it has.
        current: u64,
    },
    /// A price may be zero, but not less.
    #[error("a price is not negative")]
    NegativePrice,
    /// Orders that are being paid for hold pieces of it.
    #[error("{reserved} pieces are reserved")]
    Reserved {
        /// How many.
        reserved: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Products {
    /// Adds a product to the catalogue; it starts without stock.
    pub async fn create(&self, id: ProductId, details: ProductDetails) -> Result<Product, CreateProductError> {
        if details.price.amount < 0 {
            return Err(CreateProductError::NegativePrice);
        }
        let product = Product::new(id, details, StockLevel::default(), 1);
        let created_at = OffsetDateTime::now_utc();
        let put = Put::builder()
            .table_name(self.dynamodb.tables.products())
            .set_item(Some(to_item(&product, created_at)))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .expect("table and row are set");
        let mut writes = vec![TransactWriteItem::builder().put(put).build()];
        writes.extend(relist(&self.dynamodb, created_at, None, Some(&product)));
        match transaction::write(&self.dynamodb, writes).await? {
            Written::Committed => Ok(product),
            Written::Rejected(_) => Err(CreateProductError::AlreadyExists(product.id)),
        }
    }

    /// Replaces what the catalogue says about a product. Saying the same again changes nothing.
    pub async fn update(
        &self,
        id: &ProductId,
        expected: Expected,
        details: &ProductDetails,
    ) -> Result<Product, ChangeProductError> {
        if details.price.amount < 0 {
            return Err(ChangeProductError::NegativePrice);
        }
        for _ in 0..ATTEMPTS {
            let Row { product: before, created_at, .. } = self.read(id, expected).await?;
            if before.details() == *details {
                return Ok(before);
            }
            let after = Product::new(id.clone(), details.clone(), before.stock, before.version + 1);
            let mut writes = vec![self.replace(&before, details)];
            writes.extend(relist(&self.dynamodb, created_at, Some(&before), Some(&after)));
            if let Written::Committed = transaction::write(&self.dynamodb, writes).await? {
                return Ok(after);
            }
            // Somebody else was faster: with a version, the next look fails.
        }
        Err(StoreError::Contended { service: Service::DynamoDb }.into())
    }

    /// Takes a product out of the catalogue, unless pieces of it are reserved. It cannot be sold any more from that moment;
    /// orders that bought it before stay what they are.
    pub async fn delete(&self, id: &ProductId, expected: Expected) -> Result<(), ChangeProductError> {
        for _ in 0..ATTEMPTS {
            let Row { product, created_at, .. } = self.read(id, expected).await?;
            if product.stock.reserved > 0 {
                return Err(ChangeProductError::Reserved { reserved: product.stock.reserved });
            }
            let mut writes = vec![self.bury(&product)];
            writes.extend(relist(&self.dynamodb, created_at, Some(&product), None));
            if let Written::Committed = transaction::write(&self.dynamodb, writes).await? {
                return Ok(());
            }
            // A piece has been reserved or somebody else was faster: the next look tells.
        }
        Err(StoreError::Contended { service: Service::DynamoDb }.into())
    }

    async fn read(&self, id: &ProductId, expected: Expected) -> Result<Row, ChangeProductError> {
        let found = self.row(id).await?.filter(|row| !row.is_deleted);
        let row = found.ok_or_else(|| ChangeProductError::UnknownProduct(id.clone()))?;
        match expected {
            Expected::Version(version) if version != row.product.version => {
                Err(ChangeProductError::VersionMismatch { current: row.product.version })
            }
            Expected::Version(_) | Expected::Any => Ok(row),
        }
    }

    /// Writes everything but the counters, which move with orders.
    fn replace(&self, before: &Product, new: &ProductDetails) -> TransactWriteItem {
        let mut update = Update::builder()
            .table_name(self.dynamodb.tables.products())
            .set_key(Some(key(&before.id)))
            .condition_expression("#version = :before AND attribute_not_exists(#deleted_at)")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_names("#deleted_at", DELETED_AT)
            .expression_attribute_values(":before", item::number(before.version))
            .expression_attribute_values(":after", item::number(before.version + 1));
        let mut assignments = vec!["#version = :after".to_owned()];
        for (name, value) in details(new) {
            assignments.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name.as_str())
                .expression_attribute_values(format!(":{name}"), value);
        }
        let mut expression = format!("SET {}", assignments.join(", "));
        if new.category.is_none() {
            expression.push_str(" REMOVE #category");
            update = update.expression_attribute_names("#category", CATEGORY);
        }
        let update = update.update_expression(expression).build().expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }

    /// The condition on the counter makes it impossible that an order reserves a piece at the same time.
    fn bury(&self, product: &Product) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(self.dynamodb.tables.products())
            .set_key(Some(key(&product.id)))
            .update_expression("SET #deleted_at = :now, #version = :after")
            .condition_expression("#version = :before AND #reserved = :none AND attribute_not_exists(#deleted_at)")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_names("#reserved", RESERVED)
            .expression_attribute_names("#deleted_at", DELETED_AT)
            .expression_attribute_values(":now", item::timestamp(OffsetDateTime::now_utc()))
            .expression_attribute_values(":before", item::number(product.version))
            .expression_attribute_values(":after", item::number(product.version + 1))
            .expression_attribute_values(":none", item::number(0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None)
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }
}
