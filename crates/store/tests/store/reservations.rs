//! What is held for orders.

use aws_sdk_dynamodb::types::AttributeValue;
use kassa_domain::{Line, MAX_LINES, OrderId, ProductId};
use kassa_store::Reservations;
use kassa_store::reservations::{ReservationError, ReservationStatus, ReserveOutcome, Shortage};

use crate::support::dynamodb::line;
use crate::support::{Meddling, Shop, unique};

fn order() -> OrderId {
    format!("ord_{}", unique()).parse().unwrap()
}

async fn status(shop: &Shop, order: &OrderId) -> Option<ReservationStatus> {
    shop.reservations.get(order).await.unwrap().map(|reservation| reservation.status)
}

#[tokio::test]
async fn reserving_twice_holds_once() {
    let shop = Shop::open().await;
    let (a, b) = (shop.product(10).await, shop.product(10).await);
    let order = order();
    let lines = [line(&a, 2), line(&b, 3)];

    for _ in 0..2 {
        assert_eq!(shop.reservations.reserve(&order, &lines).await.unwrap(), ReserveOutcome::Held);
    }

    assert_eq!(shop.counters(&a).await, (8, 2, 0));
    assert_eq!(shop.counters(&b).await, (7, 3, 0));
    let reservation = shop.reservations.get(&order).await.unwrap().unwrap();
    assert_eq!((reservation.status, reservation.lines), (ReservationStatus::Reserved, lines.to_vec()));
}

#[tokio::test]
async fn reserving_at_once_holds_once() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let order = order();
    let lines = [line(&product, 2)];

    let all = futures::future::join_all((0..10).map(|_| shop.reservations.reserve(&order, &lines))).await;

    for outcome in all {
        assert_eq!(outcome.unwrap(), ReserveOutcome::Held);
    }
    assert_eq!(shop.counters(&product).await, (8, 2, 0));
}

#[tokio::test]
async fn a_reservation_whose_answer_was_lost_is_held_once() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    let reservations = Reservations::new(dynamodb);
    // The SDK's own repetition is lost as well.
    gateway.meddle("TransactWriteItems", 2, &Meddling::LoseAnswer);
    let order = order();

    let lost = reservations.reserve(&order, &[line(&product, 2)]).await.unwrap_err();
    assert!(lost.is_retryable(), "{lost}");
    let outcome = reservations.reserve(&order, &[line(&product, 2)]).await.unwrap();

    assert_eq!(outcome, ReserveOutcome::Held);
    assert_eq!(shop.counters(&product).await, (8, 2, 0));
}

#[tokio::test]
async fn out_of_stock_names_every_short_line_and_holds_nothing() {
    let shop = Shop::open().await;
    let (plenty, few, none) = (shop.product(10).await, shop.product(2).await, shop.product(0).await);
    let unknown = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());
    let order = order();

    let lines = [line(&few, 3), line(&plenty, 1), line(&none, 1), line(&unknown, 4)];
    let outcome = shop.reservations.reserve(&order, &lines).await.unwrap();

    let shortage = |product_id: &ProductId, requested, available| Shortage {
        product_id: product_id.clone(),
        requested,
        available,
    };
    assert_eq!(
        outcome,
        ReserveOutcome::OutOfStock(vec![shortage(&few, 3, 2), shortage(&none, 1, 0), shortage(&unknown, 4, 0)])
    );
    assert_eq!(shop.counters(&plenty).await, (10, 0, 0));
    assert_eq!(shop.counters(&few).await, (2, 0, 0));
    assert_eq!(status(&shop, &order).await, None);
    assert_eq!(shop.products.get(&unknown).await.unwrap(), None);
}

#[tokio::test]
async fn an_order_that_was_out_of_stock_can_be_served_after_a_delivery() {
    let shop = Shop::open().await;
    let product = shop.product(1).await;
    let order = order();
    let lines = [line(&product, 2)];
    let outcome = shop.reservations.reserve(&order, &lines).await.unwrap();
    assert!(matches!(outcome, ReserveOutcome::OutOfStock(_)));

    shop.receive(&product, 1).await;

    assert_eq!(shop.reservations.reserve(&order, &lines).await.unwrap(), ReserveOutcome::Held);
}

