//! Carts, changed by many at once, by calls whose answers are lost, and after their time.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveStatus};
use futures::future::{join_all, try_join_all};
use kassa_domain::{CartError, CartId, GuestCartId, MAX_QUANTITY, Merged, ProductId, Quantity, UserId};
use kassa_store::Carts;
use kassa_store::carts::{ChangeCartError, LIFETIME};
use time::OffsetDateTime;

use crate::support::{Meddling, Shop};

fn pieces(pieces: i64) -> Quantity {
    Quantity::new(pieces).unwrap()
}

fn guest() -> GuestCartId {
    GuestCartId::from_unique(uuid::Uuid::new_v4().as_u128())
}

fn user() -> UserId {
    UserId::of_subject(&uuid::Uuid::new_v4().to_string()).unwrap()
}

/// A shop with an empty cart.
struct Counter {
    shop: Shop,
    carts: Carts,
    guest: GuestCartId,
    id: CartId,
}

impl Counter {
    async fn open() -> Self {
        let shop = Shop::open().await;
        let guest = guest();
        Self { carts: Carts::new(shop.dynamodb.clone()), shop, id: CartId::Guest(guest.clone()), guest }
    }

    async fn add(&self, id: &CartId, product: &ProductId, quantity: i64) -> Result<(), ChangeCartError> {
        let product = self.shop.products.get(product).await.unwrap().unwrap();
        self.carts.add(id, &product, pieces(quantity)).await
    }

    async fn quantity(&self, id: &CartId, product: &ProductId) -> u32 {
        let stored = self.carts.get(id).await.unwrap();
        stored.cart.line(product).map_or(0, |line| line.quantity.get())
    }

