//! Sending paid orders to their customers.

use kassa_domain::{Caller, EmailAddress, Fulfilment, Label, OrderId, OrderStatus, Parcel};
use serde::Deserialize;

use super::{ATTEMPTS, OrderError, Orders, contended, illegal, statuses_before};
use crate::database::Parameters;

/// An order that took a step to its customer, and what is needed to tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilled {
    /// Who bought.
    pub caller: Caller,
    /// Where mail goes.
    pub email: EmailAddress,
    /// The number of the event that tells of it; the same however often it is asked for.
    pub event_sequence: u32,
}

impl Orders {
    /// Takes a step of the order's way to its customer. An order that has taken it before stays as it is.
    pub async fn fulfil(&self, order_id: &OrderId, step: &Fulfilment) -> Result<Fulfilled, OrderError> {
        let next = step.status();
        for _ in 0..ATTEMPTS {
            let parameters = Parameters::new()
                .text("order_id", order_id.as_str())
                .text("from_statuses", statuses_before(next, |_| true));
            let (sql, parameters) = match step {
                Fulfilment::Ship { parcel } => (include_str!("ship.sql"), shipping(parameters, parcel)),
                Fulfilment::Deliver => (include_str!("deliver.sql"), parameters),
            };
            let found: Vec<FulfilledRow> = self.database.query(sql, parameters).await?;
            let Some(found) = found.into_iter().next() else {
                return Err(OrderError::UnknownOrder(order_id.clone()));
            };
            match found.event_sequence {
                Some(event_sequence) if found.same => {
                    return Ok(Fulfilled { caller: found.caller, email: found.email, event_sequence });
                }
                Some(_) => return Err(OrderError::OtherParcel { order_id: order_id.clone() }),
                // Somebody else changed the order after this statement had begun: look again.
                None if found.status.can_become(next) => {}
                None => return Err(illegal(order_id, found.status, next)),
            }
        }
        Err(contended())
    }
}

fn shipping(parameters: Parameters, parcel: &Parcel) -> Parameters {
    let detail = serde_json::to_string(parcel).expect("a parcel is two texts");
    parameters
        .optional_text("carrier", parcel.carrier.as_ref().map(Label::as_str))
        .optional_text("tracking_number", parcel.tracking_number.as_ref().map(Label::as_str))
        .text("detail", detail)
}

#[derive(Deserialize)]
struct FulfilledRow {
    status: OrderStatus,
    caller: Caller,
    email: EmailAddress,
    event_sequence: Option<u32>,
    same: bool,
}
