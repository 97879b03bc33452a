//! Lists of orders.

use kassa_domain::{Caller, Money, OrderId, OrderStatus};
use kassa_store::orders::{OrderFilter, OrderIdentity, OrderPage};
use time::{Duration, OffsetDateTime};

use crate::orders::{CONFIRMED, identity, order, payment};
use crate::support::{Books, unique};

/// The orders of the tests are placed on this day, a minute apart.
const DAY: OffsetDateTime = time::macros::datetime!(2026-03-01 12:00 UTC);

fn somebody() -> Caller {
    Caller::guest(&format!("{}@example.com", unique()).parse().unwrap())
}

impl Books {
    /// An order that was placed so many minutes after the day's beginning.
    async fn order_at(&self, caller: &Caller, minute: i64, status: OrderStatus) -> OrderId {
        let identity = OrderIdentity { caller: caller.clone(), ..identity() };
        self.orders.place(&identity, &order()).await.unwrap();
        if status != OrderStatus::Pending {
            self.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap();
        }
        let at = (DAY + Duration::minutes(minute)).unix_timestamp();
        self.sql(&format!(
            "UPDATE orders SET created_at = to_timestamp({at}), status = '{status}' WHERE order_id = '{}'",
            identity.order_id
        ))
        .await;
        identity.order_id
    }

    async fn page(&self, filter: &OrderFilter, size: usize, after: Option<&str>) -> OrderPage {
        let after = after.map(|cursor| cursor.parse().unwrap());
        self.orders.list(filter, size, after.as_ref()).await.unwrap()
    }

    /// All pages of this size, one after the other.
    async fn walk(&self, filter: &OrderFilter, size: usize) -> Vec<OrderId> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.page(filter, size, cursor.as_deref()).await;
            found.extend(ids(&page));
            match page.next {
                Some(next) => cursor = Some(next.to_string()),
                None => return found,
            }
        }
    }
}

fn ids(page: &OrderPage) -> Vec<OrderId> {
    page.orders.iter().map(|order| order.order_id.clone()).collect()
}

fn of(caller: &Caller) -> OrderFilter {
    OrderFilter { caller: Some(caller.clone()), ..OrderFilter::default() }
}

