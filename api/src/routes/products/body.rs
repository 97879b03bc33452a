//! A product, as clients see it and send it.

use std::collections::BTreeMap;

use kassa_domain::{
    Attributes, Category, Currency, Description, ImageUrl, Images, MAX_ATTRIBUTES, MAX_DESCRIPTION_LENGTH, MAX_IMAGES,
    MAX_NAME_LENGTH, MAX_PRICE, Money, Product, ProductDetails, ProductName, parse_currency,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

use crate::etag::Entity;
use crate::wire::{MoneyBody, Object, Whole};

/// What the catalogue is to say about a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Green tea, 100 g", "description": "First flush.", "category": "tea",
    "price": {"amount": 1250, "currency": "EUR"}, "images": ["https://cdn.example.com/green-tea.jpg"],
    "attributes": {"origin": "Darjeeling"}
}))]
pub(crate) struct ProductInput {
    /// Its name: one line.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: ProductName,
    /// Longer text for customers.
    #[serde(default)]
    #[schema(value_type = String, max_length = 10000)]
    description: Description,
    /// Where customers find it: words of `a-z` and `0-9` joined by `-`.
    #[schema(value_type = Option<String>, max_length = 50, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    category: Option<Category>,
    /// The price of one piece.
    #[schema(value_type = PriceInput)]
    price: Object<PriceInput>,
    /// Pictures, the most telling first: addresses that start with `https://`.
    #[serde(default)]
    #[schema(value_type = Vec<ImageUrlBody>, max_items = 10)]
    images: Images,
    /// Whatever else customers want to know: up to 20 short texts with names.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, AttributeBody>)]
    attributes: Attributes,
}

impl From<ProductInput> for ProductDetails {
    fn from(input: ProductInput) -> Self {
        let ProductInput { name, description, category, price: Object(price), images, attributes } = input;
        Self { name, description, category, price: price.into(), images, attributes }
    }
}

/// The price of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": 1250, "currency": "EUR"}))]
pub(crate) struct PriceInput {
    /// Minor units of the currency: cents for EUR, yen for JPY.
    #[schema(value_type = i64, minimum = 0, maximum = 99_999_999)]
    amount: Whole<0, MAX_PRICE>,
    /// The ISO 4217 code in capital letters.
    #[serde(deserialize_with = "currency")]
    #[schema(value_type = String, min_length = 3, max_length = 3)]
    currency: Currency,
}

impl From<PriceInput> for Money {
    fn from(price: PriceInput) -> Self {
        Self::new(price.amount.get(), price.currency)
    }
}

fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    parse_currency(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// A product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product, example = json!({
    "id": "prod_tea", "name": "Green tea, 100 g", "description": "First flush.", "category": "tea",
    "price": {"amount": 1250, "currency": "EUR"}, "images": ["https://cdn.example.com/green-tea.jpg"],
    "attributes": {"origin": "Darjeeling"}, "available": 12
}))]
pub(crate) struct ProductBody {
    /// Its identifier.
    id: String,
    /// Its name.
    name: String,
    /// Longer text for customers; may be empty.
    description: String,
    /// Where it is found; absent if it is not sorted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// The price of one piece.
    price: MoneyBody,
    /// Pictures, the most telling first.
    images: Vec<ImageUrlBody>,
    /// Whatever else there is to know.
    attributes: BTreeMap<String, AttributeBody>,
    /// Pieces that can be ordered; up to a moment old.
    available: u64,
}

/// The address of a picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImageUrl, pattern = "^https://[A-Za-z0-9]", max_length = 500, example = "https://cdn.example.com/tea.jpg")]
pub(crate) struct ImageUrlBody(String);

/// A short text about a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attribute, min_length = 1, max_length = 200, example = "Darjeeling")]
pub(crate) struct AttributeBody(String);

impl From<Product> for ProductBody {
    fn from(product: Product) -> Self {
        let images: Vec<ImageUrl> = product.images.into();
        let attributes: BTreeMap<String, String> = product.attributes.into();
        Self {
            id: product.id.into(),
            name: product.name.into(),
            description: product.description.into(),
            category: product.category.map(Into::into),
            price: product.price.into(),
            images: images.into_iter().map(|url| ImageUrlBody(url.into())).collect(),
            attributes: attributes.into_iter().map(|(name, text)| (name, AttributeBody(text))).collect(),
            available: product.stock.available,
        }
    }
}

/// A product, ready to be sent.
pub(super) fn entity(product: Product) -> Entity {
    Entity::versioned(product.version, &ProductBody::from(product))
}

// What the documentation says about lengths has to be what is checked.
const _: () = assert!(MAX_NAME_LENGTH == 200 && MAX_DESCRIPTION_LENGTH == 10_000 && MAX_PRICE == 99_999_999);
const _: () = assert!(MAX_IMAGES == 10 && MAX_ATTRIBUTES == 20);
