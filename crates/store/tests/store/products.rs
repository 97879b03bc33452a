//! The catalogue and its stock.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use kassa_domain::{Currency, Money, ProductId, StockLevel};
use kassa_store::Products;
use kassa_store::products::{CreateProductError, MAX_PAGE, NewProduct, ReceiveStockError};

use crate::support::dynamodb::{new_product, receipt};
use crate::support::{Meddling, Shop};

#[tokio::test]
async fn a_created_product_is_found_without_stock() {
    let shop = Shop::open().await;
    let id = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());

    let created = shop.products.create(new_product(&id)).await.unwrap();

    assert_eq!(shop.products.get(&id).await.unwrap(), Some(created.clone()));
    assert_eq!(created.name.as_str(), "Espresso cup");
    assert_eq!(created.description, "Holds 80 ml.");
    assert_eq!(created.price, Money::new(1250, Currency::EUR));
    assert_eq!((created.stock, created.version), (StockLevel::default(), 1));
}

#[tokio::test]
async fn an_unknown_product_is_not_found() {
    let shop = Shop::open().await;
    assert_eq!(shop.products.get(&ProductId::from_unique(uuid::Uuid::now_v7().as_u128())).await.unwrap(), None);
}

#[tokio::test]
async fn creating_a_product_again_leaves_the_first_one() {
    let shop = Shop::open().await;
    let id = shop.product(5).await;
    let before = shop.products.get(&id).await.unwrap();

    let other = NewProduct { price: Money::new(1, Currency::EUR), ..new_product(&id) };
    let error = shop.products.create(other).await.unwrap_err();

    assert!(matches!(error, CreateProductError::AlreadyExists(existing) if existing == id));
    assert_eq!(shop.products.get(&id).await.unwrap(), before);
}

#[tokio::test]
async fn a_product_whose_first_answer_was_lost_is_created() {
    let shop = Shop::open().await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    gateway.meddle("PutItem", 1, &Meddling::LoseAnswer);
    let id = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());

    Products::new(dynamodb).create(new_product(&id)).await.unwrap();

    assert_eq!(gateway.calls("PutItem"), 2);
    assert!(shop.products.get(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_negative_price_is_refused() {
    let shop = Shop::open().await;
    let id = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());

    let product = NewProduct { price: Money::new(-1, Currency::EUR), ..new_product(&id) };
    let error = shop.products.create(product).await.unwrap_err();

    assert!(matches!(error, CreateProductError::NegativePrice));
    assert_eq!(shop.products.get(&id).await.unwrap(), None);
}

#[tokio::test]
async fn many_products_come_in_the_order_asked_for() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for _ in 0..MAX_PAGE + 20 {
        ids.push(shop.product(0).await);
    }
    ids.reverse();
    let mut asked = ids.clone();
    asked.insert(7, ProductId::from_unique(uuid::Uuid::now_v7().as_u128()));

    let found = shop.products.get_many(&asked).await.unwrap();

    assert_eq!(found.into_iter().map(|product| product.id).collect::<Vec<_>>(), ids);
    assert_eq!(shop.products.get_many(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn asking_twice_for_a_product_gives_it_twice() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;

    let found = shop.products.get_many(&[id.clone(), id.clone()]).await.unwrap();

    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn what_a_batch_left_out_is_asked_for_again() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(shop.product(0).await);
    }
    let (gateway, dynamodb) = shop.through_gateway().await;
    gateway.meddle("BatchGetItem", 1, &Meddling::ProcessAllBut(7));
    gateway.meddle("BatchGetItem", 1, &Meddling::ProcessAllBut(3));

    let found = Products::new(dynamodb).get_many(&ids).await.unwrap();

    assert_eq!(found.into_iter().map(|product| product.id).collect::<Vec<_>>(), ids);
    assert_eq!(gateway.calls("BatchGetItem"), 3);
}

#[tokio::test]
async fn a_batch_that_never_ends_is_given_up_for_a_while() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    gateway.meddle("BatchGetItem", 100, &Meddling::refuse("ProvisionedThroughputExceededException"));

    let error = Products::new(dynamodb).get_many(&[id]).await.unwrap_err();

    assert!(error.is_retryable());
}

#[tokio::test]
async fn pages_hold_every_product_once_newest_first() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(shop.product(0).await);
    }
    ids.reverse();

    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    let mut after = None;
    loop {
        let page = shop.products.list(3, after.as_ref()).await.unwrap();
        sizes.push(page.products.len());
        seen.extend(page.products.into_iter().map(|product| product.id));
        // A cursor goes through the text form of a URL.
        after = page.next.map(|next| next.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }

    assert_eq!(seen, ids);
    assert_eq!(sizes, [3, 3, 1]);
}

#[tokio::test]
async fn a_full_last_page_has_no_successor() {
    let shop = Shop::open().await;
    for _ in 0..4 {
        shop.product(0).await;
    }
    let first = shop.products.list(2, None).await.unwrap();
    let second = shop.products.list(2, first.next.as_ref()).await.unwrap();
    assert_eq!((second.products.len(), second.next), (2, None));
}

#[tokio::test]
async fn products_that_come_later_shift_no_page() {
    let shop = Shop::open().await;
    let mut old = BTreeSet::new();
    for _ in 0..4 {
        old.insert(shop.product(0).await);
    }
    let first = shop.products.list(2, None).await.unwrap();
    for _ in 0..3 {
        shop.product(0).await;
    }

    let second = shop.products.list(2, first.next.as_ref()).await.unwrap();

    let seen: Vec<_> = first.products.into_iter().chain(second.products).map(|product| product.id).collect();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), old);
}

#[tokio::test]
async fn a_page_has_bounds() {
    let shop = Shop::open().await;
    assert_eq!(shop.products.list(0, None).await.unwrap().products, []);
    for _ in 0..=MAX_PAGE {
        shop.product(0).await;
    }
    assert_eq!(shop.products.list(usize::MAX, None).await.unwrap().products.len(), MAX_PAGE);
    assert_eq!(shop.products.list(0, None).await.unwrap().products.len(), 1);
}

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
        let error = shop
            .products
            .receive_stock(&ProductId::from_unique(uuid::Uuid::now_v7().as_u128()), &receipt("r", pieces))
            .await
            .unwrap_err();
        assert!(matches!(error, ReceiveStockError::UnknownProduct(_)), "{error}");
    }
}

#[tokio::test]
async fn every_movement_of_stock_is_kept() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;
    shop.products.receive_stock(&id, &receipt("delivery-1", 5)).await.unwrap();
    shop.products.receive_stock(&id, &receipt("count-1", -2)).await.unwrap();

    let movements = shop
        .client
        .query()
        .table_name(shop.tables.stock_movements())
        .key_condition_expression("product_id = :id")
        .expression_attribute_values(":id", AttributeValue::S(id.to_string()))
        .send()
        .await
        .unwrap()
        .items
        .unwrap();

    let changes: Vec<_> = movements
        .iter()
        .map(|row| (row["receipt_id"].as_s().unwrap().as_str(), row["change"].as_n().unwrap().as_str()))
        .collect();
    assert_eq!(changes, [("count-1", "-2"), ("delivery-1", "5")]);
}