#[tokio::test]
async fn an_order_is_listed_with_what_a_list_shows() {
    let books = Books::open().await;
    let caller = somebody();
    let order_id = books.order_at(&caller, 0, OrderStatus::Shipped).await;

    let page = books.page(&of(&caller), 10, None).await;

    let [found] = page.orders.as_slice() else { panic!("{page:?}") };
    assert_eq!((&found.order_id, &found.caller, found.status), (&order_id, &caller, OrderStatus::Shipped));
    let total = order().total;
    assert_eq!((found.total, found.refunded), (total, Money::new(0, total.currency)));
    assert_eq!((found.pieces, found.created_at), (3, DAY));
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn pages_are_newest_first_and_complete_for_one_and_for_all() {
    let books = Books::open().await;
    let (ada, bob) = (somebody(), somebody());
    let statuses = [OrderStatus::Confirmed, OrderStatus::Pending, OrderStatus::Shipped];
    let mut adas = Vec::new();
    let mut all = Vec::new();
    // Minute 3 has two orders: what happened at the same time is listed by id.
    for minute in [0, 1, 2, 3, 3, 4, 5] {
        let status = statuses[usize::try_from(minute).unwrap() % 3];
        let order = books.order_at(&ada, minute, status).await;
        adas.push((minute, order.clone()));
        all.push((minute, order));
        all.push((minute, books.order_at(&bob, minute, status).await));
    }
    for orders in [&mut adas, &mut all] {
        orders.sort();
        orders.reverse();
    }
    let ordered = |orders: &[(i64, OrderId)]| orders.iter().map(|(_, order)| order.clone()).collect::<Vec<_>>();
    for size in [1, 2, 3, 7, 14, 100] {
        assert_eq!(books.walk(&of(&ada), size).await, ordered(&adas), "{size}");
        assert_eq!(books.walk(&OrderFilter::default(), size).await, ordered(&all), "{size}");
    }
}

#[tokio::test]
async fn a_page_is_one_statement() {
    let books = Books::open().await;
    let caller = somebody();
    for minute in 0..3 {
        books.order_at(&caller, minute, OrderStatus::Confirmed).await;
    }
    for filter in [of(&caller), OrderFilter::default()] {
        let before = books.statements();
        books.page(&filter, 2, None).await;
        assert_eq!(books.statements() - before, 1);
    }
}

#[tokio::test]
async fn orders_that_come_later_shift_nothing() {
    let caller = somebody();
    for filter in [of(&caller), OrderFilter::default()] {
        let books = Books::open().await;
        let mut expected = Vec::new();
        for minute in 0..4 {
            expected.insert(0, books.order_at(&caller, minute, OrderStatus::Confirmed).await);
        }
        let first = books.page(&filter, 2, None).await;
        books.order_at(&caller, 100, OrderStatus::Confirmed).await;

        let second = books.page(&filter, 2, Some(&first.next.unwrap().to_string())).await;

        assert_eq!(ids(&second), expected[2..]);
        assert_eq!(second.next, None);
    }
}

#[tokio::test]
async fn filters_combine() {
    let books = Books::open().await;
    let caller = somebody();
    let mut orders = Vec::new();
    for (minute, status) in [OrderStatus::Pending, OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Confirmed]
        .into_iter()
        .enumerate()
    {
        orders.push(books.order_at(&caller, i64::try_from(minute).unwrap(), status).await);
    }
    let at = |minute| Some(DAY + Duration::minutes(minute));
    for whose in [Some(caller.clone()), None] {
        let listed = async |statuses: &[OrderStatus], from, to| {
            let filter = OrderFilter { caller: whose.clone(), statuses: statuses.to_vec(), from, to };
            let found = books.walk(&filter, 2).await;
            let place = |order: &OrderId| orders.iter().position(|known| known == order).unwrap();
            found.iter().map(place).collect::<Vec<_>>()
        };
        assert_eq!(listed(&[], None, None).await, [3, 2, 1, 0]);
        assert_eq!(listed(&[OrderStatus::Confirmed], None, None).await, [3, 1]);
        assert_eq!(
            listed(&[OrderStatus::Pending, OrderStatus::Shipped, OrderStatus::Pending], None, None).await,
            [2, 0]
        );
        assert_eq!(listed(&[OrderStatus::Delivered], None, None).await, [0_usize; 0]);
        // From is included, to is not.
        assert_eq!(listed(&[], at(1), at(3)).await, [2, 1]);
        assert_eq!(listed(&[OrderStatus::Confirmed], at(2), None).await, [3]);
        assert_eq!(listed(&[], None, at(0)).await, [0_usize; 0]);
    }
    assert_eq!(books.walk(&of(&somebody()), 2).await, []);
}

#[tokio::test]
async fn lists_are_read_from_an_index() {
    let books = Books::open().await;
    let caller = somebody();
    books.order_at(&caller, 0, OrderStatus::Confirmed).await;
    // Few rows are read fastest without an index; what is asked here is whether there is one that fits.
    for (columns, index) in [
        ("caller = 'usr_1' AND (created_at, order_id) < (now(), '')", "orders_of_caller"),
        ("status = 'PENDING' AND (created_at, order_id) < (now(), '')", "orders_newest_of_status"),
    ] {
        let plan = books
            .sql(&format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN SELECT order_id FROM orders \
                 WHERE {columns} ORDER BY created_at DESC, order_id DESC LIMIT 20"
            ))
            .await
            .join("\n");
        assert!(plan.contains(index) && !plan.contains("Sort"), "{plan}");
    }
}
