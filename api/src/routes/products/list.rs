//! Listing the catalogue.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use kassa_domain::{MAX_PRICE, parse_currency};
use kassa_store::products::{Filter, MAX_SEARCH_LENGTH, PriceRange, SearchText};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::ProductBody;
use crate::catalogue::Catalogue;
use crate::etag::Entity;
use crate::extract::{QueryParameters, page_size};
use crate::problem::Problem;

/// Which part of the catalogue. All that is given has to fit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListProducts {
    /// The most products of the page; 20 if left out.
    // Texts, so that what is wrong with them is said in the words of this API.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before; the other parameters stay the same.
    cursor: Option<String>,
    /// Only products of this category.
    #[param(max_length = 50, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "tea")]
    category: Option<String>,
    /// Only products whose name has words that begin with each of these.
    #[param(max_length = 100, pattern = "[a-z0-9]", example = "green te")]
    q: Option<String>,
    /// The lowest price, in minor units of `currency`.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 99_999_999)]
    min_price: Option<String>,
    /// The highest price, in minor units of `currency`.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 99_999_999)]
    max_price: Option<String>,
    /// Only products with a price in this currency; needed with `min_price` and `max_price`.
    #[param(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
}

/// A part of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductPage {
    /// The products. A page can have fewer than asked for, even none, and still have a next one.
    items: Vec<ProductBody>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the catalogue.
///
/// The newest products come first; with `q` they come by the word that is found, otherwise with a price or a currency the
/// cheapest come first. What is told may be up to a second old.
#[utoipa::path(
    get, path = "/api/products", tag = "products",
    params(
        ListProducts,
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has already."),
    ),
    responses(
        (
            status = OK, description = "A page of the catalogue.", body = ProductPage,
            headers(("ETag" = String, description = "What to send as If-None-Match.")),
        ),
        (status = NOT_MODIFIED, description = "The client has it already."),
    ),
)]
pub(crate) async fn list_products(
    State(catalogue): State<Catalogue>,
    QueryParameters(query): QueryParameters<ListProducts>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page_size(query.limit.as_deref())?;
    let filter = filter(&query)?;
    let cursor = query.cursor.as_deref().map(|text| filter.cursor(text)).transpose();
    let cursor = cursor.map_err(|error| Problem::parameter("cursor", error))?;
    let read = async || {
        let page = catalogue.products().list(&filter, limit, cursor.as_ref()).await?;
        Ok(Some(Entity::new(&ProductPage {
            items: page.products.into_iter().map(ProductBody::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        })))
    };
    let page = catalogue.answer(&uri, read).await?;
    Ok(page.expect("a list always has a page").answer(&headers))
}

fn filter(query: &ListProducts) -> Result<Filter, Problem> {
    let category = query.category.as_deref().map(str::parse).transpose();
    let text = query.q.as_deref().map(SearchText::try_from).transpose();
    Ok(Filter {
        category: category.map_err(|error| Problem::parameter("category", error))?,
        price: price_range(query)?,
        text: text.map_err(|error| Problem::parameter("q", error))?,
    })
}

fn price_range(query: &ListProducts) -> Result<Option<PriceRange>, Problem> {
    let amount = |name: &str, text: &Option<String>| {
        let amount = text.as_deref().map(|text| text.parse().ok().filter(|amount| (0..=MAX_PRICE).contains(amount)));
        match amount {
            Some(None) => Err(Problem::parameter(name, format!("expected a whole number from 0 to {MAX_PRICE}"))),
            Some(amount) => Ok(amount),
            None => Ok(None),
        }
    };
    let (min, max) = (amount("min_price", &query.min_price)?, amount("max_price", &query.max_price)?);
    let Some(currency) = &query.currency else {
        if min.is_none() && max.is_none() {
            return Ok(None);
        }
        return Err(Problem::parameter("currency", "needed with min_price and max_price, such as EUR"));
    };
    let currency = parse_currency(currency).map_err(|error| Problem::parameter("currency", error))?;
    let (min, max) = (min.unwrap_or(0), max.unwrap_or(MAX_PRICE));
    if min > max {
        return Err(Problem::parameter("min_price", "expected to be no more than max_price"));
    }
    Ok(Some(PriceRange { currency, min, max }))
}

// What the documentation says has to be what is checked.
const _: () = assert!(MAX_SEARCH_LENGTH == 100 && MAX_PRICE == 99_999_999);