    /// Lets the cart run out a second ago.
    async fn expire(&self) {
        let past = OffsetDateTime::now_utc().unix_timestamp() - 1;
        self.shop
            .client
            .update_item()
            .table_name(self.shop.tables.carts())
            .key("id", AttributeValue::S(self.id.to_string()))
            .update_expression("SET expires_at = :past")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_values(":past", AttributeValue::N(past.to_string()))
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn fifty_concurrent_adds_of_one_product_add_up() {
    let counter = Counter::open().await;
    let tea = counter.shop.product(0).await;

    try_join_all((0..50).map(|_| counter.add(&counter.id, &tea, 2))).await.unwrap();

    assert_eq!(counter.quantity(&counter.id, &tea).await, 100);
}

#[tokio::test]
async fn concurrent_adds_never_pass_the_limit() {
    let counter = Counter::open().await;
    let tea = counter.shop.product(0).await;

    let added = join_all((0..20).map(|_| counter.add(&counter.id, &tea, 100))).await;

    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 9);
    for refused in added.into_iter().filter_map(Result::err) {
        let ChangeCartError::Limit(CartError::TooManyPieces { in_cart: 900, .. }) = refused else {
            panic!("{refused}")
        };
    }
    assert_eq!(counter.quantity(&counter.id, &tea).await, 900);
}

#[tokio::test]
async fn different_products_added_at_once_are_all_in() {
    let counter = Counter::open().await;
    let products = join_all((0..12).map(|_| counter.shop.product(0))).await;

    try_join_all(products.iter().map(|product| counter.add(&counter.id, product, 1))).await.unwrap();

    assert_eq!(counter.carts.get(&counter.id).await.unwrap().cart.lines().len(), 12);
}

#[tokio::test]
async fn an_add_whose_answer_was_lost_counts_once() {
    let counter = Counter::open().await;
    let tea = counter.shop.product(0).await;
    counter.add(&counter.id, &tea, 1).await.unwrap();
    let product = counter.shop.products.get(&tea).await.unwrap().unwrap();
    let (gateway, dynamodb) = counter.shop.through_gateway().await;
    gateway.meddle("TransactWriteItems", 1, &Meddling::LoseAnswer);

    Carts::new(dynamodb).add(&counter.id, &product, pieces(5)).await.unwrap();

    assert_eq!(gateway.calls("TransactWriteItems"), 2);
    assert_eq!(counter.quantity(&counter.id, &tea).await, 6);
}

#[tokio::test]
async fn a_changed_cart_is_kept_for_its_whole_lifetime_again() {
    let counter = Counter::open().await;
    let tea = counter.shop.product(0).await;
    for _ in 0..2 {
        let before = OffsetDateTime::now_utc();
        counter.add(&counter.id, &tea, 1).await.unwrap();
        let expires_at = counter.carts.get(&counter.id).await.unwrap().expires_at.unwrap();
        assert!(expires_at >= before + LIFETIME - Duration::from_secs(1), "{expires_at}");
        counter.expire().await;
    }
}

#[tokio::test]
async fn an_expired_cart_is_empty_and_starts_anew() {
    let counter = Counter::open().await;
    let (tea, cup) = (counter.shop.product(0).await, counter.shop.product(0).await);
    counter.add(&counter.id, &tea, 3).await.unwrap();
    counter.expire().await;

    let stored = counter.carts.get(&counter.id).await.unwrap();
    assert!(stored.cart.is_empty() && stored.expires_at.is_none());
    assert_eq!(counter.carts.merge(&counter.guest, &user()).await.unwrap(), Merged::default());
    counter.add(&counter.id, &tea, 1).await.unwrap();
    counter.add(&counter.id, &cup, 1).await.unwrap();

    assert_eq!(counter.quantity(&counter.id, &tea).await, 1);
    assert_eq!(counter.carts.get(&counter.id).await.unwrap().cart.lines().len(), 2);
}

#[tokio::test]
async fn the_table_lets_old_carts_go_by_itself() {
    let counter = Counter::open().await;
    let described =
        counter.shop.client.describe_time_to_live().table_name(counter.shop.tables.carts()).send().await.unwrap();
    let description = described.time_to_live_description.unwrap();
    assert_eq!(description.time_to_live_status, Some(TimeToLiveStatus::Enabled));
    assert_eq!(description.attribute_name.as_deref(), Some("expires_at"));
}

#[tokio::test]
async fn lines_are_set_removed_and_cleared() {
    let counter = Counter::open().await;
    let (tea, cup) = (counter.shop.product(0).await, counter.shop.product(0).await);
    let product = counter.shop.products.get(&tea).await.unwrap().unwrap();
    counter.add(&counter.id, &cup, 1).await.unwrap();
    for quantity in [7, 3, 3] {
        counter.carts.set(&counter.id, &product, pieces(quantity)).await.unwrap();
        assert_eq!(counter.quantity(&counter.id, &tea).await, u32::try_from(quantity).unwrap());
    }

    counter.carts.remove(&counter.id, &cup).await.unwrap();
    counter.carts.remove(&counter.id, &cup).await.unwrap();
    assert_eq!(counter.carts.get(&counter.id).await.unwrap().cart.lines().len(), 1);

    counter.carts.clear(&counter.id).await.unwrap();
    counter.carts.clear(&counter.id).await.unwrap();
    assert!(counter.carts.get(&counter.id).await.unwrap().cart.is_empty());
}

#[tokio::test]
async fn a_cart_is_merged_once_however_often_it_is_asked_for() {
    let counter = Counter::open().await;
    let (tea, cup) = (counter.shop.product(0).await, counter.shop.product(0).await);
    let (guest, user) = (guest(), user());
    let (from, to) = (CartId::Guest(guest.clone()), CartId::User(user.clone()));
    counter.add(&to, &tea, 2).await.unwrap();
    counter.add(&from, &tea, 3).await.unwrap();
    counter.add(&from, &cup, 1).await.unwrap();

    let merged = try_join_all((0..5).map(|_| counter.carts.merge(&guest, &user))).await.unwrap();

    assert_eq!(merged.iter().map(|merged| merged.lines).sum::<usize>(), 2, "{merged:?}");
    assert_eq!((counter.quantity(&to, &tea).await, counter.quantity(&to, &cup).await), (5, 1));
    assert!(counter.carts.get(&from).await.unwrap().cart.is_empty());
}

#[tokio::test]
async fn adds_during_a_merge_are_in_one_of_the_carts() {
    let counter = Counter::open().await;
    let tea = counter.shop.product(0).await;
    let (guest, user) = (guest(), user());
    let (from, to) = (CartId::Guest(guest.clone()), CartId::User(user.clone()));
    counter.add(&from, &tea, 1).await.unwrap();

    let adds = try_join_all((0..10).map(|n| counter.add(if n % 2 == 0 { &from } else { &to }, &tea, 1)));
    let (adds, merged) = tokio::join!(adds, counter.carts.merge(&guest, &user));

    adds.unwrap();
    merged.unwrap();
    assert_eq!(counter.quantity(&from, &tea).await + counter.quantity(&to, &tea).await, 11);
}

#[tokio::test]
async fn settling_takes_what_was_bought_and_leaves_what_came_meanwhile() {
    let counter = Counter::open().await;
    let (tea, cup) = (counter.shop.product(0).await, counter.shop.product(0).await);
    counter.add(&counter.id, &tea, i64::from(MAX_QUANTITY) - 9).await.unwrap();
    counter.add(&counter.id, &cup, 1).await.unwrap();
    let bought = counter.carts.get(&counter.id).await.unwrap().cart.marks();

    let more = try_join_all((0..3).map(|_| counter.add(&counter.id, &tea, 2)));
    let settle = try_join_all((0..3).map(|_| counter.carts.settle(&counter.id, &bought)));
    let (more, settled) = tokio::join!(more, settle);

    more.unwrap();
    settled.unwrap();
    counter.carts.settle(&counter.id, &bought).await.unwrap();
    assert_eq!(counter.quantity(&counter.id, &tea).await, 6);
    assert_eq!(counter.quantity(&counter.id, &cup).await, 0);
    counter.carts.settle(&CartId::User(user()), &bought).await.unwrap();
}
