//! Pages of the catalogue.

use std::collections::BTreeSet;
use std::slice::from_ref;

use futures::stream::{self, StreamExt as _};
use kassa_domain::{Currency, Money, ProductDetails, ProductId};
use kassa_store::Products;
use kassa_store::products::{Expected, Filter, MAX_PAGE, PriceRange};

use crate::support::Shop;
use crate::support::dynamodb::{espresso_cup, new_id};

/// A product of this name, in a category, at a price in euro cents.
async fn product(shop: &Shop, name: &str, category: &str, price: i64) -> ProductId {
    let id = new_id();
    let details = ProductDetails {
        name: name.to_owned().try_into().unwrap(),
        category: Some(category.parse().unwrap()),
        price: Money::new(price, Currency::EUR),
        ..espresso_cup()
    };
    shop.products.create(id.clone(), details).await.unwrap();
    id
}

fn text(text: &str) -> Filter {
    Filter { text: Some(text.try_into().unwrap()), ..Filter::default() }
}

fn category(category: &str) -> Filter {
    Filter { category: Some(category.parse().unwrap()), ..Filter::default() }
}

/// Narrows a filter down to prices in euro cents.
fn at(min: i64, max: i64, filter: Filter) -> Filter {
    Filter { price: Some(PriceRange { currency: Currency::EUR, min, max }), ..filter }
}

/// All products that fit, in the order of the pages of this size.
async fn all(products: &Products, filter: &Filter, size: usize) -> Vec<ProductId> {
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = products.list(filter, size, after.as_ref()).await.unwrap();
        assert!(page.products.len() <= size);
        seen.extend(page.products.into_iter().map(|product| product.id));
        // A cursor goes through the text form of a URL.
        after = page.next.map(|next| filter.cursor(&next.to_string()).unwrap());
        if after.is_none() {
            return seen;
        }
    }
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
        let page = shop.products.list(&Filter::default(), 3, after.as_ref()).await.unwrap();
        sizes.push(page.products.len());
        seen.extend(page.products.into_iter().map(|product| product.id));
        // A cursor goes through the text form of a URL.
        after = page.next.map(|next| Filter::default().cursor(&next.to_string()).unwrap());
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
    let first = shop.products.list(&Filter::default(), 2, None).await.unwrap();
    let second = shop.products.list(&Filter::default(), 2, first.next.as_ref()).await.unwrap();
    assert_eq!((second.products.len(), second.next), (2, None));
}

#[tokio::test]
async fn products_that_come_later_shift_no_page() {
    let shop = Shop::open().await;
    let mut old = BTreeSet::new();
    for _ in 0..4 {
        old.insert(shop.product(0).await);
    }
    let first = shop.products.list(&Filter::default(), 2, None).await.unwrap();
    for _ in 0..3 {
        shop.product(0).await;
    }

    let second = shop.products.list(&Filter::default(), 2, first.next.as_ref()).await.unwrap();

    let seen: Vec<_> = first.products.into_iter().chain(second.products).map(|product| product.id).collect();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), old);
}

#[tokio::test]
async fn a_page_has_bounds() {
    let shop = Shop::open().await;
    assert_eq!(shop.products.list(&Filter::default(), 0, None).await.unwrap().products, []);
    for _ in 0..=MAX_PAGE {
        shop.product(0).await;
    }
    assert_eq!(shop.products.list(&Filter::default(), usize::MAX, None).await.unwrap().products.len(), MAX_PAGE);
    assert_eq!(shop.products.list(&Filter::default(), 0, None).await.unwrap().products.len(), 1);
}

#[tokio::test]
async fn filters_find_what_fits_and_combine() {
    let shop = Shop::open().await;
    let sencha = product(&shop, "Green tea Sencha", "tea", 1_190).await;
    let rooibos = product(&shop, "Rooibos, red", "tea", 690).await;
    let pot = product(&shop, "Teapot, green", "crockery", 4_900).await;
    let cup = product(&shop, "Cup", "crockery", 1_190).await;

    let found = async |filter: &Filter| all(&shop.products, filter, 1).await;
    assert_eq!(found(&category("tea")).await, [rooibos.clone(), sencha.clone()], "newest first");
    assert_eq!(found(&category("coffee")).await, []);
    let cheap = at(600, 1_190, Filter::default());
    assert_eq!(found(&cheap).await, [rooibos.clone(), sencha.clone(), cup.clone()], "cheapest first");
    let cheap_tea = at(600, 1_190, category("tea"));
    assert_eq!(found(&cheap_tea).await, [rooibos, sencha.clone()]);
    let yen = PriceRange { currency: Currency::JPY, min: 0, max: i64::MAX };
    assert_eq!(found(&Filter { price: Some(yen), ..Filter::default() }).await, []);
    assert_eq!(found(&text("TEA")).await, [sencha.clone(), pot.clone()], "by the word that is found");
    assert_eq!(found(&text("gre tea")).await.len(), 2);
    assert_eq!(found(&text("tea green sen")).await, from_ref(&sencha));
    assert_eq!(found(&text("ea")).await, []);
    let green_crockery = Filter { category: Some("crockery".parse().unwrap()), ..text("green") };
    assert_eq!(found(&green_crockery).await, [pot]);
    let cheap_green = at(0, 1_190, text("green"));
    assert_eq!(found(&cheap_green).await, [sencha]);
    assert_eq!(found(&at(0, 600, category("crockery"))).await, []);
}

