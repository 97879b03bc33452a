//! Going through everything there is, page by page.

use std::collections::BTreeSet;

use kassa_domain::{OrderId, OrderStatus, ProductId, StockLevel};
use kassa_store::orders::ChangedFilter;
use kassa_store::reservations::ReservationStatus;
use time::{Duration, OffsetDateTime};

use crate::support::dynamodb::line;
use crate::support::{Books, Shop, unique};

fn new_order() -> OrderId {
    format!("ord_{}", unique()).parse().unwrap()
}

#[tokio::test]
async fn every_order_is_on_one_page_by_the_time_of_its_change() {
    let books = Books::open().await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(books.confirmed().await.order_id);
        expected.push(books.cancelled().await.order_id);
    }
    let undecided = books.placed().await.order_id;
    let now = OffsetDateTime::now_utc();
    let decided = vec![OrderStatus::Confirmed, OrderStatus::Cancelled];
    let filter = ChangedFilter { statuses: decided, from: now - Duration::minutes(5), to: now + Duration::minutes(5) };

    let mut found = Vec::new();
    let mut after: Option<(OffsetDateTime, OrderId)> = None;
    loop {
        let place = after.as_ref().map(|(at, order)| (*at, order));
        let page = books.orders.changed(&filter, place, 4).await.unwrap();
        assert!(page.len() <= 4);
        assert!(page.iter().all(|order| order.events == 1), "{page:?}");
        let Some(last) = page.last() else { break };
        after = Some((last.updated_at, last.order_id.clone()));
        found.extend(page.into_iter().map(|order| order.order_id));
    }

    assert_eq!(found, expected, "oldest change first, and not {undecided}");
    let before = ChangedFilter { to: now - Duration::minutes(4), ..filter };
    assert_eq!(books.orders.changed(&before, None, 4).await.unwrap(), []);
}

#[tokio::test]
async fn every_reservation_and_product_is_gone_through() {
    let shop = Shop::open().await;
    let mut products = BTreeSet::new();
    let mut orders = BTreeSet::new();
    for _ in 0..3 {
        let (product, order) = (shop.product(10).await, new_order());
        shop.reservations.reserve(&order, &[line(&product, 2)]).await.unwrap();
        products.insert(product);
        orders.insert(order);
    }
    let sold = orders.first().unwrap();
    shop.reservations.deduct(sold).await.unwrap();

    let of = async |statuses: &[ReservationStatus]| {
        let (mut found, mut after) = (BTreeSet::new(), None);
        loop {
            let page = shop.reservations.all(statuses, after.as_ref()).await.unwrap();
            found.extend(page.reservations.into_iter().map(|reservation| reservation.order_id));
            after = page.next;
            if after.is_none() {
                break found;
            }
        }
    };
    assert!(of(&ReservationStatus::ALL).await.is_superset(&orders));
    let held = of(&[ReservationStatus::Reserved]).await;
    assert!(!held.contains(sold) && orders.iter().filter(|order| held.contains(*order)).count() == 2);

    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = shop.products.counters(2, after.as_ref()).await.unwrap();
        found.extend(page.products);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let ids: BTreeSet<ProductId> = found.iter().map(|product| product.product_id.clone()).collect();
    assert_eq!(ids.len(), found.len(), "nothing twice");
    assert!(ids.is_superset(&products));
    let counted = |product: &ProductId| found.iter().find(|counted| counted.product_id == *product).unwrap().stock;
    let levels: Vec<_> = products.iter().map(counted).collect();
    assert_eq!(levels.iter().map(StockLevel::received).sum::<u64>(), 30);
    assert_eq!(
        levels.iter().map(|level| (level.reserved, level.sold)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (4, 2)
    );
}
