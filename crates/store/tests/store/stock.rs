//! Stock that comes in, corrections, and their history.

use kassa_store::products::ReceiveStockError;

use crate::support::Shop;
use crate::support::dynamodb::{new_id, receipt};

#[tokio::test]
async fn a_receipt_counts_once_however_often_it_is_sent() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;

    let ten_times = (0..10).map(|_| async { shop.products.receive_stock(&id, &receipt("delivery-1", 5)).await });
    let levels = futures::future::join_all(ten_times).await;

    for level in levels {
        assert_eq!(level.unwrap().available, 5);
    }
    assert_eq!(shop.counters(&id).await, (5, 0, 0));
    shop.products.receive_stock(&id, &receipt("delivery-2", 5)).await.unwrap();
    assert_eq!(shop.counters(&id).await, (10, 0, 0));
}

#[tokio::test]
async fn the_same_receipt_of_another_product_is_another_one() {
    let shop = Shop::open().await;
    let (a, b) = (shop.product(0).await, shop.product(0).await);
    for id in [&a, &b] {
        shop.products.receive_stock(id, &receipt("delivery-1", 5)).await.unwrap();
        assert_eq!(shop.counters(id).await, (5, 0, 0));
    }
}

#[tokio::test]
async fn a_receipt_sent_again_with_another_number_is_refused() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;
    shop.products.receive_stock(&id, &receipt("delivery-1", 5)).await.unwrap();

    let error = shop.products.receive_stock(&id, &receipt("delivery-1", 50)).await.unwrap_err();

    assert!(matches!(error, ReceiveStockError::ReceiptReused { booked: 5 }), "{error}");
    assert_eq!(shop.counters(&id).await, (5, 0, 0));
}

#[tokio::test]
async fn a_correction_takes_no_more_than_is_available() {
    let shop = Shop::open().await;
    let id = shop.product(5).await;

    let error = shop.products.receive_stock(&id, &receipt("count-1", -6)).await.unwrap_err();
    assert!(matches!(error, ReceiveStockError::NotEnoughAvailable { available: 5 }), "{error}");
    assert_eq!(shop.counters(&id).await, (5, 0, 0));

    // What was refused was not booked, so its id is still free.
    shop.products.receive_stock(&id, &receipt("count-1", -5)).await.unwrap();
    assert_eq!(shop.counters(&id).await, (0, 0, 0));
}

#[tokio::test]
async fn stock_of_an_unknown_product_is_refused() {
    let shop = Shop::open().await;
    for pieces in [5, -5] {
        let error = shop.products.receive_stock(&new_id(), &receipt("r", pieces)).await.unwrap_err();
        assert!(matches!(error, ReceiveStockError::UnknownProduct(_)), "{error}");
    }
}

#[tokio::test]
async fn every_movement_of_stock_is_kept() {
    let shop = Shop::open().await;
    let (id, other) = (shop.product(0).await, shop.product(3).await);
    for (name, pieces) in [("delivery-1", 5), ("count-1", -2), ("delivery-2", 7)] {
        shop.products.receive_stock(&id, &receipt(name, pieces)).await.unwrap();
        // Sent again, it is not booked again.
        shop.products.receive_stock(&id, &receipt(name, pieces)).await.unwrap();
    }

    let first = shop.products.movements(&id, 2, None).await.unwrap();
    let cursor = shop.products.movements_cursor(&id, &first.next.unwrap().to_string()).unwrap();
    let second = shop.products.movements(&id, 2, Some(&cursor)).await.unwrap();

    let movements: Vec<_> = first.movements.into_iter().chain(second.movements).collect();
    let told: Vec<_> = movements.iter().map(|moved| (moved.receipt_id.as_str(), moved.change.get())).collect();
    assert_eq!(told, [("delivery-2", 7), ("count-1", -2), ("delivery-1", 5)]);
    assert!(movements.iter().all(|moved| moved.by.as_str() == "usr_operator" && moved.reason == "delivery"));
    assert_eq!(second.next, None);
    assert!(shop.products.movements_cursor(&other, &cursor.to_string()).is_err(), "a cursor of another product");
    assert_eq!(shop.products.movements(&other, 10, None).await.unwrap().movements.len(), 1);
}
