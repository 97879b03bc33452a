//! Carts: one row each, so that all changes of a cart, and the merge of two, are atomic.
//!
//! Every change is a transaction even where it writes one row: the SDK repeats a call whose answer was lost, and only a
//! transaction is known again by its token. A plain update would then count pieces twice.

mod row;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use kassa_domain::{
    Cart, CartError, CartId, GuestCartId, MAX_QUANTITY, Mark, Merged, Product, ProductId, Quantity, Seen, UserId,
};
use time::OffsetDateTime;

use self::row::{CURRENCY, Found, LINES, MARK, NAME, PRICE, QUANTITY, REVISION};
use crate::dynamodb::item::{self, Item};
use crate::dynamodb::transaction::{self, Rejections, Written};
use crate::dynamodb::{DynamoDb, back_off};
use crate::error::{Service, StoreError};

pub(crate) const ID: &str = "id";
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// How long a cart is kept after its last change.
pub const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// How often a change is tried that meets others of the same cart. A customer has a few windows open at most.
const ATTEMPTS: u32 = 16;

/// Access to the carts. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Carts {
    dynamodb: DynamoDb,
}

/// A cart as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCart {
    /// What is in it.
    pub cart: Cart,
    /// When it goes, if nobody changes it before; `None` if there is nothing to keep.
    pub expires_at: Option<OffsetDateTime>,
}

