//! Stock and reservations in DynamoDB.

use std::sync::Arc;

use kassa_store::Reservations;
use kassa_store::reservations::{ReservationError, ReserveOutcome};
use kassa_workflows::contracts::inventory::{self as contract, Reservation, Reserve, Reserved, Shortage};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::error::{Classified, activity_error};

/// The activities of the inventory.
#[derive(Debug)]
pub struct Inventory {
    reservations: Reservations,
}

impl Classified for ReservationError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "StoreError",
            Self::Closed { .. } => "ReservationClosed",
            _ => "ReservationRefused",
        }
    }

    fn is_retryable(&self) -> bool {
        self.is_retryable()
    }
}

impl Inventory {
    /// The activities over the reservations.
    pub fn new(reservations: Reservations) -> Self {
        Self { reservations }
    }
}

#[activities]
impl Inventory {
    /// Moves pieces from available to reserved, for every line or for none.
    #[activity(definition = contract::definitions::Reserve)]
    pub async fn reserve(self: Arc<Self>, _ctx: ActivityContext, input: Reserve) -> Result<Reserved, ActivityError> {
        let outcome = self.reservations.reserve(&input.order_id, &input.lines).await;
        match outcome.map_err(|error| activity_error(&error))? {
            ReserveOutcome::Held => Ok(Reserved::Held),
            ReserveOutcome::OutOfStock(shortages) => Ok(Reserved::OutOfStock {
                shortages: shortages
                    .into_iter()
                    .map(|short| Shortage {
                        product_id: short.product_id,
                        requested: short.requested,
                        available: short.available,
                    })
                    .collect(),
            }),
        }
    }

    /// Moves what is still reserved back to available; also shuts out a reservation that arrives later.
    #[activity(definition = contract::definitions::Release)]
    pub async fn release(self: Arc<Self>, _ctx: ActivityContext, input: Reservation) -> Result<(), ActivityError> {
        self.reservations.release(&input.order_id).await.map_err(|error| activity_error(&error))
    }

    /// Moves pieces from reserved to sold.
    #[activity(definition = contract::definitions::Deduct)]
    pub async fn deduct(self: Arc<Self>, _ctx: ActivityContext, input: Reservation) -> Result<(), ActivityError> {
        self.reservations.deduct(&input.order_id).await.map_err(|error| activity_error(&error))
    }

    /// Moves pieces from sold back to available; what was only held, too, so that it cannot be sold later.
    #[activity(definition = contract::definitions::Restock)]
    pub async fn restock(self: Arc<Self>, _ctx: ActivityContext, input: Reservation) -> Result<(), ActivityError> {
        self.reservations.restock(&input.order_id).await.map_err(|error| activity_error(&error))
    }
}
