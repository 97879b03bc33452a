//! Pages of the catalogue: all of it, a category, a range of prices, or what a text is found in.

use kassa_domain::{Category, Currency, Product, ProductId};

use super::entries::{
    ALL, BY_PRICE, CATEGORIES, CATEGORY, CURRENCY, LIST, PLACE, PRICE, PRICE_PLACE, PRODUCT, PRODUCTS, WORD, WORDS,
    category_list, price_place, read_words, word_list,
};
use super::words::SearchText;
use super::{MAX_PAGE, Products};
use crate::dynamodb::DynamoDb;
use crate::dynamodb::item::{self, Item};
use crate::dynamodb::pages::{self, Cursor, InvalidCursor, Range};
use crate::error::StoreError;

/// Sorts behind every text that the lists hold.
const LAST: char = '\u{10FFFF}';

/// Which products of the catalogue; every part that is there has to fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// Those of this category.
    pub category: Option<Category>,
    /// Those that cost this much.
    pub price: Option<PriceRange>,
    /// Those whose name has these words.
    pub text: Option<SearchText>,
}

/// Prices of one currency, in its minor units, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PriceRange {
    /// The currency.
    pub currency: Currency,
    /// The lowest price.
    pub min: i64,
    /// The highest price.
    pub max: i64,
}

/// Some products of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The products.
    pub products: Vec<Product>,
    /// Where the next page starts, if there is more.
    pub next: Option<Cursor>,
}

/// Some categories, in the order of the alphabet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryPage {
    /// Each with the number of its products; there is at least one.
    pub categories: Vec<(Category, u64)>,
    /// Where the next page starts, if there is more.
    pub next: Option<Cursor>,
}

impl Filter {
    /// Reads a cursor that came with a page of the same filter.
    pub fn cursor(&self, text: &str) -> Result<Cursor, InvalidCursor> {
        self.range(String::new()).cursor(text)
    }

    /// The rows that hold the answer. A text comes first, because it leaves the fewest; what is not in the order of the
    /// rows is held against each of them.
    fn range(&self, table: String) -> Range {
        let list = self.category.as_ref().map_or_else(|| ALL.to_owned(), category_list);
        match (&self.text, self.price) {
            (Some(text), _) => Range {
                table,
                index: None,
                partition: (LIST, word_list(text.rarest())),
                sort: PLACE,
                low: text.rarest().to_owned(),
                high: format!("{}{LAST}", text.rarest()),
                filters: self.canonical(),
                exact: false,
            },
            (None, Some(PriceRange { currency, min, max })) => Range {
                table,
                index: Some(BY_PRICE),
                partition: (LIST, list),
                sort: PRICE_PLACE,
                low: price_place(currency.code(), min),
                high: format!("{}{LAST}", price_place(currency.code(), max)),
                filters: String::new(),
                exact: true,
            },
            (None, None) => Range {
                table,
                index: None,
                partition: (LIST, list),
                sort: PLACE,
                low: "0".to_owned(),
                high: LAST.to_string(),
                filters: String::new(),
                exact: true,
            },
        }
    }

    /// The filter as a text that differs from that of every other filter.
    fn canonical(&self) -> String {
        let text = self.text.as_ref().map(SearchText::canonical).unwrap_or_default();
        let category = self.category.as_ref().map_or("", Category::as_str);
        let price = self.price.map(|price| format!("{} {} {}", price.currency.code(), price.min, price.max));
        format!("{text}#{category}#{}", price.unwrap_or_default())
    }

    /// The product of a row that fits.
    fn admit(&self, row: &Item) -> Result<Option<ProductId>, StoreError> {
        let id = item::read(row, PRODUCT)?;
        let Some(text) = &self.text else { return Ok(Some(id)) };
        let fits = text.admits(item::read_text(row, WORD)?, &read_words(item::read_text(row, WORDS)?))
            && match &self.category {
                None => true,
                Some(category) => row.get(CATEGORY) == Some(&item::text(category.as_str())),
            }
            && match self.price {
                None => true,
                Some(PriceRange { currency, min, max }) => {
                    let amount: i64 = item::read_number(row, PRICE)?;
                    item::read_text(row, CURRENCY)? == currency.code() && (min..=max).contains(&amount)
                }
            };
        Ok(fits.then_some(id))
    }
}

impl Products {
    /// A page of the catalogue: by price if a range of prices is asked for, by the word that is found if a text is, else the
    /// newest first. At most [`MAX_PAGE`] products are returned, whatever is asked for.
    ///
    /// However large the catalogue, a page takes a handful of queries and one batch. Where a text is found in many names
    /// and few of them fit the rest of the filter, a page can be short or even empty and still have a next one.
    /// Products that come or go meanwhile shift nothing.
    pub async fn list(&self, filter: &Filter, size: usize, after: Option<&Cursor>) -> Result<Page, StoreError> {
        let range = filter.range(self.dynamodb.tables.catalogue());
        let size = size.clamp(1, MAX_PAGE);
        let (ids, next) = pages::read(&self.dynamodb, &range, size, after, |row| filter.admit(row)).await?;
        Ok(Page { products: self.get_many(&ids).await?, next })
    }

    /// A page of the categories that have products. At most [`MAX_PAGE`] are returned, whatever is asked for.
    pub async fn categories(&self, size: usize, after: Option<&Cursor>) -> Result<CategoryPage, StoreError> {
        let range = categories_range(&self.dynamodb);
        let (categories, next) = pages::read(&self.dynamodb, &range, size.clamp(1, MAX_PAGE), after, |row| {
            let products: i64 = item::read_number(row, PRODUCTS)?;
            let products = u64::try_from(products).ok().filter(|products| *products > 0);
            products.map(|products| Ok((item::read(row, PLACE)?, products))).transpose()
        })
        .await?;
        Ok(CategoryPage { categories, next })
    }

    /// Reads a cursor that came with a page of the categories.
    pub fn categories_cursor(&self, text: &str) -> Result<Cursor, InvalidCursor> {
        categories_range(&self.dynamodb).cursor(text)
    }
}

fn categories_range(dynamodb: &DynamoDb) -> Range {
    Range {
        table: dynamodb.tables.catalogue(),
        index: None,
        partition: (LIST, CATEGORIES.to_owned()),
        sort: PLACE,
        low: "0".to_owned(),
        high: LAST.to_string(),
        filters: String::new(),
        // A category whose last product has left keeps its row.
        exact: false,
    }
}
