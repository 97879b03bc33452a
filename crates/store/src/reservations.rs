//! What is held for an order, from reserving it to selling it or giving it back.
//!
//! The row of an order is the guard: each move is one transaction that changes the row from one status to the next
//! together with the counters of all its products, so none can happen twice or in part.

mod revive;
mod scan;
mod state;

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use kassa_domain::{Line, OrderId, ProductId, Quantity};
use time::OffsetDateTime;

pub use revive::Revived;
pub use scan::ReservationPage;
pub use state::ReservationStatus;
use state::{Decision, Operation, Transition, decide};

use crate::dynamodb::DynamoDb;
use crate::dynamodb::item::{self, Item};
use crate::dynamodb::transaction::{self, Rejections, Written};
use crate::error::{Service, StoreError};
use crate::products::{self, AVAILABLE, DELETED_AT, PRODUCT_ID, RESERVED};

pub(crate) const ORDER_ID: &str = "order_id";
const STATUS: &str = "status";
const LINES: &str = "lines";
const QUANTITY: &str = "quantity";
const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";

/// How often an operation looks again after somebody else moved the reservation in between. A reservation has no more
/// than two moves in its life.
const DECISIONS: u32 = 4;

/// Access to the reservations. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Reservations {
    dynamodb: DynamoDb,
}

/// What is, or was, held for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The order.
    pub order_id: OrderId,
    /// Where it is.
    pub status: ReservationStatus,
    /// The pieces; none if it was closed before any were held.
    pub lines: Vec<Line>,
    /// When the row was written.
    pub created_at: OffsetDateTime,
    /// When it moved last.
    pub updated_at: OffsetDateTime,
}

/// What came of reserving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// All pieces are held, now or by an earlier attempt, or even sold by now.
    Held,
    /// Nothing is held, because of these lines.
    OutOfStock(Vec<Shortage>),
}

/// A line that asked for more than there was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The product.
    pub product_id: ProductId,
    /// Pieces asked for.
    pub requested: u32,
    /// Pieces there were; none of a product that the catalogue does not have.
    pub available: u64,
}

/// Why a reservation did not move.
#[derive(Debug, thiserror::Error)]
pub enum ReservationError {
    /// The order has been undone, so nothing will be held for it any more.
    #[error("the reservation of {order_id} is closed: it is {}", .status.as_str())]
    Closed {
        /// The order.
        order_id: OrderId,
        /// How it was closed.
        status: ReservationStatus,
    },
    /// The order holds other lines than those asked for.
    #[error("{order_id} has a reservation of other lines")]
    OtherLines {
        /// The order.
        order_id: OrderId,
    },
    /// What is not held cannot be sold.
    #[error("nothing is reserved for {order_id}: its reservation {}", .status.map_or("does not exist", ReservationStatus::as_str))]
    NotReserved {
        /// The order.
        order_id: OrderId,
        /// Where its reservation is, if there is one.
        status: Option<ReservationStatus>,
    },
    /// What is sold cannot be released: it has to be restocked first.
    #[error("the reservation of {order_id} is SOLD and cannot be released")]
    StillSold {
        /// The order.
        order_id: OrderId,
    },
    /// The counters of a product deny what a reservation claims. Somebody changed them by hand.
    #[error("the counters of {product_id} do not cover what is held for {order_id}")]
    CountersDisagree {
        /// The order.
        order_id: OrderId,
        /// The first such product.
        product_id: ProductId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReservationError {
    /// Whether the same call may well succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Closed { .. }
            | Self::OtherLines { .. }
            | Self::NotReserved { .. }
            | Self::StillSold { .. }
            | Self::CountersDisagree { .. } => false,
        }
    }
}

impl Reservations {
    /// Uses the tables of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// Holds all pieces of `lines` for an order, or none. No product may appear in two lines.
    pub async fn reserve(&self, order_id: &OrderId, lines: &[Line]) -> Result<ReserveOutcome, ReservationError> {
        let mut writes = vec![self.new_row(order_id, ReservationStatus::Reserved, lines)];
        writes.extend(lines.iter().map(|line| self.hold(line)));
        let rejections = match transaction::write(&self.dynamodb, writes).await? {
            Written::Committed => return Ok(ReserveOutcome::Held),
            Written::Rejected(rejections) => rejections,
        };
        if rejections.at(0).is_some() {
            return self.held_before(order_id, lines).await;
        }
        Ok(ReserveOutcome::OutOfStock(shortages(lines, &rejections)?))
    }