/// Why a cart was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeCartError {
    /// It does not fit.
    #[error(transparent)]
    Limit(#[from] CartError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Carts {
    /// Uses the table of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// A cart as it is at this moment; one that is not there, or has expired, is empty.
    pub async fn get(&self, id: &CartId) -> Result<StoredCart, StoreError> {
        let Found { cart, expires_at, .. } = self.find(id).await?;
        Ok(StoredCart { cart, expires_at })
    }

    /// Puts in more pieces of a product.
    pub async fn add(&self, id: &CartId, product: &Product, pieces: Quantity) -> Result<(), ChangeCartError> {
        for attempt in 1..=ATTEMPTS {
            // Pieces of what is in already are counted in the row itself, so that customers and their windows do not
            // get in each other's way.
            let rejections = match transaction::write(&self.dynamodb, vec![self.more(id, product, pieces)]).await? {
                Written::Committed => return Ok(()),
                Written::Rejected(rejections) => rejections,
            };
            let now = OffsetDateTime::now_utc();
            let found = Found::rejected(&rejections, 0, now)?;
            let mut cart = found.cart.clone();
            cart.add(product, pieces, mark(now))?;
            if self.replace(id, &found, &cart, now).await? {
                return Ok(());
            }
            back_off(attempt).await;
        }
        Err(contended().into())
    }

    /// Sees to it that there are this many pieces of a product.
    pub async fn set(&self, id: &CartId, product: &Product, pieces: Quantity) -> Result<(), ChangeCartError> {
        self.change(id, |cart, now| Ok(cart.set(product, pieces, now)?)).await
    }

    /// Takes out a product, if it is in.
    pub async fn remove(&self, id: &CartId, product: &ProductId) -> Result<(), StoreError> {
        self.change(id, |cart, _| {
            cart.remove(product);
            Ok(())
        })
        .await
    }

    /// Takes out everything.
    pub async fn clear(&self, id: &CartId) -> Result<(), StoreError> {
        let delete = self.dynamodb.client.delete_item().table_name(self.dynamodb.tables.carts()).set_key(Some(key(id)));
        delete.send().await.map_err(StoreError::dynamodb)?;
        Ok(())
    }

    /// Takes out what was bought, and nothing that was put in since the cart had these marks. Doing it again changes
    /// nothing, see [`Cart::settle`].
    pub async fn settle(&self, id: &CartId, bought: &BTreeMap<ProductId, Mark>) -> Result<(), StoreError> {
        self.change(id, |cart, _| {
            cart.settle(bought);
            Ok(())
        })
        .await
    }

    /// Moves what is in the cart of a guest to that of an account. Doing it again finds nothing left to move.
    pub async fn merge(&self, guest: &GuestCartId, user: &UserId) -> Result<Merged, StoreError> {
        let (from, to) = (CartId::Guest(guest.clone()), CartId::User(user.clone()));
        for attempt in 1..=ATTEMPTS {
            let theirs = self.find(&from).await?;
            if theirs.cart.is_empty() {
                return Ok(Merged::default());
            }
            let ours = self.find(&to).await?;
            let mut cart = ours.cart.clone();
            let merged = cart.merge(theirs.cart.clone());
            let writes = vec![self.put(&to, &ours, &cart, OffsetDateTime::now_utc()), self.take_away(&from, &theirs)];
            if let Written::Committed = transaction::write(&self.dynamodb, writes).await? {
                return Ok(merged);
            }
            back_off(attempt).await;
        }
        Err(contended())
    }

    /// Reads, changes and writes, and starts over if somebody else was faster.
    async fn change<E: From<StoreError>>(
        &self,
        id: &CartId,
        change: impl Fn(&mut Cart, Mark) -> Result<(), E>,
    ) -> Result<(), E> {
        for attempt in 1..=ATTEMPTS {
            let found = self.find(id).await?;
            let now = OffsetDateTime::now_utc();
            let mut cart = found.cart.clone();
            change(&mut cart, mark(now))?;
            if cart == found.cart || self.replace(id, &found, &cart, now).await? {
                return Ok(());
            }
            back_off(attempt).await;
        }
        Err(contended().into())
    }

    async fn find(&self, id: &CartId) -> Result<Found, StoreError> {
        let answer = self
            .dynamodb
            .client
            .get_item()
            .table_name(self.dynamodb.tables.carts())
            .set_key(Some(key(id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Found::read(answer.item(), OffsetDateTime::now_utc())
    }

    /// Writes a cart in place of what was found. Says whether it was still there.
    async fn replace(&self, id: &CartId, found: &Found, cart: &Cart, now: OffsetDateTime) -> Result<bool, StoreError> {
        let written = transaction::write(&self.dynamodb, vec![self.put(id, found, cart, now)]).await?;
        Ok(matches!(written, Written::Committed))
    }

    fn put(&self, id: &CartId, found: &Found, cart: &Cart, now: OffsetDateTime) -> TransactWriteItem {
        let put =
            Put::builder().table_name(self.dynamodb.tables.carts()).set_item(Some(row::to_item(id, cart, expiry(now))));
        let put = match &found.revision {
            None => put.condition_expression("attribute_not_exists(id)"),
            Some(revision) => put
                .condition_expression("#revision = :revision")
                .expression_attribute_names("#revision", REVISION)
                .expression_attribute_values(":revision", item::text(revision.as_str())),
        };
        TransactWriteItem::builder().put(put.build().expect("table and row are set")).build()
    }

    /// Deletes a cart that is still as it was found.
    fn take_away(&self, id: &CartId, found: &Found) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(self.dynamodb.tables.carts())
            .set_key(Some(key(id)))
            .condition_expression("#revision = :revision")
            .expression_attribute_names("#revision", REVISION)
            .expression_attribute_values(":revision", item::text(found.revision.clone().unwrap_or_default()))
            .build()
            .expect("table and key are set");
        TransactWriteItem::builder().delete(delete).build()
    }

    /// Adds pieces to the line of a product, if there is one with that much room in a cart that has not expired.
    fn more(&self, id: &CartId, product: &Product, pieces: Quantity) -> TransactWriteItem {
        let now = OffsetDateTime::now_utc();
        let Seen { name, price } = product.into();
        let update = Update::builder()
            .table_name(self.dynamodb.tables.carts())
            .set_key(Some(key(id)))
            .update_expression(
                "SET #lines.#product.#quantity = #lines.#product.#quantity + :pieces, \
                 #lines.#product.#mark = #lines.#product.#mark + :pieces, \
                 #lines.#product.#name = :name, #lines.#product.#price = :price, \
                 #lines.#product.#currency = :currency, #revision = :revision, #expires_at = :expires_at",
            )
            .condition_expression("#lines.#product.#quantity <= :room AND #expires_at > :now")
            .expression_attribute_names("#lines", LINES)
            .expression_attribute_names("#product", product.id.as_str())
            .expression_attribute_names("#quantity", QUANTITY)
            .expression_attribute_names("#mark", MARK)
            .expression_attribute_names("#name", NAME)
            .expression_attribute_names("#price", PRICE)
            .expression_attribute_names("#currency", CURRENCY)
            .expression_attribute_names("#revision", REVISION)
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":pieces", item::number(pieces.get()))
            .expression_attribute_values(":room", item::number(MAX_QUANTITY - pieces.get()))
            .expression_attribute_values(":name", item::text(name))
            .expression_attribute_values(":price", item::number(price.amount))
            .expression_attribute_values(":currency", item::text(price.currency.code()))
            .expression_attribute_values(":revision", row::new_revision())
            .expression_attribute_values(":expires_at", item::number(expiry(now).unix_timestamp()))
            .expression_attribute_values(":now", item::number(now.unix_timestamp()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }
}

impl Found {
    /// What was there when the condition of a write did not hold.
    fn rejected(rejections: &Rejections, index: usize, now: OffsetDateTime) -> Result<Self, StoreError> {
        Self::read(rejections.at(index).filter(|row| !row.is_empty()), now)
    }
}

fn key(id: &CartId) -> Item {
    Item::from([(ID.to_owned(), AttributeValue::S(id.to_string()))])
}

fn expiry(now: OffsetDateTime) -> OffsetDateTime {
    now + LIFETIME
}

/// Where the mark of a line starts that is made now.
fn mark(now: OffsetDateTime) -> Mark {
    Mark::new(u64::try_from(now.unix_timestamp_nanos()).unwrap_or_default())
}

fn contended() -> StoreError {
    StoreError::Contended { service: Service::DynamoDb }
}