#[tokio::test]
async fn two_hundred_buyers_get_the_last_fifty_units() {
    let shop = Shop::open().await;
    let product = shop.product(50).await;

    let buyers = (0..200).map(|_| {
        let (reservations, lines) = (shop.reservations.clone(), [line(&product, 1)]);
        tokio::spawn(async move { reservations.reserve(&order(), &lines).await })
    });
    let outcomes = futures::future::join_all(buyers).await;

    let (mut held, mut short) = (0, 0);
    for outcome in outcomes {
        match outcome.unwrap().unwrap() {
            ReserveOutcome::Held => held += 1,
            ReserveOutcome::OutOfStock(shortages) => {
                assert_eq!(shortages, [Shortage { product_id: product.clone(), requested: 1, available: 0 }]);
                short += 1;
            }
        }
    }
    assert_eq!((held, short), (50, 150));
    assert_eq!(shop.counters(&product).await, (0, 50, 0));
}

#[tokio::test]
async fn orders_that_cross_each_other_are_served_whole_or_not_at_all() {
    let shop = Shop::open().await;
    let (a, b) = (shop.product(20).await, shop.product(20).await);

    let buyers = (0..40).map(|number| {
        let mut lines = [line(&a, 1), line(&b, 2)];
        if number % 2 == 0 {
            lines.reverse();
        }
        let reservations = shop.reservations.clone();
        tokio::spawn(async move { reservations.reserve(&order(), &lines).await })
    });
    let outcomes = futures::future::join_all(buyers).await;

    let held = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Ok(ReserveOutcome::Held)))).count();
    assert_eq!(held, 10);
    assert_eq!(shop.counters(&a).await, (10, 10, 0));
    assert_eq!(shop.counters(&b).await, (0, 20, 0));
}

#[tokio::test]
async fn the_largest_order_fits_into_one_transaction() {
    let shop = Shop::open().await;
    let mut lines: Vec<Line> = Vec::new();
    for _ in 0..MAX_LINES {
        lines.push(line(&shop.product(1).await, 1));
    }
    let order = order();

    assert_eq!(shop.reservations.reserve(&order, &lines).await.unwrap(), ReserveOutcome::Held);
    shop.reservations.deduct(&order).await.unwrap();
    shop.reservations.restock(&order).await.unwrap();

    for line in lines {
        assert_eq!(shop.counters(&line.product_id).await, (1, 0, 0));
    }
}

#[tokio::test]
async fn the_way_to_a_sale_moves_pieces_from_counter_to_counter() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let order = order();

    shop.reservations.reserve(&order, &[line(&product, 4)]).await.unwrap();
    assert_eq!(shop.counters(&product).await, (6, 4, 0));
    for _ in 0..2 {
        shop.reservations.deduct(&order).await.unwrap();
        assert_eq!(shop.counters(&product).await, (6, 0, 4));
    }
    assert_eq!(status(&shop, &order).await, Some(ReservationStatus::Sold));
}

#[tokio::test]
async fn the_undo_of_a_sale_gives_everything_back_once() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let order = order();
    shop.reservations.reserve(&order, &[line(&product, 4)]).await.unwrap();
    shop.reservations.deduct(&order).await.unwrap();

    for _ in 0..2 {
        shop.reservations.restock(&order).await.unwrap();
        assert_eq!(shop.counters(&product).await, (10, 0, 0));
    }
    for _ in 0..2 {
        shop.reservations.release(&order).await.unwrap();
        assert_eq!(shop.counters(&product).await, (10, 0, 0));
    }
    assert_eq!(status(&shop, &order).await, Some(ReservationStatus::Restocked));
}

#[tokio::test]
async fn releasing_at_once_gives_back_once() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let order = order();
    shop.reservations.reserve(&order, &[line(&product, 4)]).await.unwrap();

    let all = futures::future::join_all((0..10).map(|_| shop.reservations.release(&order))).await;

    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(shop.counters(&product).await, (10, 0, 0));
    assert_eq!(status(&shop, &order).await, Some(ReservationStatus::Released));
}

