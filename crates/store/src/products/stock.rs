//! Stock that comes in, and corrections of it.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use kassa_domain::{ProductId, StockLevel, UserId};
use time::OffsetDateTime;

use super::entries::newest_first;
use super::movements::{BOOKED_AS, BY, CHANGE, REASON, RECEIVED_AT};
use super::row::stock_level;
use super::{AVAILABLE, DELETED_AT, PRODUCT_ID, Products, RECEIPT_ID, key};
use crate::dynamodb::item::{self, Item};
use crate::dynamodb::transaction::{self, Written};
use crate::error::StoreError;

/// The most pieces that one receipt may add or take away; more is a typing error. It also keeps the counters far from
/// the end of 64 bits.
pub const MAX_STOCK_CHANGE: i64 = 1_000_000_000;

/// A number of pieces that comes in, or that a negative correction takes away; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockChange(i64);

/// A number that is no change of stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a change of stock: allowed is -{MAX_STOCK_CHANGE} to {MAX_STOCK_CHANGE}, but not 0")]
pub struct InvalidStockChange(i64);

impl StockChange {
    /// The number of pieces; negative if they are taken away.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for StockChange {
    type Error = InvalidStockChange;

    fn try_from(pieces: i64) -> Result<Self, Self::Error> {
        let allowed = pieces != 0 && (-MAX_STOCK_CHANGE..=MAX_STOCK_CHANGE).contains(&pieces);
        if allowed { Ok(Self(pieces)) } else { Err(InvalidStockChange(pieces)) }
    }
}

/// The name that the sender gives to one receipt or correction of a product, so that sending it twice counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptId(String);

impl ReceiptId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no receipt id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a receipt id is 1 to 128 visible ASCII characters, such as the number of a delivery note")]
pub struct InvalidReceiptId;

impl TryFrom<String> for ReceiptId {
    type Error = InvalidReceiptId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if allowed { Ok(Self(text)) } else { Err(InvalidReceiptId) }
    }
}

/// Stock that came in, or a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockReceipt {
    /// Its name; unique for the product.
    pub receipt_id: ReceiptId,
    /// How many pieces.
    pub change: StockChange,
    /// Why, for whoever reads the history of movements.
    pub reason: String,
    /// Who books it.
    pub by: UserId,
}

/// Why a receipt was not booked.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveStockError {
    /// The catalogue has no such product.
    #[error("there is no product {0}")]
    UnknownProduct(ProductId),
    /// A correction would take more than is available; what is reserved or sold cannot be corrected away.
    #[error("only {available} pieces are available")]
    NotEnoughAvailable {
        /// How many there are.
        available: u64,
    },
    /// The same receipt id was booked with another number of pieces.
    #[error("this receipt id was booked before, with a change of {booked} pieces")]
    ReceiptReused {
        /// What was booked.
        booked: i64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Products {
    /// Books a receipt or a correction, once however often it is called, and tells where the pieces are now.
    pub async fn receive_stock(&self, id: &ProductId, receipt: &StockReceipt) -> Result<StockLevel, ReceiveStockError> {
        let writes = vec![self.movement(id, receipt), self.counter(id, receipt.change)];
        if let Written::Rejected(rejections) = transaction::write(&self.dynamodb, writes).await? {
            if let Some(booked) = rejections.at(0) {
                let booked: i64 = item::read_number(booked, CHANGE)?;
                if booked != receipt.change.0 {
                    return Err(ReceiveStockError::ReceiptReused { booked });
                }
            } else if let Some(product) = rejections.at(1) {
                if product.is_empty() || product.contains_key(DELETED_AT) {
                    return Err(ReceiveStockError::UnknownProduct(id.clone()));
                }
                let available = stock_level(product)?.available;
                return Err(ReceiveStockError::NotEnoughAvailable { available });
            }
        }
        match self.get(id).await? {
            Some(product) => Ok(product.stock),
            None => Err(ReceiveStockError::UnknownProduct(id.clone())),
        }
    }

    /// The guard against booking twice, and the history of the counters.
    fn movement(&self, id: &ProductId, receipt: &StockReceipt) -> TransactWriteItem {
        let now = OffsetDateTime::now_utc();
        let booked_as = format!("{}#{}", newest_first(now), receipt.receipt_id.0);
        let row = Item::from([
            (PRODUCT_ID.to_owned(), item::text(id.as_str())),
            (RECEIPT_ID.to_owned(), item::text(receipt.receipt_id.0.as_str())),
            (CHANGE.to_owned(), item::number(receipt.change.0)),
            (REASON.to_owned(), item::text(receipt.reason.as_str())),
            (BY.to_owned(), item::text(receipt.by.as_str())),
            (RECEIVED_AT.to_owned(), item::timestamp(now)),
            (BOOKED_AS.to_owned(), item::text(booked_as)),
        ]);
        let put = Put::builder()
            .table_name(self.dynamodb.tables.stock_movements())
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(receipt_id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .expect("table and row are set");
        TransactWriteItem::builder().put(put).build()
    }

    fn counter(&self, id: &ProductId, StockChange(change): StockChange) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(self.dynamodb.tables.products())
            .set_key(Some(key(id)))
            .update_expression("SET #available = #available + :change")
            .condition_expression("#available >= :least AND attribute_not_exists(#deleted_at)")
            .expression_attribute_names("#available", AVAILABLE)
            .expression_attribute_names("#deleted_at", DELETED_AT)
            .expression_attribute_values(":change", item::number(change))
            // What is there before must be enough for what is taken; a product that does not exist has no attribute
            // to compare.
            .expression_attribute_values(":least", item::number(change.min(0).unsigned_abs()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_never_zero_or_beyond_its_bounds() {
        for pieces in [0, MAX_STOCK_CHANGE + 1, -MAX_STOCK_CHANGE - 1, i64::MAX, i64::MIN] {
            assert_eq!(StockChange::try_from(pieces), Err(InvalidStockChange(pieces)));
        }
        for pieces in [1, -1, MAX_STOCK_CHANGE, -MAX_STOCK_CHANGE] {
            assert_eq!(StockChange::try_from(pieces), Ok(StockChange(pieces)));
        }
    }

    #[test]
    fn a_receipt_id_fits_into_a_key() {
        for text in ["", "with space", "ümlaut", "\n", &"x".repeat(129)] {
            assert_eq!(ReceiptId::try_from(text.to_owned()), Err(InvalidReceiptId), "{text}");
        }
        assert!(ReceiptId::try_from("x".repeat(128)).is_ok());
    }
}
