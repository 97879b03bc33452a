//! The history of the stock of a product: receipts and corrections.

use kassa_domain::{ProductId, UserId};
use time::OffsetDateTime;

use super::{MAX_PAGE, PRODUCT_ID, Products, RECEIPT_ID, ReceiptId, StockChange};
use crate::dynamodb::item::{self, Item};
use crate::dynamodb::pages::{self, Cursor, InvalidCursor, Range};
use crate::error::StoreError;

pub(crate) const BY_TIME: &str = "by_time";
/// The sort key of the index `by_time`.
pub(crate) const BOOKED_AS: &str = "booked_as";

pub(super) const CHANGE: &str = "change";
pub(super) const REASON: &str = "reason";
pub(super) const BY: &str = "booked_by";
pub(super) const RECEIVED_AT: &str = "received_at";

/// Stock that came in, or a correction, as it was booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockMovement {
    /// Its name.
    pub receipt_id: ReceiptId,
    /// How many pieces.
    pub change: StockChange,
    /// Why.
    pub reason: String,
    /// Who booked it.
    pub by: UserId,
    /// When.
    pub at: OffsetDateTime,
}

/// Some movements of a product, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovementPage {
    /// The movements.
    pub movements: Vec<StockMovement>,
    /// Where the next page starts, if there is more.
    pub next: Option<Cursor>,
}

impl Products {
    /// A page of the movements of a product, the newest first. At most [`MAX_PAGE`] are returned, whatever is asked for.
    pub async fn movements(
        &self,
        id: &ProductId,
        size: usize,
        after: Option<&Cursor>,
    ) -> Result<MovementPage, StoreError> {
        let range = self.movements_range(id);
        let (movements, next) =
            pages::read(&self.dynamodb, &range, size.clamp(1, MAX_PAGE), after, |row| read(row).map(Some)).await?;
        Ok(MovementPage { movements, next })
    }

    /// Reads a cursor that came with a page of the movements of this product.
    pub fn movements_cursor(&self, id: &ProductId, text: &str) -> Result<Cursor, InvalidCursor> {
        self.movements_range(id).cursor(text)
    }

    fn movements_range(&self, id: &ProductId) -> Range {
        Range {
            table: self.dynamodb.tables.stock_movements(),
            index: Some(BY_TIME),
            partition: (PRODUCT_ID, id.to_string()),
            sort: BOOKED_AS,
            low: "0".to_owned(),
            high: ":".to_owned(),
            filters: String::new(),
            exact: true,
        }
    }
}

fn read(row: &Item) -> Result<StockMovement, StoreError> {
    let change: i64 = item::read_number(row, CHANGE)?;
    Ok(StockMovement {
        receipt_id: item::read(row, RECEIPT_ID)?,
        change: StockChange::try_from(change)
            .map_err(|_| StoreError::corrupt(format!("attribute `{CHANGE}` is no change of stock")))?,
        reason: item::read_text(row, REASON)?.to_owned(),
        by: item::read(row, BY)?,
        at: item::read_timestamp(row, RECEIVED_AT)?,
    })
}