#[tokio::test]
async fn an_attempt_to_reserve_that_arrives_after_the_undo_is_shut_out() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let order = order();

    for _ in 0..2 {
        shop.reservations.release(&order).await.unwrap();
    }
    let error = shop.reservations.reserve(&order, &[line(&product, 4)]).await.unwrap_err();

    assert!(matches!(error, ReservationError::Closed { status: ReservationStatus::Released, .. }), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(shop.counters(&product).await, (10, 0, 0));
}

#[tokio::test]
async fn reserve_and_its_undo_at_once_leave_nothing_held() {
    let shop = Shop::open().await;
    let product = shop.product(20).await;
    for _ in 0..20 {
        let order = order();
        let lines = [line(&product, 1)];
        let (reserved, released) =
            tokio::join!(shop.reservations.reserve(&order, &lines), shop.reservations.release(&order));
        released.unwrap();
        match reserved {
            Ok(outcome) => assert_eq!(outcome, ReserveOutcome::Held),
            Err(error) => assert!(matches!(error, ReservationError::Closed { .. }), "{error}"),
        }
        assert_eq!(status(&shop, &order).await, Some(ReservationStatus::Released));
        assert_eq!(shop.counters(&product).await, (20, 0, 0));
    }
}

#[tokio::test]
async fn deduct_and_release_at_once_have_one_winner() {
    let shop = Shop::open().await;
    let product = shop.product(20).await;
    let mut sold = 0;
    for _ in 0..20 {
        let order = order();
        shop.reservations.reserve(&order, &[line(&product, 1)]).await.unwrap();
        let (deducted, released) = tokio::join!(shop.reservations.deduct(&order), shop.reservations.release(&order));
        match (deducted, released) {
            (Ok(()), Err(ReservationError::StillSold { .. })) => sold += 1,
            (Err(ReservationError::NotReserved { status, .. }), Ok(())) => {
                assert_eq!(status, Some(ReservationStatus::Released));
            }
            other => panic!("both or neither won: {other:?}"),
        }
        assert_eq!(shop.counters(&product).await, (20 - sold, 0, sold));
    }
}

/// Brings a reservation of 4 pieces to a status; `None` is no reservation at all.
async fn reservation_at(shop: &Shop, product: &ProductId, status: Option<ReservationStatus>) -> OrderId {
    let order = order();
    let Some(status) = status else { return order };
    shop.reservations.reserve(&order, &[line(product, 4)]).await.unwrap();
    match status {
        ReservationStatus::Reserved => {}
        ReservationStatus::Sold => shop.reservations.deduct(&order).await.unwrap(),
        ReservationStatus::Released => shop.reservations.release(&order).await.unwrap(),
        ReservationStatus::Restocked => {
            shop.reservations.deduct(&order).await.unwrap();
            shop.reservations.restock(&order).await.unwrap();
        }
    }
    order
}

#[tokio::test]
async fn every_operation_knows_every_status() {
    use ReservationStatus::{Released, Reserved, Restocked, Sold};
    type Case = (&'static str, Option<ReservationStatus>, Option<ReservationStatus>, (u64, u64, u64), &'static str);
    let cases: [Case; 16] = [
        // Operation, status before, status after, counters after, error.
        ("release", None, Some(Released), (10, 0, 0), ""),
        ("release", Some(Reserved), Some(Released), (10, 0, 0), ""),
        ("release", Some(Sold), Some(Sold), (6, 0, 4), "StillSold"),
        ("release", Some(Released), Some(Released), (10, 0, 0), ""),
        ("release", Some(Restocked), Some(Restocked), (10, 0, 0), ""),
        ("deduct", None, None, (10, 0, 0), "NotReserved"),
        ("deduct", Some(Reserved), Some(Sold), (6, 0, 4), ""),
        ("deduct", Some(Sold), Some(Sold), (6, 0, 4), ""),
        ("deduct", Some(Released), Some(Released), (10, 0, 0), "NotReserved"),
        ("deduct", Some(Restocked), Some(Restocked), (10, 0, 0), "NotReserved"),
        ("restock", None, None, (10, 0, 0), ""),
        ("restock", Some(Reserved), Some(Released), (10, 0, 0), ""),
        ("restock", Some(Sold), Some(Restocked), (10, 0, 0), ""),
        ("restock", Some(Released), Some(Released), (10, 0, 0), ""),
        ("restock", Some(Restocked), Some(Restocked), (10, 0, 0), ""),
        ("reserve", Some(Restocked), Some(Restocked), (10, 0, 0), "Closed"),
    ];
    let shop = Shop::open().await;
    for (operation, before, after, counters, expected) in cases {
        let product = shop.product(10).await;
        let order = reservation_at(&shop, &product, before).await;
        for _ in 0..2 {
            let result = match operation {
                "release" => shop.reservations.release(&order).await,
                "deduct" => shop.reservations.deduct(&order).await,
                "restock" => shop.reservations.restock(&order).await,
                _ => shop.reservations.reserve(&order, &[line(&product, 4)]).await.map(drop),
            };
            let error = result.err();
            let kind = error.as_ref().map(|error| match error {
                ReservationError::StillSold { .. } => "StillSold",
                ReservationError::NotReserved { status, .. } if *status == before => "NotReserved",
                ReservationError::Closed { .. } => "Closed",
                _ => "another error",
            });
            assert_eq!(kind.unwrap_or_default(), expected, "{operation} at {before:?}: {error:?}");
            assert!(error.is_none_or(|error| !error.is_retryable()));
            assert_eq!(status(&shop, &order).await, after, "{operation} at {before:?}");
            assert_eq!(shop.counters(&product).await, counters, "{operation} at {before:?}");
        }
    }
}

