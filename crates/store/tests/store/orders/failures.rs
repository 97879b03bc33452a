//! Orders, while the database fails or refuses.

use kassa_domain::PricedOrder;
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_store::orders::{OrderError, PlaceResult};

use super::{CANCELLED, CONFIRMED, EMAIL, euros, events, identity, order, payment, refunded};
use crate::support::Books;

#[tokio::test]
async fn changes_whose_answers_are_lost_are_done_once() {
    let books = Books::open().await;
    let identity = identity();
    let lost = |sql: &str| {
        let fault = Fault::fail_after(sql).with_error(FaultError::StatementTimeout);
        books.data_api.faults().inject(fault);
    };

    lost("order.placed");
    let error = books.orders.place(&identity, &order()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(books.orders.place(&identity, &order()).await.unwrap(), PlaceResult::Pending(order()));

    lost("order.confirmed");
    let error = books.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    books.orders.confirm(&identity.order_id, &payment(&identity), CONFIRMED).await.unwrap();

    lost("order.cancelled");
    let error = books.orders.cancel(&identity, "late", Some(&refunded(&identity)), CANCELLED).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    books.orders.cancel(&identity, "late", Some(&refunded(&identity)), CANCELLED).await.unwrap();

    let expected = events(&[(1, "order.placed"), (2, "order.confirmed"), (3, "order.cancelled")]);
    assert_eq!(books.events(&identity).await, expected);
    assert_eq!(books.view(&identity).await.refunds.len(), 1);
}

#[tokio::test]
async fn the_sdk_bridges_a_moment_of_unavailability() {
    let books = Books::open().await;
    let identity = identity();
    books.data_api.faults().inject(Fault::fail_after("order.placed").with_error(FaultError::DatabaseUnavailable));

    assert_eq!(books.orders.place(&identity, &order()).await.unwrap(), PlaceResult::Pending(order()));

    assert_eq!(books.events(&identity).await, events(&[(1, "order.placed")]));
}

#[tokio::test]
async fn what_the_database_says_decides_whether_to_try_again() {
    let books = Books::open().await;
    for (sql_state, retryable) in
        [("40001", true), ("40P01", true), ("53300", true), ("23514", false), ("42601", false)]
    {
        let error = FaultError::Database { sql_state: sql_state.to_owned(), message: format!("{EMAIL} is odd") };
        books.data_api.faults().inject(Fault::fail_before("order.placed").with_error(error));

        let error = books.orders.place(&identity(), &order()).await.unwrap_err();

        assert_eq!(error.is_retryable(), retryable, "{error}");
        let OrderError::Store(error) = error else { panic!("{error}") };
        assert_eq!(error.sql_state().unwrap().as_str(), sql_state);
    }
    for fault in [FaultError::DatabaseResuming, FaultError::StatementTimeout] {
        books.data_api.faults().inject(Fault::fail_before("order.placed").with_error(fault));
        assert!(books.orders.place(&identity(), &order()).await.unwrap_err().is_retryable());
    }
}

#[tokio::test]
async fn a_violated_constraint_names_itself_and_no_person() {
    let books = Books::open().await;
    let identity = identity();
    let order = PricedOrder { total: euros(-1), ..order() };

    let error = books.orders.place(&identity, &order).await.unwrap_err();

    assert!(!error.is_retryable());
    assert!(error.to_string().contains("SQLSTATE 23514: constraint orders_total_not_negative"), "{error}");
    let whole = format!("{error} {error:?}");
    assert!(!whole.contains(EMAIL) && !whole.contains(identity.caller.as_str()), "{whole}");
    assert!(books.everything().await.is_empty());
}

#[tokio::test]
async fn a_line_that_does_not_add_up_writes_nothing() {
    let books = Books::open().await;
    let mut order = order();
    order.lines[0].total = euros(1);

    let error = books.orders.place(&identity(), &order).await.unwrap_err();

    assert!(error.to_string().contains("order_items_total_adds_up"), "{error}");
    assert!(books.everything().await.is_empty());
}
