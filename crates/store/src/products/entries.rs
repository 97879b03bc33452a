//! Where the catalogue lists a product: one row per list, written together with the product.
//!
//! | list | sorted by | holds |
//! |---|---|---|
//! | `all` | time of creation, newest first; by the index `by_price` also by currency and price | every product |
//! | `category:<category>` | the same | the products of a category |
//! | `word:<first letter>` | word, then newest first | every product once per word of its name |
//! | `categories` | category | how many products each category has |
//!
//! Rows hold no counters of stock: an order would have to write to the few partitions that these lists have, each of
//! which takes at most 1,000 writes a second.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use kassa_domain::{Category, Product};
use time::OffsetDateTime;

use super::words::words_of;
use crate::dynamodb::DynamoDb;
use crate::dynamodb::item::{self, Item};

pub(crate) const LIST: &str = "list";
pub(crate) const PLACE: &str = "place";
pub(crate) const BY_PRICE: &str = "by_price";
pub(crate) const PRICE_PLACE: &str = "price_place";

pub(super) const PRODUCT: &str = "product_id";
pub(super) const WORD: &str = "word";
pub(super) const WORDS: &str = "words";
pub(super) const CATEGORY: &str = "category";
pub(super) const PRICE: &str = "price";
pub(super) const CURRENCY: &str = "currency";
pub(super) const PRODUCTS: &str = "products";

pub(super) const ALL: &str = "all";
pub(super) const CATEGORIES: &str = "categories";

/// The list of a category.
pub(super) fn category_list(category: &Category) -> String {
    format!("category:{category}")
}

/// The list that has all words with the same first letter.
pub(super) fn word_list(word: &str) -> String {
    format!("word:{}", word.chars().next().unwrap_or_default())
}

/// What sorts products of a currency by their price.
pub(super) fn price_place(currency: &str, amount: i64) -> String {
    format!("{currency}#{amount:019}#")
}

/// What sorts the newest first: the nanoseconds that are left until a far day, with leading zeros, so that texts sort as
/// numbers do.
pub(super) fn newest_first(at: OffsetDateTime) -> String {
    let nanoseconds = i64::try_from(at.unix_timestamp_nanos()).unwrap_or(i64::MAX);
    format!("{:019}", i64::MAX - nanoseconds)
}

/// The rows of a product, by list and place.
pub(super) fn entries(product: &Product, created_at: OffsetDateTime) -> BTreeMap<(String, String), Item> {
    let id = product.id.as_str();
    let created = newest_first(created_at);
    let currency = product.price.currency.code();
    let words = words_of(product.name.as_str());
    let mut rows = BTreeMap::new();

    let lists = std::iter::once(ALL.to_owned()).chain(product.category.as_ref().map(category_list));
    for list in lists {
        let price_place = format!("{}{id}", price_place(currency, product.price.amount));
        let row = Item::from([(PRODUCT.to_owned(), item::text(id)), (PRICE_PLACE.to_owned(), item::text(price_place))]);
        rows.insert((list, format!("{created}#{id}")), row);
    }
    let all_words = words.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    for word in &words {
        let mut row = Item::from([
            (PRODUCT.to_owned(), item::text(id)),
            (WORD.to_owned(), item::text(word.as_str())),
            (WORDS.to_owned(), item::text(all_words.as_str())),
            (PRICE.to_owned(), item::number(product.price.amount)),
            (CURRENCY.to_owned(), item::text(currency)),
        ]);
        row.extend(product.category.as_ref().map(|category| (CATEGORY.to_owned(), item::text(category.as_str()))));
        rows.insert((word_list(word), format!("{word}#{created}#{id}")), row);
    }
    rows
}

/// The writes that list a product as it is `after` instead of as it was `before`, for a product that was created, changed
/// or deleted.
pub(super) fn relist(
    dynamodb: &DynamoDb,
    created_at: OffsetDateTime,
    before: Option<&Product>,
    after: Option<&Product>,
) -> Vec<TransactWriteItem> {
    let old = before.map(|product| entries(product, created_at)).unwrap_or_default();
    let new = after.map(|product| entries(product, created_at)).unwrap_or_default();
    let mut writes = Vec::new();
    writes.extend(old.keys().filter(|key| !new.contains_key(*key)).map(|key| delete(dynamodb, key)));
    let changed = new.into_iter().filter(|(key, row)| old.get(key) != Some(row));
    writes.extend(changed.map(|(key, row)| put(dynamodb, &key, row)));

    let category = |product: Option<&Product>| product.and_then(|product| product.category.clone());
    let (left, joined) = (category(before), category(after));
    if left != joined {
        let counted = [(left, -1), (joined, 1)];
        writes.extend(counted.into_iter().filter_map(|(category, by)| Some(count(dynamodb, &category?, by))));
    }
    writes
}

/// The words of a product, as its rows have them.
pub(super) fn read_words(text: &str) -> BTreeSet<String> {
    text.split(' ').map(ToOwned::to_owned).collect()
}

fn key((list, place): &(String, String)) -> Item {
    Item::from([(LIST.to_owned(), item::text(list.as_str())), (PLACE.to_owned(), item::text(place.as_str()))])
}

fn put(dynamodb: &DynamoDb, at: &(String, String), mut row: Item) -> TransactWriteItem {
    row.extend(key(at));
    let put = Put::builder()
        .table_name(dynamodb.tables.catalogue())
        .set_item(Some(row))
        .build()
        .expect("table and row are set");
    TransactWriteItem::builder().put(put).build()
}

fn delete(dynamodb: &DynamoDb, at: &(String, String)) -> TransactWriteItem {
    let delete = Delete::builder()
        .table_name(dynamodb.tables.catalogue())
        .set_key(Some(key(at)))
        .build()
        .expect("table and key are set");
    TransactWriteItem::builder().delete(delete).build()
}

fn count(dynamodb: &DynamoDb, category: &Category, by: i64) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(dynamodb.tables.catalogue())
        .set_key(Some(key(&(CATEGORIES.to_owned(), category.as_str().to_owned()))))
        .update_expression("ADD #products :by")
        .expression_attribute_names("#products", PRODUCTS)
        .expression_attribute_values(":by", item::number(by))
        .build()
        .expect("table, key and expression are set");
    TransactWriteItem::builder().update(update).build()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn newer_products_sort_before_older_ones() {
        let times = [datetime!(1970-01-01 0:00 UTC), datetime!(2026-01-01 0:00 UTC), datetime!(2200-01-01 0:00 UTC)];
        let places = times.map(newest_first);
        assert!(places.is_sorted_by(|older, newer| older > newer), "{places:?}");
        assert!(places.iter().all(|place| place.len() == 19), "{places:?}");
    }

    #[test]
    fn prices_sort_as_numbers_do() {
        assert!(price_place("EUR", 999) < price_place("EUR", 1_000));
        assert!(price_place("EUR", i64::MAX) < price_place("USD", 0));
    }
}
