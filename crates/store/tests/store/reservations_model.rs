//! Random operations on a few orders and products, against a model that does the same in memory.

use std::collections::BTreeMap;

use kassa_domain::{Line, OrderId, ProductId};
use kassa_store::products::ReceiveStockError;
use kassa_store::reservations::{ReservationError, ReserveOutcome, Revived};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::support::Shop;
use crate::support::dynamodb::{line, receipt};

const PRODUCTS: usize = 3;
const ORDERS: usize = 4;

/// How many pieces of each product an order is about; none of a product leaves it out.
type Pieces = [i64; PRODUCTS];

#[derive(Debug, Clone)]
enum Operation {
    Reserve(usize, Pieces),
    Release(usize),
    Deduct(usize),
    Restock(usize),
    Revive(usize, Pieces),
    Forgo(usize),
    Receive(usize, i64),
}

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    OutOfStock,
    Closed,
    OtherLines,
    NotReserved,
    StillSold,
    NotEnough,
    Gone,
}

fn pieces() -> impl Strategy<Value = Pieces> + Clone {
    prop::array::uniform3(0_i64..4).prop_filter("an order has lines", |pieces| pieces.iter().any(|pieces| *pieces > 0))
}

fn operations() -> impl Strategy<Value = Vec<(Operation, bool)>> {
    prop::array::uniform4(pieces()).prop_flat_map(|usual: [Pieces; ORDERS]| {
        let order = 0..ORDERS;
        // Mostly an order stays what it was about.
        let about = (order.clone(), prop::option::weighted(0.1, pieces()))
            .prop_map(move |(order, other)| (order, other.unwrap_or(usual[order])));
        let operation = prop_oneof![
            4 => about.clone().prop_map(|(order, pieces)| Operation::Reserve(order, pieces)),
            3 => order.clone().prop_map(Operation::Release),
            3 => order.clone().prop_map(Operation::Deduct),
            2 => order.clone().prop_map(Operation::Restock),
            3 => about.prop_map(|(order, pieces)| Operation::Revive(order, pieces)),
            1 => order.prop_map(Operation::Forgo),
            3 => (0..PRODUCTS, (-3_i64..6).prop_filter("a change", |change| *change != 0))
                .prop_map(|(product, change)| Operation::Receive(product, change)),
        ];
        // The flag says whether the operation is sent twice.
        prop::collection::vec((operation, any::<bool>()), 1..30)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Reserved(Pieces),
    Sold(Pieces),
    /// Given back before it was sold, or never held: then it was about nothing.
    Released(Pieces),
    Restocked,
}

/// Counters are available, reserved, sold.
#[derive(Debug, Default, Clone)]
struct Model {
    products: [[i64; 3]; PRODUCTS],
    orders: BTreeMap<usize, Held>,
}

impl Model {
    fn move_pieces(&mut self, pieces: Pieces, from: usize, to: usize) {
        for (product, pieces) in self.products.iter_mut().zip(pieces) {
            product[from] -= pieces;
            product[to] += pieces;
        }
    }

    fn are_available(&self, wanted: Pieces) -> bool {
        self.products.iter().zip(wanted).all(|(product, pieces)| product[0] >= pieces)
    }

    fn apply(&mut self, operation: &Operation) -> Outcome {
        match *operation {
            Operation::Reserve(order, wanted) => match self.orders.get(&order) {
                Some(Held::Reserved(pieces) | Held::Sold(pieces)) if *pieces == wanted => Outcome::Done,
                Some(Held::Reserved(_) | Held::Sold(_)) => Outcome::OtherLines,
                Some(Held::Released(_) | Held::Restocked) => Outcome::Closed,
                None if !self.are_available(wanted) => Outcome::OutOfStock,
                None => {
                    self.move_pieces(wanted, 0, 1);
                    self.orders.insert(order, Held::Reserved(wanted));
                    Outcome::Done
                }
            },
            Operation::Release(order) => match self.orders.get(&order).copied() {
                Some(Held::Sold(_)) => Outcome::StillSold,
                Some(Held::Reserved(pieces)) => {
                    self.move_pieces(pieces, 1, 0);
                    self.orders.insert(order, Held::Released(pieces));
                    Outcome::Done
                }
                Some(Held::Released(_) | Held::Restocked) => Outcome::Done,
                None => {
                    self.orders.insert(order, Held::Released([0; PRODUCTS]));
                    Outcome::Done
                }
            },
            Operation::Deduct(order) => match self.orders.get(&order).copied() {
                Some(Held::Reserved(pieces)) => {
                    self.move_pieces(pieces, 1, 2);
                    self.orders.insert(order, Held::Sold(pieces));
                    Outcome::Done
                }
                Some(Held::Sold(_)) => Outcome::Done,
                Some(Held::Released(_) | Held::Restocked) | None => Outcome::NotReserved,
            },
            Operation::Restock(order) => {
                match self.orders.get(&order).copied() {
                    Some(Held::Sold(pieces)) => {
                        self.move_pieces(pieces, 2, 0);
                        self.orders.insert(order, Held::Restocked);
                    }
                    Some(Held::Reserved(pieces)) => {
                        self.move_pieces(pieces, 1, 0);
                        self.orders.insert(order, Held::Released(pieces));
                    }
                    Some(Held::Released(_) | Held::Restocked) | None => {}
                }
                Outcome::Done
            }
            Operation::Revive(order, wanted) => match self.orders.get(&order).copied() {
                Some(Held::Sold(_)) => Outcome::Done,
                Some(Held::Released(pieces)) if pieces == wanted && self.are_available(pieces) => {
                    self.move_pieces(pieces, 0, 2);
                    self.orders.insert(order, Held::Sold(pieces));
                    Outcome::Done
                }
                Some(Held::Released(_) | Held::Reserved(_) | Held::Restocked) | None => Outcome::Gone,
            },
            Operation::Forgo(order) => {
                match self.orders.get(&order).copied() {
                    Some(Held::Sold(pieces)) => self.move_pieces(pieces, 2, 0),
                    Some(Held::Released(_)) => {}
                    Some(Held::Reserved(_) | Held::Restocked) | None => return Outcome::Done,
                }
                self.orders.insert(order, Held::Restocked);
                Outcome::Done
            }
            Operation::Receive(product, change) => {
                if self.products[product][0] + change < 0 {
                    return Outcome::NotEnough;
                }
                self.products[product][0] += change;
                Outcome::Done
            }
        }
    }
}

struct World {
    shop: Shop,
    products: Vec<ProductId>,
}

impl World {
    fn lines(&self, pieces: &Pieces) -> Vec<Line> {
        let lines = self.products.iter().zip(pieces).filter(|(_, pieces)| **pieces > 0);
        lines.map(|(product, pieces)| line(product, *pieces)).collect()
    }

    async fn apply(&self, number: usize, operation: &Operation) -> Outcome {
        let reservations = &self.shop.reservations;
        let order = |order: usize| -> OrderId { format!("ord_{order}").parse().unwrap() };
        let result = match operation {
            Operation::Reserve(number, pieces) => {
                match reservations.reserve(&order(*number), &self.lines(pieces)).await {
                    Ok(ReserveOutcome::Held) => Ok(()),
                    Ok(ReserveOutcome::OutOfStock(_)) => return Outcome::OutOfStock,
                    Err(error) => Err(error),
                }
            }
            Operation::Revive(number, pieces) => {
                match reservations.revive(&order(*number), &self.lines(pieces)).await {
                    Ok(Revived::Sold) => Ok(()),
                    Ok(Revived::Gone) => return Outcome::Gone,
                    Err(error) => Err(error),
                }
            }
            Operation::Forgo(number) => reservations.forgo(&order(*number)).await,
            Operation::Release(number) => reservations.release(&order(*number)).await,
            Operation::Deduct(number) => reservations.deduct(&order(*number)).await,
            Operation::Restock(number) => reservations.restock(&order(*number)).await,
            Operation::Receive(product, change) => {
                let receipt = receipt(&format!("receipt-{number}"), *change);
                return match self.shop.products.receive_stock(&self.products[*product], &receipt).await {
                    Ok(_) => Outcome::Done,
                    Err(ReceiveStockError::NotEnoughAvailable { .. }) => Outcome::NotEnough,
                    Err(error) => panic!("{error}"),
                };
            }
        };
        match result {
            Ok(()) => Outcome::Done,
            Err(ReservationError::Closed { .. }) => Outcome::Closed,
            Err(ReservationError::OtherLines { .. }) => Outcome::OtherLines,
            Err(ReservationError::NotReserved { .. }) => Outcome::NotReserved,
            Err(ReservationError::StillSold { .. }) => Outcome::StillSold,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn compare(operations: Vec<(Operation, bool)>) -> TestCaseResult {
    let shop = Shop::open().await;
    let mut products = Vec::new();
    for _ in 0..PRODUCTS {
        products.push(shop.product(0).await);
    }
    let world = World { shop, products };
    let mut model = Model::default();
    for (number, (operation, twice)) in operations.iter().enumerate() {
        let expected = model.apply(operation);
        prop_assert_eq!(world.apply(number, operation).await, expected, "{:?}", operation);
        if *twice {
            prop_assert_eq!(world.apply(number, operation).await, expected, "{:?} again", operation);
        }
        let found = world.shop.products.get_many(&world.products).await.unwrap();
        for (product, expected) in found.iter().zip(model.products) {
            let stock = [product.stock.available, product.stock.reserved, product.stock.sold];
            prop_assert_eq!(stock.map(|count| i64::try_from(count).unwrap()), expected, "after {:?}", operation);
        }
    }
    Ok(())
}

proptest! {
    // Each case talks to a server of its own; so many keep the test within seconds.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counters_and_outcomes_are_those_of_the_model(operations in operations()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(operations))?;
    }
}
