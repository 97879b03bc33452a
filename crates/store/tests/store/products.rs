//! Creating, changing, deleting and reading products.

use kassa_domain::{Currency, Money, OrderId, ProductDetails, StockLevel};
use kassa_store::Products;
use kassa_store::products::{ChangeProductError, CreateProductError, Expected, Filter, MAX_PAGE, ReceiveStockError};
use kassa_store::reservations::{ReserveOutcome, Shortage};

use crate::support::dynamodb::{espresso_cup, line, new_id, receipt};
use crate::support::{Meddling, Shop};

#[tokio::test]
async fn a_created_product_is_found_without_stock() {
    let shop = Shop::open().await;
    let id = new_id();

    let created = shop.products.create(id.clone(), espresso_cup()).await.unwrap();

    assert_eq!(shop.products.get(&id).await.unwrap(), Some(created.clone()));
    assert_eq!(created.name.as_str(), "Espresso cup");
    assert_eq!(created.description.as_str(), "Holds 80 ml.");
    assert_eq!(created.price, Money::new(1250, Currency::EUR));
    assert_eq!((created.stock, created.version), (StockLevel::default(), 1));
}

#[tokio::test]
async fn an_unknown_product_is_not_found() {
    let shop = Shop::open().await;
    assert_eq!(shop.products.get(&new_id()).await.unwrap(), None);
}

#[tokio::test]
async fn creating_a_product_again_leaves_the_first_one() {
    let shop = Shop::open().await;
    let id = shop.product(5).await;
    let before = shop.products.get(&id).await.unwrap();

    let other = ProductDetails { price: Money::new(1, Currency::EUR), ..espresso_cup() };
    let error = shop.products.create(id.clone(), other).await.unwrap_err();

    assert!(matches!(error, CreateProductError::AlreadyExists(existing) if existing == id));
    assert_eq!(shop.products.get(&id).await.unwrap(), before);
}

#[tokio::test]
async fn a_product_whose_first_answer_was_lost_is_created() {
    let shop = Shop::open().await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    gateway.meddle("TransactWriteItems", 1, &Meddling::LoseAnswer);
    let id = new_id();

    Products::new(dynamodb).create(id.clone(), espresso_cup()).await.unwrap();

    assert_eq!(gateway.calls("TransactWriteItems"), 2);
    assert!(shop.products.get(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_negative_price_is_refused() {
    let shop = Shop::open().await;
    let id = new_id();

    let details = ProductDetails { price: Money::new(-1, Currency::EUR), ..espresso_cup() };
    let error = shop.products.create(id.clone(), details).await.unwrap_err();

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
    asked.insert(7, new_id());

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

fn renamed(name: &str) -> ProductDetails {
    ProductDetails { name: name.to_owned().try_into().unwrap(), ..espresso_cup() }
}

async fn ids_of(shop: &Shop, filter: &Filter) -> Vec<kassa_domain::ProductId> {
    let page = shop.products.list(filter, MAX_PAGE, None).await.unwrap();
    page.products.into_iter().map(|product| product.id).collect()
}

#[tokio::test]
async fn a_change_replaces_everything_but_the_counters() {
    let shop = Shop::open().await;
    let id = shop.product(5).await;
    let details = ProductDetails {
        name: "Mocha cup".to_owned().try_into().unwrap(),
        description: "Holds 100 ml.".to_owned().try_into().unwrap(),
        category: Some("crockery".parse().unwrap()),
        price: Money::new(99, Currency::JPY),
        images: vec!["https://example.com/cup.jpg".to_owned().try_into().unwrap()].try_into().unwrap(),
        attributes: [("colour".to_owned(), "white".to_owned())]
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>()
            .try_into()
            .unwrap(),
    };

    let changed = shop.products.update(&id, Expected::Version(1), &details).await.unwrap();

    assert_eq!((changed.details(), changed.version), (details, 2));
    assert_eq!(changed.stock, StockLevel { available: 5, reserved: 0, sold: 0 });
    assert_eq!(shop.products.get(&id).await.unwrap(), Some(changed));

    let back = shop.products.update(&id, Expected::Version(2), &espresso_cup()).await.unwrap();
    assert_eq!(back.details(), espresso_cup());
    assert_eq!(shop.products.get(&id).await.unwrap(), Some(back));
}

#[tokio::test]
async fn saying_the_same_again_changes_nothing() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;
    let same = shop.products.update(&id, Expected::Any, &espresso_cup()).await.unwrap();
    assert_eq!(same.version, 1);
}

#[tokio::test]
async fn one_of_many_changes_of_the_same_version_wins() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;

    let changes = (0..10).map(|n| {
        let (products, id) = (shop.products.clone(), id.clone());
        tokio::spawn(async move { products.update(&id, Expected::Version(1), &renamed(&format!("Cup {n}"))).await })
    });
    let results: Vec<_> = futures::future::join_all(changes).await.into_iter().map(Result::unwrap).collect();

    let winner = results.iter().filter_map(|result| result.as_ref().ok()).collect::<Vec<_>>();
    assert_eq!(winner.len(), 1);
    assert_eq!(shop.products.get(&id).await.unwrap().as_ref(), Some(winner[0]));
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(error, ChangeProductError::VersionMismatch { current: 2 }), "{error}");
    }
    let filter = Filter { text: Some("cup".try_into().unwrap()), ..Filter::default() };
    assert_eq!(ids_of(&shop, &filter).await, [id], "listed once, under its last name");
}