#[tokio::test]
async fn a_change_moves_a_product_between_lists() {
    let shop = Shop::open().await;
    let id = product(&shop, "Green tea", "tea", 100).await;
    let details = ProductDetails {
        name: "Green teapot".to_owned().try_into().unwrap(),
        category: Some("crockery".parse().unwrap()),
        price: Money::new(5_000, Currency::EUR),
        ..espresso_cup()
    };

    shop.products.update(&id, Expected::Any, &details).await.unwrap();

    let cheap = at(0, 100, Filter::default());
    for gone in [category("tea"), text("tea sencha"), cheap, at(0, 100, text("green"))] {
        assert_eq!(all(&shop.products, &gone, 10).await, [], "{gone:?}");
    }
    let dear = at(5_000, 5_000, Filter::default());
    for there in [category("crockery"), text("teapot"), text("green"), dear, Filter::default()] {
        assert_eq!(all(&shop.products, &there, 10).await, from_ref(&id), "{there:?}");
    }
    let categories = shop.products.categories(10, None).await.unwrap().categories;
    assert_eq!(categories, [("crockery".parse().unwrap(), 1)]);
    shop.products.delete(&id, Expected::Any).await.unwrap();
    for gone in [category("crockery"), text("teapot"), Filter::default()] {
        assert_eq!(all(&shop.products, &gone, 10).await, []);
    }
    assert_eq!(shop.products.categories(10, None).await.unwrap().categories, []);
}

#[tokio::test]
async fn categories_are_counted_and_paged() {
    let shop = Shop::open().await;
    for name in ["tea", "coffee", "tea", "cups"] {
        product(&shop, "Something", name, 100).await;
    }
    let first = shop.products.categories(2, None).await.unwrap();
    let counted = |categories: Vec<(kassa_domain::Category, u64)>| {
        categories.into_iter().map(|(category, count)| (category.to_string(), count)).collect::<Vec<_>>()
    };
    assert_eq!(counted(first.categories), [("coffee".to_owned(), 1), ("cups".to_owned(), 1)]);
    let next = shop.products.categories_cursor(&first.next.unwrap().to_string()).unwrap();
    let second = shop.products.categories(2, Some(&next)).await.unwrap();
    assert_eq!((counted(second.categories), second.next), (vec![("tea".to_owned(), 2)], None));
}

#[tokio::test]
async fn cursors_survive_that_products_come_and_go() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(product(&shop, "Tea", "tea", 100).await);
    }
    ids.reverse();
    for filter in [Filter::default(), category("tea"), text("tea")] {
        let first = shop.products.list(&filter, 3, None).await.unwrap();
        assert_eq!(
            first.products.iter().map(|product| &product.id).collect::<Vec<_>>(),
            ids[..3].iter().collect::<Vec<_>>()
        );
        // The very product that the cursor stands behind goes, and another one comes.
        shop.products.delete(&ids[2], Expected::Any).await.unwrap();
        let newcomer = product(&shop, "Tea", "tea", 100).await;

        let second = shop.products.list(&filter, 10, first.next.as_ref()).await.unwrap();

        assert_eq!(
            second.products.iter().map(|product| &product.id).collect::<Vec<_>>(),
            ids[3..].iter().collect::<Vec<_>>()
        );
        ids.remove(2);
        ids.insert(0, newcomer);
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_filter() {
    let shop = Shop::open().await;
    for _ in 0..2 {
        product(&shop, "Tea", "tea", 100).await;
    }
    let page = shop.products.list(&category("tea"), 1, None).await.unwrap();
    let cursor = page.next.unwrap().to_string();
    assert!(category("tea").cursor(&cursor).is_ok());
    for other in [Filter::default(), category("coffee"), text("tea"), at(0, 1, category("tea"))] {
        assert!(other.cursor(&cursor).is_err(), "{other:?}");
    }
}

#[tokio::test]
async fn a_page_takes_a_bounded_number_of_calls() {
    let shop = Shop::open().await;
    let needle = product(&shop, "Tea, the rare one", "rare", 1).await;
    let many = (0..420).map(|_| product(&shop, "Tea", "tea", 100));
    stream::iter(many).buffer_unordered(4).collect::<Vec<_>>().await;
    let (gateway, dynamodb) = shop.through_gateway().await;
    let products = Products::new(dynamodb);

    for filter in [Filter::default(), category("tea"), at(0, 500, Filter::default())] {
        let before = (gateway.calls("Query"), gateway.calls("BatchGetItem"));
        assert_eq!(products.list(&filter, 20, None).await.unwrap().products.len(), 20);
        let after = (gateway.calls("Query"), gateway.calls("BatchGetItem"));
        assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1), "{filter:?}");
    }

    // The only product that fits is behind all others, so its page comes later, but no page takes long.
    let rare = Filter { category: Some("rare".parse().unwrap()), ..text("tea") };
    let before = gateway.calls("Query");
    let first = products.list(&rare, 20, None).await.unwrap();
    assert_eq!((first.products, gateway.calls("Query") - before), (vec![], 4));
    assert!(first.next.is_some());
    assert_eq!(all(&products, &rare, 20).await, [needle]);
    assert_eq!(gateway.calls("Scan"), 0);
}
