//! Selling what was given back, to a customer whose money came late.

use kassa_domain::{Line, OrderId};

use super::state::{Decision, Operation, decide};
use super::{DECISIONS, ReservationError, Reservations};
use crate::dynamodb::transaction::{self, Written};
use crate::error::{Service, StoreError};
use crate::products::SOLD;

/// What came of reviving a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revived {
    /// All pieces are sold, now or by an earlier attempt.
    Sold,
    /// Not all pieces are there any more, or none were ever held.
    Gone,
}

impl Reservations {
    /// Sells the pieces of `lines` that were held for an order and given back, in one transaction, if all of them are still
    /// available.
    pub async fn revive(&self, order_id: &OrderId, lines: &[Line]) -> Result<Revived, ReservationError> {
        for _ in 0..DECISIONS {
            let found = self.get(order_id).await?;
            let transition = match decide(Operation::Revive, found.as_ref().map(|found| found.status)) {
                Decision::Done => return Ok(Revived::Sold),
                Decision::Move(transition) => transition,
                Decision::Close { .. } | Decision::ShutOut | Decision::NotReserved | Decision::StillSold => {
                    return Ok(Revived::Gone);
                }
            };
            // A reservation that was closed before anything was held has no lines.
            if found.is_none_or(|found| found.lines != lines) {
                return Ok(Revived::Gone);
            }
            let row = self.moved_row(order_id, transition.from, transition.to);
            let taken = lines.iter().map(|line| self.taken(line, SOLD));
            let writes = std::iter::once(row).chain(taken).collect();
            match transaction::write(&self.dynamodb, writes).await? {
                Written::Committed => return Ok(Revived::Sold),
                // Somebody else moved the reservation after it was read: decide again by where it is now.
                Written::Rejected(rejections) if rejections.at(0).is_some() => {}
                Written::Rejected(_) => return Ok(Revived::Gone),
            }
        }
        Err(StoreError::Contended { service: Service::DynamoDb }.into())
    }

    /// Gives back what was revived. From then on it cannot be revived.
    pub async fn forgo(&self, order_id: &OrderId) -> Result<(), ReservationError> {
        self.operate(order_id, Operation::Forgo).await
    }
}