    /// What an earlier attempt to reserve came to.
    async fn held_before(&self, order_id: &OrderId, lines: &[Line]) -> Result<ReserveOutcome, ReservationError> {
        let Some(found) = self.get(order_id).await? else {
            return Err(StoreError::Contended { service: Service::DynamoDb }.into());
        };
        match found.status {
            ReservationStatus::Reserved | ReservationStatus::Sold if found.lines == lines => Ok(ReserveOutcome::Held),
            ReservationStatus::Reserved | ReservationStatus::Sold => {
                Err(ReservationError::OtherLines { order_id: order_id.clone() })
            }
            status @ (ReservationStatus::Released | ReservationStatus::Restocked) => {
                Err(ReservationError::Closed { order_id: order_id.clone(), status })
            }
        }
    }

    /// Gives back what is held. If nothing is, it sees to it that nothing will be: a `reserve` that arrives later
    /// fails with [`ReservationError::Closed`].
    pub async fn release(&self, order_id: &OrderId) -> Result<(), ReservationError> {
        self.operate(order_id, Operation::Release).await
    }

    /// Turns what is held into what is sold.
    pub async fn deduct(&self, order_id: &OrderId) -> Result<(), ReservationError> {
        self.operate(order_id, Operation::Deduct).await
    }

    /// Gives back what is sold. What is only held is released, so that it cannot be sold any more.
    pub async fn restock(&self, order_id: &OrderId) -> Result<(), ReservationError> {
        self.operate(order_id, Operation::Restock).await
    }

