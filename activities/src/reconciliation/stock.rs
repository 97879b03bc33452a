//! The counters of products against what was received, and against the reservations.
//!
//! Counters and reservations are changed in one transaction, so at every instant they agree; but they cannot be read in one
//! instant. A reservation that moved a while before its product was read, and has not moved since, counted when the product
//! was read. One that was made afterwards did not. Of any other it cannot be known, so the counters may be anything that it
//! allows: what is found outside of that is wrong, whatever happens at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use kassa_domain::ProductId;
use kassa_store::products::{CountedProduct, StockMovement};
use kassa_store::reservations::{Reservation, ReservationStatus};
use kassa_workflows::contracts::reconciliation::{ComparePage, Compared, Finding, FindingKind};
use time::OffsetDateTime;

use super::{Reconciliation, ReconciliationError, StoreError, count};

/// How many products are counted in one pass over all reservations.
const PRODUCTS: usize = 1000;

/// The longest that a transaction may take from the time that it bears to the moment at which it counts, with all its
/// repetitions, and clocks may differ. The grace period, if that is shorter.
const SLACK: Duration = Duration::from_mins(2);

/// How many movements of a product are read at once.
const MOVEMENTS: usize = 100;

/// When the counters were read: between these two times, as far as whoever wrote the other times goes by the same clock and
/// was done with writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: OffsetDateTime,
    to: OffsetDateTime,
}

/// What counters may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bounds {
    low: i64,
    high: i64,
}

/// What the counters of a product may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Expected {
    received: Bounds,
    reserved: Bounds,
    sold: Bounds,
}

impl Bounds {
    /// Something that counted.
    fn certainly(&mut self, pieces: i64) {
        self.low += pieces;
        self.high += pieces;
    }

    /// Something that may have counted.
    fn perhaps(&mut self, pieces: i64) {
        self.low += pieces.min(0);
        self.high += pieces.max(0);
    }

    fn allow(self, found: u64) -> bool {
        i64::try_from(found).is_ok_and(|found| (self.low..=self.high).contains(&found))
    }
}

impl Expected {
    /// Counts a reservation of this many pieces.
    fn reservation(&mut self, reservation: &Reservation, pieces: i64, window: Window) {
        if reservation.created_at > window.to {
            return;
        }
        if reservation.updated_at >= window.from {
            self.reserved.perhaps(pieces);
            self.sold.perhaps(pieces);
            return;
        }
        match reservation.status {
            ReservationStatus::Reserved => self.reserved.certainly(pieces),
            ReservationStatus::Sold => self.sold.certainly(pieces),
            ReservationStatus::Released | ReservationStatus::Restocked => {}
        }
    }

    /// Counts stock that came in, or was taken out.
    fn movement(&mut self, movement: &StockMovement, window: Window) {
        if movement.at > window.to {
            return;
        }
        if movement.at >= window.from {
            self.received.perhaps(movement.change.get());
        } else {
            self.received.certainly(movement.change.get());
        }
    }

    /// What does not agree with the counters of a product.
    fn judge(&self, counted: &CountedProduct) -> Option<Finding> {
        let stock = counted.stock;
        let differences = [
            ("available, reserved and sold together", stock.received(), "received", self.received),
            ("reserved", stock.reserved, "held by open reservations", self.reserved),
            ("sold", stock.sold, "sold by reservations", self.sold),
        ];
        let differences = differences.into_iter().filter(|(_, found, _, bounds)| !bounds.allow(*found));
        // Without the numbers that move with every order: the same fault keeps its name.
        let differences: Vec<_> = differences
            .map(|(what, found, by, bounds)| format!("{what}: {} than {by}", difference(found, bounds)))
            .collect();
        let detail = differences.join("; ");
        (!detail.is_empty()).then(|| Finding::new(FindingKind::StockDiffers, detail).product(&counted.product_id))
    }
}

/// By how much at least.
fn difference(found: u64, bounds: Bounds) -> String {
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    if found > bounds.high { format!("{} more", found - bounds.high) } else { format!("{} fewer", bounds.low - found) }
}