#[tokio::test]
async fn another_reservation_of_the_same_order_is_refused() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let order = order();
    shop.reservations.reserve(&order, &[line(&product, 4)]).await.unwrap();

    let error = shop.reservations.reserve(&order, &[line(&product, 5)]).await.unwrap_err();

    assert!(matches!(error, ReservationError::OtherLines { .. }), "{error}");
    assert_eq!(shop.counters(&product).await, (6, 4, 0));
}

#[tokio::test]
async fn busy_rows_are_tried_again_at_once() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    gateway.meddle("TransactWriteItems", 3, &Meddling::transaction_conflict(2));
    let order = order();

    let outcome = Reservations::new(dynamodb).reserve(&order, &[line(&product, 4)]).await.unwrap();

    assert_eq!(outcome, ReserveOutcome::Held);
    assert_eq!(gateway.calls("TransactWriteItems"), 4);
    assert_eq!(shop.counters(&product).await, (6, 4, 0));
}

#[tokio::test]
async fn rows_that_stay_busy_are_left_to_the_caller() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    gateway.meddle("TransactWriteItems", 100, &Meddling::transaction_conflict(2));

    let error = Reservations::new(dynamodb).reserve(&order(), &[line(&product, 4)]).await.unwrap_err();

    assert!(error.is_retryable(), "{error}");
    assert!((2..20).contains(&gateway.calls("TransactWriteItems")));
    assert_eq!(shop.counters(&product).await, (10, 0, 0));
}

#[tokio::test]
async fn what_the_service_refuses_for_good_is_not_tried_again() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    gateway.meddle("TransactWriteItems", 1, &Meddling::refuse("ValidationException"));

    let error = Reservations::new(dynamodb).reserve(&order(), &[line(&product, 4)]).await.unwrap_err();

    assert!(!error.is_retryable(), "{error}");
    assert_eq!(gateway.calls("TransactWriteItems"), 1);
}

#[tokio::test]
async fn counters_changed_by_hand_stop_a_move_instead_of_going_below_zero() {
    let shop = Shop::open().await;
    let product = shop.product(10).await;
    let order = order();
    shop.reservations.reserve(&order, &[line(&product, 4)]).await.unwrap();
    shop.client
        .update_item()
        .table_name(shop.tables.products())
        .key("id", AttributeValue::S(product.to_string()))
        .update_expression("SET reserved = :three")
        .expression_attribute_values(":three", AttributeValue::N("3".to_owned()))
        .send()
        .await
        .unwrap();

    for result in [shop.reservations.release(&order).await, shop.reservations.deduct(&order).await] {
        let error = result.unwrap_err();
        assert!(matches!(&error, ReservationError::CountersDisagree { product_id, .. } if *product_id == product));
        assert!(!error.is_retryable());
    }
    assert_eq!(shop.counters(&product).await, (6, 3, 0));
    assert_eq!(status(&shop, &order).await, Some(ReservationStatus::Reserved));
}