    /// The reservation of an order, as it is at this moment.
    pub async fn get(&self, order_id: &OrderId) -> Result<Option<Reservation>, StoreError> {
        let answer = self
            .dynamodb
            .client
            .get_item()
            .table_name(self.dynamodb.tables.reservations())
            .set_key(Some(key(order_id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        answer.item().map(from_item).transpose()
    }

    async fn operate(&self, order_id: &OrderId, operation: Operation) -> Result<(), ReservationError> {
        for _ in 0..DECISIONS {
            let found = self.get(order_id).await?;
            let status = found.as_ref().map(|found| found.status);
            let lines = found.map(|found| found.lines).unwrap_or_default();
            let writes = match decide(operation, status) {
                Decision::Done => return Ok(()),
                Decision::NotReserved => {
                    return Err(ReservationError::NotReserved { order_id: order_id.clone(), status });
                }
                Decision::StillSold => return Err(ReservationError::StillSold { order_id: order_id.clone() }),
                Decision::ShutOut => vec![self.new_row(order_id, ReservationStatus::Released, &[])],
                Decision::Move(transition) => self.transition(order_id, &lines, transition),
                Decision::Close { from, to } => vec![self.moved_row(order_id, from, to)],
            };
            let rejections = match transaction::write(&self.dynamodb, writes).await? {
                Written::Committed => return Ok(()),
                Written::Rejected(rejections) => rejections,
            };
            if rejections.at(0).is_none() {
                let disagrees = lines.iter().enumerate().find(|(index, _)| rejections.at(index + 1).is_some());
                if let Some((_, line)) = disagrees {
                    return Err(ReservationError::CountersDisagree {
                        order_id: order_id.clone(),
                        product_id: line.product_id.clone(),
                    });
                }
            }
            // Somebody else moved the reservation after it was read: decide again by where it is now.
        }
        Err(StoreError::Contended { service: Service::DynamoDb }.into())
    }

    fn transition(&self, order_id: &OrderId, lines: &[Line], transition: Transition) -> Vec<TransactWriteItem> {
        let row = self.moved_row(order_id, transition.from, transition.to);
        let counters = lines.iter().map(|line| self.counters(line, transition.take_from, transition.give_to));
        std::iter::once(row).chain(counters).collect()
    }

    fn moved_row(&self, order_id: &OrderId, from: ReservationStatus, to: ReservationStatus) -> TransactWriteItem {
        let row = Update::builder()
            .table_name(self.dynamodb.tables.reservations())
            .set_key(Some(key(order_id)))
            .update_expression("SET #status = :to, #updated_at = :now")
            .condition_expression("#status = :from")
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_names("#updated_at", UPDATED_AT)
            .expression_attribute_values(":from", item::text(from.as_str()))
            .expression_attribute_values(":to", item::text(to.as_str()))
            .expression_attribute_values(":now", item::timestamp(OffsetDateTime::now_utc()))
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(row).build()
    }

    fn new_row(&self, order_id: &OrderId, status: ReservationStatus, lines: &[Line]) -> TransactWriteItem {
        let now = item::timestamp(OffsetDateTime::now_utc());
        let lines = lines.iter().map(|line| {
            AttributeValue::M(Item::from([
                (PRODUCT_ID.to_owned(), item::text(line.product_id.as_str())),
                (QUANTITY.to_owned(), item::number(line.quantity.get())),
            ]))
        });
        let row = Item::from([
            (ORDER_ID.to_owned(), item::text(order_id.as_str())),
            (STATUS.to_owned(), item::text(status.as_str())),
            (LINES.to_owned(), AttributeValue::L(lines.collect())),
            (CREATED_AT.to_owned(), now.clone()),
            (UPDATED_AT.to_owned(), now),
        ]);
        let put = Put::builder()
            .table_name(self.dynamodb.tables.reservations())
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(order_id)")
            .build()
            .expect("table and row are set");
        TransactWriteItem::builder().put(put).build()
    }

    /// Reserves the pieces of a line, if there are that many and its product has not been deleted.
    fn hold(&self, line: &Line) -> TransactWriteItem {
        self.taken(line, RESERVED)
    }

    /// Takes available pieces of a line, if there are that many and its product has not been deleted.
    fn taken(&self, line: &Line, give_to: &str) -> TransactWriteItem {
        let update = self
            .moved(line, AVAILABLE, give_to)
            .condition_expression("#take_from >= :quantity AND attribute_not_exists(#deleted_at)")
            .expression_attribute_names("#deleted_at", DELETED_AT);
        built(update)
    }

    /// Moves the pieces of a line from one counter of its product to another, if there are that many. What was sold of a
    /// product comes back to it even after it has been deleted.
    fn counters(&self, line: &Line, take_from: &str, give_to: &str) -> TransactWriteItem {
        // A product that does not exist has no attribute to compare.
        built(self.moved(line, take_from, give_to).condition_expression("#take_from >= :quantity"))
    }

    fn moved(&self, line: &Line, take_from: &str, give_to: &str) -> UpdateBuilder {
        Update::builder()
            .table_name(self.dynamodb.tables.products())
            .set_key(Some(products::key(&line.product_id)))
            .update_expression("SET #take_from = #take_from - :quantity, #give_to = #give_to + :quantity")
            .expression_attribute_names("#take_from", take_from)
            .expression_attribute_names("#give_to", give_to)
            .expression_attribute_values(":quantity", item::number(line.quantity.get()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

fn built(update: UpdateBuilder) -> TransactWriteItem {
    let update = update.build().expect("table, key and expression are set");
    TransactWriteItem::builder().update(update).build()
}

/// The lines that could not be served. Write 0 of the transaction was the row of the reservation.
fn shortages(lines: &[Line], rejections: &Rejections) -> Result<Vec<Shortage>, StoreError> {
    let mut shortages = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(product) = rejections.at(index + 1) else { continue };
        let available = if product.is_empty() || product.contains_key(DELETED_AT) {
            0
        } else {
            item::read_number(product, AVAILABLE)?
        };
        let requested = line.quantity.get();
        shortages.push(Shortage { product_id: line.product_id.clone(), requested, available });
    }
    Ok(shortages)
}

fn key(order_id: &OrderId) -> Item {
    Item::from([(ORDER_ID.to_owned(), item::text(order_id.as_str()))])
}

fn from_item(row: &Item) -> Result<Reservation, StoreError> {
    let unknown = |name: &str| StoreError::corrupt(format!("attribute `{name}` of a reservation has an unknown form"));
    let lines = row
        .get(LINES)
        .and_then(|lines| lines.as_l().ok())
        .ok_or_else(|| unknown(LINES))?
        .iter()
        .map(|line| {
            let line = line.as_m().map_err(|_| unknown(LINES))?;
            let quantity = Quantity::new(item::read_number(line, QUANTITY)?).map_err(|_| unknown(QUANTITY))?;
            Ok(Line { product_id: item::read(line, PRODUCT_ID)?, quantity })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Reservation {
        order_id: item::read(row, ORDER_ID)?,
        status: ReservationStatus::parse(item::read_text(row, STATUS)?).ok_or_else(|| unknown(STATUS))?,
        lines,
        created_at: item::read_timestamp(row, CREATED_AT)?,
        updated_at: item::read_timestamp(row, UPDATED_AT)?,
    })
}