impl Reconciliation {
    pub(super) async fn compare_stock(&self, page: &ComparePage) -> Result<Compared, ReconciliationError> {
        let after = page.cursor.as_deref().map(str::parse).transpose().map_err(|_| ReconciliationError::Cursor)?;
        let before = OffsetDateTime::now_utc();
        let counted = self.products.counters(PRODUCTS, after.as_ref()).await?;
        // A transaction bears the time at which it was begun, by the clock of whoever began it.
        let slack = SLACK.min(Duration::from_millis(page.grace_ms));
        let window = Window { from: before - slack, to: OffsetDateTime::now_utc() + slack };

        let mut expected: BTreeMap<ProductId, Expected> =
            counted.products.iter().map(|product| (product.product_id.clone(), Expected::default())).collect();
        self.count_reservations(&mut expected, window).await?;
        for (product, expected) in &mut expected {
            self.count_movements(product, expected, window).await?;
        }
        let findings = counted.products.iter().filter_map(|product| expected[&product.product_id].judge(product));
        Ok(Compared {
            checked: count(&counted.products),
            findings: findings.collect(),
            next: counted.next.map(|product| product.to_string()),
        })
    }

    /// Goes through all reservations. Those that have ended only count while it is not known since when.
    async fn count_reservations(
        &self,
        expected: &mut BTreeMap<ProductId, Expected>,
        window: Window,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.reservations.all(&ReservationStatus::ALL, after.as_ref()).await?;
            for reservation in &page.reservations {
                for line in &reservation.lines {
                    if let Some(expected) = expected.get_mut(&line.product_id) {
                        expected.reservation(reservation, line.quantity.get().into(), window);
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn count_movements(
        &self,
        product: &ProductId,
        expected: &mut Expected,
        window: Window,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.products.movements(product, MOVEMENTS, after.as_ref()).await?;
            for movement in &page.movements {
                expected.movement(movement, window);
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kassa_domain::StockLevel;
    use time::Duration as Span;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn window() -> Window {
        Window { from: NOW - Span::seconds(10), to: NOW + Span::seconds(10) }
    }

    fn reservation(status: ReservationStatus, created: i64, updated: i64) -> Reservation {
        Reservation {
            order_id: "ord_1".parse().expect("an id"),
            status,
            lines: Vec::new(),
            created_at: NOW + Span::seconds(created),
            updated_at: NOW + Span::seconds(updated),
        }
    }

    fn found(expected: &Expected, available: u64, reserved: u64, sold: u64) -> Option<String> {
        let stock = StockLevel { available, reserved, sold };
        let product = CountedProduct { product_id: "prod_1".parse().expect("an id"), stock };
        expected.judge(&product).map(|finding| finding.detail)
    }

    fn expecting(reservations: &[Reservation]) -> Expected {
        let mut expected = Expected::default();
        expected.received.certainly(10);
        for reservation in reservations {
            expected.reservation(reservation, 2, window());
        }
        expected
    }

    #[test]
    fn what_is_settled_counts_exactly() {
        let settled = [
            reservation(ReservationStatus::Reserved, -60, -60),
            reservation(ReservationStatus::Sold, -90, -60),
            reservation(ReservationStatus::Restocked, -90, -60),
        ];
        assert_eq!(found(&expecting(&settled), 6, 2, 2), None);
        assert_eq!(
            found(&expecting(&settled), 7, 1, 2).as_deref(),
            Some("reserved: 1 fewer than held by open reservations")
        );
        let lost = found(&expecting(&settled), 5, 2, 2).expect("a piece is lost");
        assert_eq!(lost, "available, reserved and sold together: 1 fewer than received");
    }

    #[test]
    fn what_moves_meanwhile_allows_every_way_it_may_have_been() {
        for status in ReservationStatus::ALL {
            let moving = [reservation(status, -60, 0)];
            for (available, reserved, sold) in [(10, 0, 0), (8, 2, 0), (8, 0, 2)] {
                assert_eq!(found(&expecting(&moving), available, reserved, sold), None, "{status:?}");
            }
            assert!(found(&expecting(&moving), 7, 3, 0).is_some(), "{status:?}");
        }
    }

    #[test]
    fn what_was_made_afterwards_does_not_count() {
        assert_eq!(found(&expecting(&[reservation(ReservationStatus::Sold, 20, 30)]), 10, 0, 0), None);
    }

    #[test]
    fn what_moved_after_the_counters_were_read_may_have_been_anywhere() {
        let moved = [reservation(ReservationStatus::Sold, -60, 30)];
        assert_eq!(found(&expecting(&moved), 8, 2, 0), None);
    }
}