#[tokio::test]
async fn changes_of_whatever_there_is_all_take_effect() {
    let shop = Shop::open().await;
    let id = shop.product(0).await;
    let (first, second) = (renamed("First"), renamed("Second"));
    let both = tokio::join!(
        shop.products.update(&id, Expected::Any, &first),
        shop.products.update(&id, Expected::Any, &second),
    );
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert_eq!(shop.products.get(&id).await.unwrap().unwrap().version, 3);
}

#[tokio::test]
async fn what_is_not_there_is_neither_changed_nor_deleted() {
    let shop = Shop::open().await;
    let error = shop.products.update(&new_id(), Expected::Any, &espresso_cup()).await.unwrap_err();
    assert!(matches!(error, ChangeProductError::UnknownProduct(_)), "{error}");
    let error = shop.products.delete(&new_id(), Expected::Any).await.unwrap_err();
    assert!(matches!(error, ChangeProductError::UnknownProduct(_)), "{error}");
}

#[tokio::test]
async fn a_deleted_product_is_gone_for_customers() {
    let shop = Shop::open().await;
    let id = shop.product(5).await;

    shop.products.delete(&id, Expected::Version(1)).await.unwrap();

    assert_eq!(shop.products.get(&id).await.unwrap(), None);
    assert_eq!(shop.products.get_many(std::slice::from_ref(&id)).await.unwrap(), []);
    assert!(ids_of(&shop, &Filter::default()).await.is_empty());
    let order: OrderId = "ord_late".parse().unwrap();
    let outcome = shop.reservations.reserve(&order, &[line(&id, 1)]).await.unwrap();
    let shortage = Shortage { product_id: id.clone(), requested: 1, available: 0 };
    assert_eq!(outcome, ReserveOutcome::OutOfStock(vec![shortage]));
    let error = shop.products.receive_stock(&id, &receipt("late", 1)).await.unwrap_err();
    assert!(matches!(error, ReceiveStockError::UnknownProduct(_)), "{error}");
    for error in [
        shop.products.update(&id, Expected::Any, &renamed("Back")).await.err(),
        shop.products.delete(&id, Expected::Any).await.err(),
    ] {
        assert!(matches!(error, Some(ChangeProductError::UnknownProduct(_))), "{error:?}");
    }
    let error = shop.products.create(id.clone(), espresso_cup()).await.unwrap_err();
    assert!(matches!(error, CreateProductError::AlreadyExists(_)), "{error}");
    assert_eq!(shop.counters(&id).await, (5, 0, 0));
}

#[tokio::test]
async fn sold_pieces_come_back_to_a_deleted_product() {
    let shop = Shop::open().await;
    let id = shop.product(5).await;
    let order: OrderId = "ord_undone".parse().unwrap();
    shop.reservations.reserve(&order, &[line(&id, 2)]).await.unwrap();
    shop.reservations.deduct(&order).await.unwrap();

    shop.products.delete(&id, Expected::Any).await.unwrap();
    shop.reservations.restock(&order).await.unwrap();

    assert_eq!(shop.counters(&id).await, (5, 0, 0));
    assert_eq!(shop.products.get(&id).await.unwrap(), None);
}

#[tokio::test]
async fn a_product_with_reserved_pieces_is_not_deleted() {
    let shop = Shop::open().await;
    let id = shop.product(5).await;
    let order: OrderId = "ord_open".parse().unwrap();
    shop.reservations.reserve(&order, &[line(&id, 2)]).await.unwrap();

    let error = shop.products.delete(&id, Expected::Any).await.unwrap_err();
    assert!(matches!(error, ChangeProductError::Reserved { reserved: 2 }), "{error}");
    assert!(shop.products.get(&id).await.unwrap().is_some());

    shop.reservations.release(&order).await.unwrap();
    shop.products.delete(&id, Expected::Any).await.unwrap();
    assert_eq!(shop.products.get(&id).await.unwrap(), None);
}

#[tokio::test]
async fn a_product_is_either_deleted_or_reserved() {
    for round in 0..8 {
        let shop = Shop::open().await;
        let id = shop.product(10).await;
        let orders: Vec<OrderId> = (0..6).map(|n| format!("ord_{round}-{n}").parse().unwrap()).collect();
        let buyers = orders.iter().map(|order| {
            let (reservations, order, lines) = (shop.reservations.clone(), order.clone(), [line(&id, 1)]);
            tokio::spawn(async move { reservations.reserve(&order, &lines).await.unwrap() })
        });
        let deletion = {
            let (products, id) = (shop.products.clone(), id.clone());
            tokio::spawn(async move { products.delete(&id, Expected::Any).await.is_ok() })
        };
        let buyers: Vec<_> = buyers.collect();
        let is_deleted = deletion.await.unwrap();
        let outcomes = futures::future::join_all(buyers).await;

        let held = outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap() == ReserveOutcome::Held).count();
        assert!(is_deleted == (held == 0), "deleted: {is_deleted}, held: {held}");
        let held = u64::try_from(held).unwrap();
        assert_eq!(shop.counters(&id).await, (10 - held, held, 0));
    }
}
