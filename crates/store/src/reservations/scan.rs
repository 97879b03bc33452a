//! All reservations, for whoever goes through them.

use kassa_domain::OrderId;

use super::{ORDER_ID, Reservation, ReservationStatus, Reservations, STATUS, from_item, key};
use crate::dynamodb::item;
use crate::error::StoreError;

/// Some reservations, in no order that would mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationPage {
    /// The reservations.
    pub reservations: Vec<Reservation>,
    /// After which one the next page starts, if there is more.
    pub next: Option<OrderId>,
}

impl Reservations {
    /// A page of the reservations that are at one of these statuses, each as it is when it is read. A reservation that is
    /// there before the first page is read, and stays at such a status, is on one of the pages.
    pub async fn all(
        &self,
        statuses: &[ReservationStatus],
        after: Option<&OrderId>,
    ) -> Result<ReservationPage, StoreError> {
        let places: Vec<_> = (0..statuses.len()).map(|place| format!(":status{place}")).collect();
        let mut scan = self
            .dynamodb
            .client
            .scan()
            .table_name(self.dynamodb.tables.reservations())
            .consistent_read(true)
            .filter_expression(format!("#status IN ({})", places.join(", ")))
            .expression_attribute_names("#status", STATUS)
            .set_exclusive_start_key(after.map(key));
        for (place, status) in places.into_iter().zip(statuses) {
            scan = scan.expression_attribute_values(place, item::text(status.as_str()));
        }
        let answer = scan.send().await.map_err(StoreError::dynamodb)?;
        Ok(ReservationPage {
            reservations: answer.items().iter().map(from_item).collect::<Result<_, _>>()?,
            next: answer.last_evaluated_key().map(|last| item::read(last, ORDER_ID)).transpose()?,
        })
    }
}
